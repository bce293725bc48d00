"""Pixels of a window off the screen, through PyAV's grabbers: one seam, three systems."""

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
"""The grabber waits for its own clock, in pictures per second; one faster than anybody asks never waits."""
STAMPED_WITHIN = 3600.0


@dataclass(frozen=True)
class Place:
    """Where a window is on its display, in pixels."""

    x: int
    y: int
    width: int
    height: int


class ScreenGrabber:
    """Takes pictures of ``place`` on ``display``, or of the window called ``title`` where that is enough, when asked.

    Close it; make another one when the place changes.
    """

    def __init__(self, display: str, place: Place | None, title: str) -> None:
        self.place = place
        name, options = _source(sys.platform, display, place, title)
        options |= {"framerate": RATE, "draw_mouse": "0"}
        try:
            self._container: Any = av.open(name, format=options.pop("format"), options=options)
        except (av.FFmpegError, OSError) as problem:
            raise EngineError(f"the picture of OpenSpace's window cannot be taken off {display}: {problem}") from None
        self._stream = self._container.streams.video[0]
        self._packets = self._container.demux(self._stream)

    def grab(self) -> np.ndarray:
        """The window as it is now: uint8 ``(height, width, 4)``, BGRA (the last one of any value), its own memory.

        Raises:
            EngineError: the display is gone.
        """
        asked = time.time()
        try:
            packet = next(self._packets)
            while _taken_before(packet, asked):
                packet = next(self._packets)
        except (av.FFmpegError, OSError, StopIteration) as problem:
            raise EngineError(f"OpenSpace's display is gone: {problem}") from None
        context = self._stream.codec_context
        width, height = context.width, context.height
        if context.pix_fmt in ("bgr0", "bgra") and packet.size == width * height * 4:
            # The raw picture is in the packet already, and the array keeps that alive.
            return np.frombuffer(memoryview(packet), np.uint8).reshape(height, width, 4)
        decoded: np.ndarray = packet.decode()[0].to_ndarray(format="bgra")
        return np.ascontiguousarray(decoded)

    def close(self) -> None:
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()


def _taken_before(packet: Any, moment: float) -> bool:
    """Whether a picture is one of those that FFmpeg takes when it opens a grabber and hands out first.

    Pictures are stamped with the wall clock where FFmpeg knows nothing better; other stamps tell nothing.
    """
    if packet.pts is None:
        return False
    early = moment - float(packet.pts * packet.time_base)
    return 0 < early < STAMPED_WITHIN


def _source(platform: str, display: str, place: Place | None, title: str) -> tuple[str, dict[str, str]]:
    """FFmpeg's name of what to grab, and its options. Without a ``place``, the window of that title."""
    if platform == "win32":
        return f"title={title}", {"format": "gdigrab"}
    if platform == "darwin":
        return "Capture screen 0", {"format": "avfoundation", "pixel_format": "bgr0"}
    if place is None:
        raise EngineError("OpenSpace needs an X display")
    size = f"{place.width}x{place.height}"
    return f"{display}+{place.x},{place.y}", {"format": "x11grab", "video_size": size}
