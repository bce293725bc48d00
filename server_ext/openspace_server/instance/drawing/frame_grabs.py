"""Frame grabs: the exact pixels that the engine drew, as arrays, and a digest of them as proof."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from openspace_server.engines.base import EngineError, Frame, Still
from openspace_server.instance.drawing.draw_loop import DrawLoop
from openspace_server.instance.drawing.stills import Stills
from openspace_server.protocols.frame_request import FrameRequest

REMEMBERED = 4
LARGE_PIXELS = 2560 * 1440
"""Larger frames are made one at a time, so that a viewer cannot fill the memory by requesting many."""


@dataclass(frozen=True)
class Digest:
    """``sha256`` in hexadecimal, of the RGB bytes in row order."""

    frame: int
    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class GrabbedFrame:
    """A drawn frame. ``pixels`` in the requested format: RGB is uint8 ``(height, width, 3)``."""

    frame: Frame
    pixels: np.ndarray
    format: str = "rgb"

    @property
    def arrays(self) -> list[tuple[str, np.ndarray]]:
        """Kind and array, the pixels first, then depth and ids of a still."""
        others = [(kind, getattr(self.frame, kind, None)) for kind in ("depth", "ids")]
        return [("frame", self.pixels), *((kind, array) for kind, array in others if array is not None)]

    @property
    def fields(self) -> dict[str, Any]:
        """Header fields that describe the frame."""
        frame = self.frame
        fields = {"frame": frame.id, "time": frame.time, "camera": frame.camera, "format": self.format}
        return fields | {"bodies": frame.bodies} if isinstance(frame, Still) else fields

    def digest(self) -> Digest:
        height, width = self.pixels.shape[:2]
        return Digest(self.frame.id, hashlib.sha256(self.pixels.data).hexdigest(), width, height)


class FrameGrabs:
    """Takes frames from the draw thread and remembers the last few live ones."""

    def __init__(self, draw_loop: DrawLoop, stills: Stills) -> None:
        self._draw_loop = draw_loop
        self._stills = stills
        self._recent: deque[GrabbedFrame] = deque(maxlen=REMEMBERED)
        self._large_one_at_a_time = asyncio.Lock()

    async def grab(self, request: FrameRequest, live_size: tuple[int, int]) -> GrabbedFrame:
        """Draw now. Raises EngineError.

        Args:
            live_size: of the live view, in pixels.
        """
        if request.is_live:
            return await self._sized(request, live_size)
        async with self._stills.series():
            return await self._sized(request, request.size or live_size)

    async def _sized(self, request: FrameRequest, size: tuple[int, int]) -> GrabbedFrame:
        width, height = size
        if width * height <= LARGE_PIXELS:
            return await self._drawn(request)
        async with self._large_one_at_a_time:
            return await self._drawn(request)

    async def _drawn(self, request: FrameRequest) -> GrabbedFrame:
        if request.is_live:
            frame = await self._draw_loop.grab(lambda frame: frame)
        else:
            frame = await self._stills.take(request)
        # Engines never write to a frame's pixels again, so the draw thread may continue meanwhile.
        pixels = await asyncio.to_thread(_converted, frame.pixels, request.format)
        grabbed = GrabbedFrame(frame, pixels, request.format)
        if request.is_live and request.format == "rgb":
            self._recent.append(grabbed)
        return grabbed

    def find(self, frame: int) -> GrabbedFrame | None:
        return next((grabbed for grabbed in self._recent if grabbed.frame.id == frame), None)

    def known(self) -> str:
        return ", ".join(str(grabbed.frame.id) for grabbed in self._recent) or "none yet"


def _converted(pixels: np.ndarray, format: str) -> np.ndarray:
    """BGRA as RGB, or as the planes that video encoders take."""
    if format == "rgb":
        return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB)
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        raise EngineError(f"i420 needs a frame of even sides, this one has {width}x{height} pixels")
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2YUV_I420)
