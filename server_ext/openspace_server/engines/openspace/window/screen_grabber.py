"""Screen capture of a window through PyAV's grabbers, on Linux, Windows and macOS."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from typing import Any

import av
import numpy as np

from openspace_server.engines.base import EngineError

RATE = "1000"
"""Frames per second of the grabber's own clock, for which it waits; faster than any request, so it never waits."""
STAMPED_WITHIN = 3600.0


@dataclass(frozen=True)
class WindowRect:
    """The rectangle of a window on its display, in pixels."""

    x: int
    y: int
    width: int
    height: int


class ScreenGrabber:
    """Captures frames of ``rect`` on ``display``, or of the window called ``title`` where that is enough, on request.

    Close it; make another one when the rectangle changes.
    """

    def __init__(self, display: str, rect: WindowRect | None, title: str) -> None:
        self.rect = rect
        name, options = _source(sys.platform, display, rect, title)
        options |= {"framerate": RATE, "draw_mouse": "0"}
        try:
            self._container: Any = av.open(name, format=options.pop("format"), options=options)
        except (av.FFmpegError, OSError) as problem:
            raise EngineError(f"OpenSpace's window cannot be captured from the display {display}: {problem}") from None
        self._stream = self._container.streams.video[0]
        self._packets = self._container.demux(self._stream)

    def grab(self) -> np.ndarray:
        """The window as it is now: uint8 ``(height, width, 4)``, BGRA (the last one of any value), its own memory.

        Raises:
            EngineError: the display is gone.
        """
        requested_at = time.time()
        try:
            packet = next(self._packets)
            while _taken_before(packet, requested_at):
                packet = next(self._packets)
        except (av.FFmpegError, OSError, StopIteration) as problem:
            raise EngineError(f"OpenSpace's display is gone: {problem}") from None
        context = self._stream.codec_context
        width, height = context.width, context.height
        if context.pix_fmt in ("bgr0", "bgra") and packet.size == width * height * 4:
            # The raw frame is in the packet already, and the array keeps that alive.
            return np.frombuffer(memoryview(packet), np.uint8).reshape(height, width, 4)
        decoded: np.ndarray = packet.decode()[0].to_ndarray(format="bgra")
        return np.ascontiguousarray(decoded)

    def close(self) -> None:
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()


def _taken_before(packet: Any, moment: float) -> bool:
    """Whether a frame is one of those that FFmpeg captures when it opens a grabber and returns first.

    Frames are stamped with the wall clock where FFmpeg knows nothing better; other stamps are ignored.
    """
    if packet.pts is None:
        return False
    early = moment - float(packet.pts * packet.time_base)
    return 0 < early < STAMPED_WITHIN


def _source(platform: str, display: str, rect: WindowRect | None, title: str) -> tuple[str, dict[str, str]]:
    """FFmpeg's name of the source, and its options. Without a ``rect``, the window of that title."""
    if platform == "win32":
        return f"title={title}", {"format": "gdigrab"}
    if platform == "darwin":
        return "Capture screen 0", {"format": "avfoundation", "pixel_format": "bgr0"}
    if rect is None:
        raise EngineError("OpenSpace needs an X display")
    size = f"{rect.width}x{rect.height}"
    return f"{display}+{rect.x},{rect.y}", {"format": "x11grab", "video_size": size}
