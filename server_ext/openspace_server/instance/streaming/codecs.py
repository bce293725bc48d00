"""H.264 encoders: how each is configured for a live stream, and which of them works on this machine.

A hardware encoder is used only after it has encoded frames that could be decoded again, one for one and without delay.
x264 is always available.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType

log = logging.getLogger(__name__)

CLOCK_RATE = 90_000
"""Presentation times count at this many per second, as RTP wants them for video."""
TIME_BASE = Fraction(1, CLOCK_RATE)

PROBE_SIZE = (1280, 720)
PROBE_FRAMES = 6
TOO_SLOW_MS = 12.0
"""A hardware encoder slower than this at 1280x720 is worse than x264."""

BUFFER_SECONDS = 1 / 8
"""The buffer at full bit rate: a key frame of 1280x720 just fits at 4 Mbit/s."""
SMALLEST_BUFFER = 60_000
"""Bits that one frame may take at least, however low the bit rate."""

_NEVER = 1 << 20
# At finer quantisation a view at rest never settles: x264 continues to send rounding noise.
_FINEST = 18
# cv2 converts with BT.601 at limited range; the engine's colors are sRGB.
_COLOR = "colormatrix=smpte170m:colorprim=bt709:transfer=iec61966-2-1:fullrange=off"


@dataclass(frozen=True)
class CodecChoice:
    """One way to encode.

    Attributes:
        codec: FFmpeg's name.
        name: for people.
        options: private options for a ceiling and a buffer, both in bits.
        pixel_format: of its input.
        live_rate: it obeys a changed bit rate without being opened again.
    """

    codec: str
    name: str
    options: Callable[[int, int], dict[str, str]]
    pixel_format: str = "yuv420p"
    live_rate: bool = False

    def open(self, width: int, height: int, frame_rate: int, bit_rate: int, ceiling: int) -> av.VideoCodecContext:
        """An encoder for a live stream. Raises av.FFmpegError, ValueError if it is not there or refuses."""
        codec = av.CodecContext.create(self.codec, "w")
        assert isinstance(codec, av.VideoCodecContext)
        codec.width, codec.height, codec.pix_fmt = width, height, self.pixel_format
        codec.time_base, codec.framerate = TIME_BASE, Fraction(frame_rate, 1)
        codec.gop_size, codec.max_b_frames = _NEVER, 0
        # x264 obeys a changed bit rate only within the ceiling it was opened with, and only if that was its bit rate
        # then. The buffer is short so that single frames do not grow into bursts.
        codec.bit_rate = ceiling if self.live_rate else bit_rate
        buffer = max(int(bit_rate * BUFFER_SECONDS), SMALLEST_BUFFER)
        codec.options = self.options(ceiling if self.live_rate else bit_rate, buffer)
        codec.open()
        return codec


def _limits(ceiling: int, buffer: int) -> dict[str, str]:
    return {"maxrate": str(ceiling), "bufsize": str(buffer)}


X264 = CodecChoice(
    "libx264",
    "H.264 (x264 ultrafast, zero latency)",
    lambda ceiling, buffer: {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "forced-idr": "1",
        "qmin": str(_FINEST),
        **_limits(ceiling, buffer),
        # The first frame of a motion would spend in one burst what a rest has saved, and arrive late.
        "x264-params": f"threads=1:ratetol=0.1:{_COLOR}",
    },
    live_rate=True,
)
HARDWARE = (
    CodecChoice(
        "h264_nvenc",
        "H.264 (NVENC)",
        lambda ceiling, buffer: {
            **_limits(ceiling, buffer),
            "preset": "p2",
            "tune": "ull",
            "profile": "baseline",
            "rc": "cbr",
            "zerolatency": "1",
            "delay": "0",
            "forced-idr": "1",
        },
    ),
    CodecChoice(
        "h264_qsv",
        "H.264 (Quick Sync)",
        lambda ceiling, buffer: {
            **_limits(ceiling, buffer),
            "preset": "veryfast",
            "profile": "baseline",
            "async_depth": "1",
            "low_power": "1",
            "forced_idr": "1",
        },
        pixel_format="nv12",
    ),
    CodecChoice(
        "h264_amf",
        "H.264 (AMF)",
        lambda ceiling, buffer: {
            **_limits(ceiling, buffer),
            "usage": "ultralowlatency",
            "profile": "constrained_baseline",
            "rc": "cbr",
            "forced_idr": "1",
        },
    ),
    CodecChoice(
        "h264_videotoolbox",
        "H.264 (VideoToolbox)",
        lambda ceiling, buffer: {"realtime": "1", "profile": "constrained_baseline", "allow_sw": "0"},
    ),
    CodecChoice(
        "h264_mf",
        "H.264 (Media Foundation)",
        lambda ceiling, buffer: {"hw_encoding": "1", "scenario": "display_remoting", "rate_control": "cbr"},
        pixel_format="nv12",
    ),
)


@dataclass(frozen=True)
class EncoderFinding:
    """The result of trying one encoder: milliseconds for a frame of 1280x720, or why it is not used."""

    choice: CodecChoice
    works: bool
    problem: str = ""
    frame_ms: float = 0.0


def is_plausible(choice: CodecChoice) -> bool:
    """Whether this machine may have the hardware, by its devices; costs nothing."""
    if choice.codec not in av.codecs_available:
        return False
    match choice.codec:
        case "h264_nvenc":
            return sys.platform == "win32" or Path("/dev/nvidiactl").exists()
        case "h264_qsv" | "h264_amf":
            return sys.platform == "win32" or Path("/dev/dri").exists()
        case "h264_videotoolbox":
            return sys.platform == "darwin"
        case "h264_mf":
            return sys.platform == "win32"
    return True


def probe_encoders(*, all: bool = False) -> list[EncoderFinding]:
    """Try the plausible hardware encoders and x264, best first. Takes up to seconds with a GPU, else about 50 ms.

    ``all``: also list those that cannot work here, with the reason.
    """
    findings = []
    for choice in (*HARDWARE, X264):
        if is_plausible(choice):
            findings.append(_try(choice))
        elif all:
            there = choice.codec in av.codecs_available
            findings.append(EncoderFinding(choice, False, "no such device here" if there else "not in this FFmpeg"))
    return findings


def best_hardware() -> CodecChoice | None:
    """The first hardware encoder that works and is fast enough; None for x264."""
    for choice in filter(is_plausible, HARDWARE):
        finding = _try(choice)
        if finding.works:
            return choice
        log.info("%s is not used: %s", choice.name, finding.problem)
    return None


def is_hardware_plausible() -> bool:
    return any(map(is_plausible, HARDWARE))


def video_frame(planes: np.ndarray, pixel_format: str) -> av.VideoFrame:
    """A frame of I420 ``planes``, uint8 ``(height * 3 / 2, width)``; as NV12 the chroma is interleaved in a copy."""
    if pixel_format == "nv12":
        height, width = planes.shape[0] * 2 // 3, planes.shape[1]
        chroma = planes.reshape(-1)[width * height :].reshape(2, -1).T
        planes = np.concatenate((planes[:height].reshape(-1), chroma.reshape(-1))).reshape(planes.shape)
    # Without a copy PyAV takes whole groups of four rows only, and would shift the colors of any other height.
    wrap = av.VideoFrame.from_ndarray if planes.shape[0] % 6 else av.VideoFrame.from_numpy_buffer
    return wrap(planes, format=pixel_format)


def _try(choice: CodecChoice) -> EncoderFinding:
    try:
        return EncoderFinding(choice, True, frame_ms=_encode_some(choice))
    except Exception as problem:  # drivers fail in ways of their own
        return EncoderFinding(choice, False, f"{type(problem).__name__}: {problem}".splitlines()[0][:200])


def _encode_some(choice: CodecChoice) -> float:
    """Encode a few frames and decode them again; the fastest frame's milliseconds. Raises what the encoder raises."""
    width, height = PROBE_SIZE
    encoder = choice.open(width, height, 30, 4_000_000, 8_000_000)
    decoder: Any = av.CodecContext.create("h264", "r")
    ramp = np.linspace(16, 235, width, dtype=np.uint8)
    times = []
    for number in range(PROBE_FRAMES):
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height] = np.roll(ramp, 8 * number)
        frame = video_frame(planes, choice.pixel_format)
        frame.pts, frame.time_base = number * CLOCK_RATE // 30, TIME_BASE
        frame.pict_type = PictureType.I if number == 0 else PictureType.NONE
        started = time.perf_counter()
        packets = encoder.encode(frame)
        times.append((time.perf_counter() - started) * 1e3)
        data = b"".join(bytes(packet) for packet in packets)
        if not data.startswith((b"\x00\x00\x00\x01", b"\x00\x00\x01")):
            raise RuntimeError("it delays frames" if not data else "its stream is not Annex B")
        shown = decoder.decode(av.Packet(data))
        if len(shown) != 1 or (shown[0].width, shown[0].height) != PROBE_SIZE:
            raise RuntimeError("its frames cannot be decoded one for one")
    if choice is not X264 and min(times) > TOO_SLOW_MS:
        raise RuntimeError(f"{min(times):.0f} ms for a frame is slower than x264")
    return min(times)
