"""H.264 encoder for live viewing: constrained baseline, no delay, no periodic key frames, a variable bit rate."""

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
"""An encoder is reopened for a frame rate that is higher by more than this factor; when a key frame is due anyway, also
for any higher one, and if its buffer is for a bit rate that differs by this factor."""
RATE_TOLERANCE = 1.25
"""An encoder whose bit rate cannot change is reopened beyond this factor."""


@dataclass(frozen=True)
class RawFrame:
    """One frame to encode: I420 ``planes``, uint8 ``(height * 3 / 2, width)``, both sides even."""

    planes: np.ndarray
    width: int
    height: int
    frame_id: int
    input_seq: int


@dataclass(frozen=True)
class EncodedFrame:
    """One access unit, Annex B, with its parameter sets if ``is_key``. ``pts`` in units of 1/90000 s.

    ``at``: when it was ready, in seconds of :func:`time.monotonic`.
    """

    data: bytes
    pts: int
    is_key: bool
    width: int
    height: int
    frame_id: int
    input_seq: int
    layer: int = 0
    at: float = field(default_factory=time.monotonic)


def convert(pixels: np.ndarray, frame_id: int, input_seq: int, *, stamped: bool) -> RawFrame:
    """I420 (BT.601, limited range) of BGRA ``pixels``, uint8 ``(height, width, 4)``.

    An odd last row or column is left out.
    """
    height, width = pixels.shape[0] & ~1, pixels.shape[1] & ~1
    planes = cv2.cvtColor(pixels[:height, :width], cv2.COLOR_BGRA2YUV_I420)
    if stamped:
        stamp(planes, width, height, frame_id, input_seq)
    return RawFrame(planes, width, height, frame_id, input_seq)


def scaled(frame: RawFrame, scale: float, *, stamped: bool) -> RawFrame:
    """``frame`` with both sides times ``scale`` (at most 1), rounded to even; the stamp keeps its size in pixels."""
    width, height = max(2, round(frame.width * scale / 2) * 2), max(2, round(frame.height * scale / 2) * 2)
    if (width, height) == (frame.width, frame.height):
        return frame
    planes = np.empty((height * 3 // 2, width), np.uint8)
    source, target = frame.planes.reshape(-1), planes.reshape(-1)
    read = written = 0
    for part in (1, 2, 2):
        old, new = (frame.height // part, frame.width // part), (height // part, width // part)
        plane = source[read : read + old[0] * old[1]].reshape(old)
        cv2.resize(
            plane,
            new[::-1],
            dst=target[written : written + new[0] * new[1]].reshape(new),
            interpolation=cv2.INTER_AREA,
        )
        read, written = read + old[0] * old[1], written + new[0] * new[1]
    if stamped:
        stamp(planes, width, height, frame.frame_id, frame.input_seq)
    return RawFrame(planes, width, height, frame.frame_id, frame.input_seq)


class Encoder:
    """One layer's encoder behind PyAV; x264 takes over from one that fails. Used by one thread."""

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
        """New rates (bit/s, frames per second) from the next frame on.

        A key frame is the price of a bit rate or a frame rate beyond twice what the encoder was opened for, and of most
        changes of either where the codec follows none while it runs.
        """
        self._bit_rate, self._frame_rate = bit_rate, frame_rate

    def use(self, codec: CodecChoice) -> None:
        """Another codec from the next frame on, which is a key frame."""
        if codec is not self.codec:
            self.codec = codec
            self.close()

    def encode(self, raw: RawFrame, seconds: float, *, is_key: bool, layer: int = 0) -> EncodedFrame:
        """Encode for presentation at ``seconds`` of a clock that never goes back; ``is_key``: as a key frame."""
        pts = max(self._last_pts + 1, int(seconds * CLOCK_RATE))
        self._last_pts = pts
        try:
            data, is_key = self._encode(raw, pts, is_key)
        except (av.FFmpegError, ValueError, RuntimeError) as problem:
            if self.codec is X264:
                raise
            log.warning("%s failed, x264 takes over: %s", self.codec.name, problem)
            self.use(X264)
            data, is_key = self._encode(raw, pts, is_key)
        return EncodedFrame(data, pts, is_key, raw.width, raw.height, raw.frame_id, raw.input_seq, layer)

    def close(self) -> None:
        """Free the context; the next frame opens a new one."""
        self._context = None

    def _encode(self, raw: RawFrame, pts: int, is_key: bool) -> tuple[bytes, bool]:
        context = self._opened((raw.width, raw.height), is_key)
        frame = video_frame(raw.planes, self.codec.pixel_format)
        frame.pts, frame.time_base = pts, TIME_BASE
        frame.pict_type = PictureType.I if is_key else PictureType.NONE
        packets = context.encode(frame)
        if not packets:
            raise RuntimeError("the encoder delays frames")
        return b"".join(bytes(packet) for packet in packets), any(packet.is_keyframe for packet in packets)

    def _opened(self, size: tuple[int, int], is_key: bool) -> av.VideoCodecContext:
        if self._context is None or size != self._size or self._must_reopen(is_key):
            self._context = self.codec.open(*size, self._frame_rate, self._bit_rate, 2 * self._bit_rate)
            self._size, self._opened_rate, self._opened_bit_rate = size, self._frame_rate, self._bit_rate
        if self.codec.live_rate and self._context.bit_rate != self._requested_bit_rate():
            self._context.bit_rate = self._requested_bit_rate()
        return self._context

    def _requested_bit_rate(self) -> int:
        """The bit rate to set in an encoder that computes with the frame rate it was opened for."""
        return self._bit_rate * self._opened_rate // self._frame_rate

    def _must_reopen(self, is_key: bool) -> bool:
        if not self.codec.live_rate:
            factor = self._requested_bit_rate() / self._opened_bit_rate
            return self._frame_rate > self._opened_rate or not 1 / RATE_TOLERANCE <= factor <= RATE_TOLERANCE
        if self._requested_bit_rate() > 2 * self._opened_bit_rate or self._frame_rate > OUTGROWN * self._opened_rate:
            return True
        is_outgrown = not 1 / OUTGROWN <= self._bit_rate / self._opened_bit_rate <= OUTGROWN
        return is_key and (is_outgrown or self._frame_rate > self._opened_rate)
