"""H.264 for live viewing: constrained baseline, no delay, no periodic key frames, a bit rate that may change."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.frame import PictureType

from openspace_server.instance.streaming.stamp import stamp

CLOCK_RATE = 90_000
"""Presentation times count at this many per second, as RTP wants them for video."""
NAME = "H.264 (x264 ultrafast, zero latency)"

_NEVER = 1 << 20
# At finer quantisation a still picture never settles: x264 goes on sending rounding noise.
_FINEST = 18
# cv2 converts with BT.601 at limited range; the engine's colours are sRGB.
_COLOUR = "colormatrix=smpte170m:colorprim=bt709:transfer=iec61966-2-1:fullrange=off"
_TIME_BASE = Fraction(1, CLOCK_RATE)


@dataclass(frozen=True)
class Picture:
    """One picture to encode: I420 ``planes``, uint8 ``(height * 3 / 2, width)``, both sides even."""

    planes: np.ndarray
    width: int
    height: int
    frame_id: int
    input_seq: int


@dataclass(frozen=True)
class EncodedPicture:
    """One access unit, Annex B, with its parameter sets when ``key``. ``pts`` in units of 1/90000 s."""

    data: bytes
    pts: int
    key: bool
    width: int
    height: int
    frame_id: int
    input_seq: int


def convert(pixels: np.ndarray, frame_id: int, input_seq: int, *, stamped: bool) -> Picture:
    """I420 (BT.601, limited range) of BGRA ``pixels``, uint8 ``(height, width, 4)``.

    An odd last row or column is left out.
    """
    height, width = pixels.shape[0] & ~1, pixels.shape[1] & ~1
    planes = cv2.cvtColor(pixels[:height, :width], cv2.COLOR_BGRA2YUV_I420)
    if stamped:
        stamp(planes, width, height, frame_id, input_seq)
    return Picture(planes, width, height, frame_id, input_seq)


class Encoder:
    """x264 behind PyAV. Used by one thread."""

    def __init__(self, bit_rate: int, frame_rate: int) -> None:
        self._bit_rate = bit_rate
        self._frame_rate = frame_rate
        self._codec: av.VideoCodecContext | None = None
        self._opened_for: tuple[int, int, int] | None = None
        self._ceiling = 0
        self._last_pts = -1

    def configure(self, bit_rate: int, frame_rate: int) -> None:
        """New rates (bit/s, pictures per second) from the next picture on.

        A new frame rate, or a bit rate above the ceiling chosen at opening, costs a key frame.
        """
        self._bit_rate, self._frame_rate = bit_rate, frame_rate

    def encode(self, picture: Picture, seconds: float, *, key: bool) -> EncodedPicture:
        """Encode for presentation at ``seconds`` of a clock that never goes back; ``key`` asks for a key frame."""
        codec = self._context(picture.width, picture.height)
        pts = max(self._last_pts + 1, int(seconds * CLOCK_RATE))
        self._last_pts = pts
        # Without a copy PyAV takes whole groups of four rows only, and would shift the colours of any other height.
        wrap = av.VideoFrame.from_ndarray if picture.height % 4 else av.VideoFrame.from_numpy_buffer
        frame = wrap(picture.planes, format="yuv420p")
        frame.pts, frame.time_base = pts, _TIME_BASE
        frame.pict_type = PictureType.I if key else PictureType.NONE
        packets = codec.encode(frame)
        return EncodedPicture(
            data=b"".join(bytes(packet) for packet in packets),
            pts=pts,
            key=any(packet.is_keyframe for packet in packets),
            width=picture.width,
            height=picture.height,
            frame_id=picture.frame_id,
            input_seq=picture.input_seq,
        )

    def close(self) -> None:
        """Free the context; the next picture opens a new one."""
        self._codec = None
        self._opened_for = None

    def _context(self, width: int, height: int) -> av.VideoCodecContext:
        if (
            self._codec is None
            or self._opened_for != (width, height, self._frame_rate)
            or self._bit_rate > self._ceiling
        ):
            self._codec = self._open(width, height)
            self._opened_for = (width, height, self._frame_rate)
        if self._codec.bit_rate != self._bit_rate:
            self._codec.bit_rate = self._bit_rate
        return self._codec

    def _open(self, width: int, height: int) -> av.VideoCodecContext:
        codec = av.CodecContext.create("libx264", "w")
        assert isinstance(codec, av.VideoCodecContext)
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.time_base, codec.framerate = _TIME_BASE, Fraction(self._frame_rate, 1)
        codec.gop_size = _NEVER
        # x264 obeys a changed bit rate only within the ceiling it was opened with, and only if that was its bit rate
        # then. The buffer is short so that single pictures do not grow into bursts.
        self._ceiling = 2 * self._bit_rate
        codec.bit_rate = self._ceiling
        codec.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            "qmin": str(_FINEST),
            "maxrate": str(self._ceiling),
            "bufsize": str(max(self._bit_rate // 4, 200_000)),
            "x264-params": f"threads=1:{_COLOUR}",
        }
        codec.open()
        return codec
