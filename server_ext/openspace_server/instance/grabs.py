"""Frames as arrays: the exact pixels the engine drew, and a digest of them for whoever wants proof."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from openspace_server.engines.base import Frame
from openspace_server.instance.draw_loop import DrawLoop
from openspace_server.protocols import arrays

REMEMBERED = 4


@dataclass(frozen=True)
class Digest:
    """``sha256`` in hexadecimal, of the RGB bytes in row order."""

    frame: int
    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class GrabbedFrame:
    """``rgb`` is uint8 ``(height, width, 3)``, made on the draw thread."""

    frame: Frame
    rgb: np.ndarray

    def digest(self) -> Digest:
        height, width = self.rgb.shape[:2]
        return Digest(self.frame.id, hashlib.sha256(self.rgb.data).hexdigest(), width, height)


class Grabs:
    """Takes frames from the draw thread and remembers the last few."""

    def __init__(self, draw_loop: DrawLoop) -> None:
        self._draw_loop = draw_loop
        self._recent: deque[GrabbedFrame] = deque(maxlen=REMEMBERED)

    async def message(self, request: int) -> bytes:
        """Draw now; the array message that answers ``request``."""
        grabbed = await self._draw_loop.grab(_grabbed)
        self._recent.append(grabbed)
        frame = grabbed.frame
        header = arrays.encode_header(
            grabbed.rgb, "frame", request=request, frame=frame.id, time=frame.time, camera=frame.camera
        )
        return b"".join((header, grabbed.rgb.data))

    def find(self, frame: int) -> GrabbedFrame | None:
        return next((grabbed for grabbed in self._recent if grabbed.frame.id == frame), None)

    def known(self) -> str:
        return ", ".join(str(grabbed.frame.id) for grabbed in self._recent) or "none yet"


def _grabbed(frame: Frame) -> GrabbedFrame:
    return GrabbedFrame(frame, cv2.cvtColor(frame.pixels, cv2.COLOR_BGRA2RGB))
