"""Frames as arrays: the exact pixels the engine drew, and a digest of them for whoever wants proof."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from openspace_server.engines.base import EngineError, Frame, Still
from openspace_server.instance.drawing.draw_loop import DrawLoop
from openspace_server.instance.drawing.stills import Stills
from openspace_server.protocols import arrays, transfer
from openspace_server.protocols.fields import boolean, integer
from openspace_server.protocols.frame_request import FrameRequest
from openspace_server.protocols.shared_memory import ANSWERS, Offered

REMEMBERED = 4
LARGE_PIXELS = 2560 * 1440
"""Pictures above are made one at a time, so that a viewer cannot fill the memory by asking for many."""


@dataclass(frozen=True)
class Digest:
    """``sha256`` in hexadecimal, of the RGB bytes in row order."""

    frame: int
    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class GrabbedFrame:
    """``rgb`` is uint8 ``(height, width, 3)``."""

    frame: Frame
    rgb: np.ndarray

    def digest(self) -> Digest:
        height, width = self.rgb.shape[:2]
        return Digest(self.frame.id, hashlib.sha256(self.rgb.data).hexdigest(), width, height)


@dataclass(frozen=True)
class Way:
    """How array messages reach who asked: whole, in ``pieces``, or in ``slot`` of the ``memory`` shared with them."""

    pieces: bool = False
    memory: Offered | None = None
    slot: int = 0

    @classmethod
    def read(cls, arguments: dict[str, Any], memory: Offered | None) -> Way:
        """Raises ProtocolError naming the argument that is wrong."""
        in_pieces = boolean(arguments, "pieces", False)
        if memory is None or not memory.proven or arguments.get("slot") is None:
            return cls(in_pieces)
        return cls(in_pieces, memory, integer(arguments, "slot", ANSWERS[0], ANSWERS[-1]))

    def messages(self, request: int, header: bytes, body: memoryview) -> Iterator[bytes]:
        """What to send for one array message that answers ``request``."""
        if self.memory is not None and (told := self.memory.put(self.slot, request, header, body)) is not None:
            yield told
        elif self.pieces:
            yield from transfer.chunks(request, (header, body), layout=transfer.DOWNLOAD)
        else:
            yield b"".join((header, body))


class Grabs:
    """Takes frames from the draw thread and remembers the last few small ones."""

    def __init__(self, draw_loop: DrawLoop, stills: Stills) -> None:
        self._draw_loop = draw_loop
        self._stills = stills
        self._recent: deque[GrabbedFrame] = deque(maxlen=REMEMBERED)
        self._large = asyncio.Lock()

    async def answer(self, id: int, request: FrameRequest, size: tuple[int, int], way: Way) -> Iterator[bytes]:
        """Draw now; the messages that answer the request numbered ``id``.

        Args:
            size: of the live view, in pixels.
        """
        if request.is_live:
            return await self._in_turn(id, request, size, way)
        async with self._stills.asked():
            return await self._in_turn(id, request, request.size or size, way)

    async def _in_turn(self, id: int, request: FrameRequest, size: tuple[int, int], way: Way) -> Iterator[bytes]:
        width, height = size
        if width * height <= LARGE_PIXELS:
            return await self._messages(id, request, way)
        async with self._large:
            return await self._messages(id, request, way)

    async def _messages(self, id: int, request: FrameRequest, way: Way) -> Iterator[bytes]:
        if request.is_live:
            frame = await self._draw_loop.grab(lambda frame: frame)
        else:
            frame = await self._stills.take(request)
        # Engines never write to a frame's pixels again, so the draw thread may go on meanwhile.
        pixels = await asyncio.to_thread(_converted, frame.pixels, request.format)
        if request.is_live and request.format == "rgb":
            self._recent.append(GrabbedFrame(frame, pixels))
        sent = [("frame", pixels)]
        told: dict[str, Any] = {"frame": frame.id, "time": frame.time, "camera": frame.camera, "format": request.format}
        if isinstance(frame, Still):
            told["bodies"] = frame.bodies
            sent += [(kind, array) for kind in ("depth", "ids") if (array := getattr(frame, kind)) is not None]
        return _encoded(id, sent, told, way)

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
        raise EngineError(f"i420 needs a picture of even sides, this one has {width}x{height} pixels")
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2YUV_I420)


def _encoded(request: int, sent: list[tuple[str, np.ndarray]], told: dict[str, Any], way: Way) -> Iterator[bytes]:
    for index, (kind, array) in enumerate(sent, 1):
        header = arrays.encode_header(array, kind, request=request, more=len(sent) - index, **told)
        body = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        # Several arrays would need a slot each.
        yield from (way if len(sent) == 1 else replace(way, memory=None)).messages(request, header, body)
        told = {}
