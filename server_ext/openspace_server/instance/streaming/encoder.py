"""H.264 for live viewing: constrained baseline, no delay, no periodic key frames, a bit rate that may change."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

import av
import cv2
import numpy as np
from av.video.frame import PictureType

from openspace_server.instance.streaming.codecs import CLOCK_RATE, TIME_BASE, X264, CodecChoice, video_frame
from openspace_server.instance.streaming.stamp import stamp

log = logging.getLogger(__name__)

OUTGROWN = 2.0
"""An encoder is opened anew for a frame rate that is higher by more than this factor; and when a key frame is due
anyway, for any higher one, and if its buffer is for another bit rate by this factor."""
DEAF_TOLERANCE = 1.25
"""An encoder that does not hear of a new bit rate is opened anew beyond this factor."""


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
    """One access unit, Annex B, with its parameter sets when ``key``. ``pts`` in units of 1/90000 s.

    ``rung`` tells which stream it belongs to, ``at`` (seconds of :func:`time.monotonic`) when it was ready.
    """

    data: bytes
    pts: int
    key: bool
    width: int
    height: int
    frame_id: int
    input_seq: int
    rung: int = 0
    at: float = field(default_factory=time.monotonic)


def convert(pixels: np.ndarray, frame_id: int, input_seq: int, *, stamped: bool) -> Picture:
    """I420 (BT.601, limited range) of BGRA ``pixels``, uint8 ``(height, width, 4)``.

    An odd last row or column is left out.
    """
    height, width = pixels.shape[0] & ~1, pixels.shape[1] & ~1
    planes = cv2.cvtColor(pixels[:height, :width], cv2.COLOR_BGRA2YUV_I420)
    if stamped:
        stamp(planes, width, height, frame_id, input_seq)
    return Picture(planes, width, height, frame_id, input_seq)


def scaled(picture: Picture, scale: float, *, stamped: bool) -> Picture:
    """``picture`` with both sides times ``scale`` (at most 1), rounded to even; the stamp keeps its size in pixels."""
    width, height = max(2, round(picture.width * scale / 2) * 2), max(2, round(picture.height * scale / 2) * 2)
    if (width, height) == (picture.width, picture.height):
        return picture
    planes = np.empty((height * 3 // 2, width), np.uint8)
    source, target = picture.planes.reshape(-1), planes.reshape(-1)
    read = written = 0
    for part in (1, 2, 2):
        old, new = (picture.height // part, picture.width // part), (height // part, width // part)
        plane = source[read : read + old[0] * old[1]].reshape(old)
        cv2.resize(
            plane,
            new[::-1],
            dst=target[written : written + new[0] * new[1]].reshape(new),
            interpolation=cv2.INTER_AREA,
        )
        read, written = read + old[0] * old[1], written + new[0] * new[1]
    if stamped:
        stamp(planes, width, height, picture.frame_id, picture.input_seq)
    return Picture(planes, width, height, picture.frame_id, picture.input_seq)


class Encoder:
    """One stream's encoder behind PyAV; x264 takes over from one that fails. Used by one thread."""

    def __init__(self, bit_rate: int, frame_rate: int, codec: CodecChoice = X264) -> None:
        self.codec = codec
        self._bit_rate = bit_rate
        self._frame_rate = frame_rate
        self._context: av.VideoCodecContext | None = None
        self._size = (0, 0)
        self._opened_rate = 0
        self._opened_bit_rate = 0
        self._last_pts = -1

    def configure(self, bit_rate: int, frame_rate: int) -> None:
        """New rates (bit/s, pictures per second) from the next picture on.

        A key frame is the price of a bit rate or a frame rate beyond twice what the encoder was opened for, and of most
        changes of either where the codec obeys none while it runs.
        """
        self._bit_rate, self._frame_rate = bit_rate, frame_rate

    def use(self, codec: CodecChoice) -> None:
        """Another codec from the next picture on, which is a key frame."""
        if codec is not self.codec:
            self.codec = codec
            self.close()

    def encode(self, picture: Picture, seconds: float, *, key: bool, rung: int = 0) -> EncodedPicture:
        """Encode for presentation at ``seconds`` of a clock that never goes back; ``key`` asks for a key frame."""
        pts = max(self._last_pts + 1, int(seconds * CLOCK_RATE))
        self._last_pts = pts
        try:
            data, key = self._encode(picture, pts, key)
        except (av.FFmpegError, ValueError, RuntimeError) as problem:
            if self.codec is X264:
                raise
            log.warning("%s failed, x264 takes over: %s", self.codec.name, problem)
            self.use(X264)
            data, key = self._encode(picture, pts, key)
        return EncodedPicture(data, pts, key, picture.width, picture.height, picture.frame_id, picture.input_seq, rung)

    def close(self) -> None:
        """Free the context; the next picture opens a new one."""
        self._context = None

    def _encode(self, picture: Picture, pts: int, key: bool) -> tuple[bytes, bool]:
        context = self._ready((picture.width, picture.height), key)
        frame = video_frame(picture.planes, self.codec.pixel_format)
        frame.pts, frame.time_base = pts, TIME_BASE
        frame.pict_type = PictureType.I if key else PictureType.NONE
        packets = context.encode(frame)
        if not packets:
            raise RuntimeError("the encoder held a picture back")
        return b"".join(bytes(packet) for packet in packets), any(packet.is_keyframe for packet in packets)

    def _ready(self, size: tuple[int, int], key: bool) -> av.VideoCodecContext:
        if self._context is None or size != self._size or self._does_not_fit(key):
            self._context = self.codec.open(*size, self._frame_rate, self._bit_rate, 2 * self._bit_rate)
            self._size, self._opened_rate, self._opened_bit_rate = size, self._frame_rate, self._bit_rate
        if self.codec.live_rate and self._context.bit_rate != self._asked():
            self._context.bit_rate = self._asked()
        return self._context

    def _asked(self) -> int:
        """What to ask of an encoder that counts with the frame rate it was opened for."""
        return self._bit_rate * self._opened_rate // self._frame_rate

    def _does_not_fit(self, key: bool) -> bool:
        if not self.codec.live_rate:
            factor = self._asked() / self._opened_bit_rate
            return self._frame_rate > self._opened_rate or not 1 / DEAF_TOLERANCE <= factor <= DEAF_TOLERANCE
        if self._asked() > 2 * self._opened_bit_rate or self._frame_rate > OUTGROWN * self._opened_rate:
            return True
        outgrown = not 1 / OUTGROWN <= self._bit_rate / self._opened_bit_rate <= OUTGROWN
        return key and (outgrown or self._frame_rate > self._opened_rate)
