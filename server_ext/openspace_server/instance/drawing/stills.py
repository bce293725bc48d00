"""What the verb ``frame`` may be asked for beyond the next live picture, and how the engine is asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from openspace_server.engines.base import Still, StillRequest
from openspace_server.instance.drawing.draw_loop import DrawLoop
from openspace_server.instance.drawing.time_slices import in_parts
from openspace_server.protocols.fields import ProtocolError, boolean, describe, text
from openspace_server.protocols.limits import check_antialias, check_size

FORMATS = ("rgb", "i420")


@dataclass(frozen=True)
class Wanted(StillRequest):
    """A still, or the next live picture, and how its pixels are to come: ``format`` is one of :data:`FORMATS`."""

    format: str = "rgb"

    @property
    def live(self) -> bool:
        """Whether the next live picture itself is what is wanted."""
        chosen = (self.size, self.antialias, self.time, self.camera)
        return all(each is None for each in chosen) and not self.depth and not self.ids

    @classmethod
    def read(cls, arguments: dict[str, Any]) -> Wanted:
        """Raises ProtocolError naming the argument that is wrong."""
        size = antialias = moment = None
        if (given := arguments.get("size")) is not None:
            if not isinstance(given, list) or len(given) != 2:
                raise ProtocolError(f"size: expected [width, height], got {describe(given)}")
            size = check_size({"width": given[0], "height": given[1]})
        if arguments.get("antialias") is not None:
            antialias = check_antialias(arguments["antialias"])
        if arguments.get("time") is not None:
            moment = text(arguments, "time", limit=64)
        camera = arguments.get("camera")
        if camera is not None and not isinstance(camera, dict):
            raise ProtocolError(f"camera: expected a navigation state, got {describe(camera)}")
        format = text(arguments, "format", limit=16, default="rgb")
        if format not in FORMATS:
            raise ProtocolError(f"format: expected rgb or i420, got {describe(format)}")
        if format == "i420" and size is not None and (size[0] % 2 or size[1] % 2):
            raise ProtocolError(f"size: i420 needs even sides, got {size[0]}x{size[1]}")
        depth, ids = boolean(arguments, "depth", False), boolean(arguments, "ids", False)
        return cls(size, antialias, moment, camera, depth, ids, format)


class Stills:
    """Makes stills on the draw thread, one after the other, in parts between which the live picture goes on."""

    def __init__(self, draw_loop: DrawLoop) -> None:
        self._draw_loop = draw_loop
        self._one = asyncio.Lock()
        self._asked = 0

    @contextlib.asynccontextmanager
    async def asked(self) -> AsyncIterator[None]:
        """Around everything that asks for stills. An engine that puts its live picture aside for them shows it again
        when the last who asked has left, and not between two stills of many."""
        self._asked += 1
        cancelled = False
        try:
            yield
        except asyncio.CancelledError:
            cancelled = True
            raise
        finally:
            self._asked -= 1
            if self._asked == 0:
                over = self._draw_loop.call(lambda engine, now: engine.end_stills())
                if not cancelled:
                    await over

    async def take(self, wanted: Wanted) -> Still:
        """A picture beside the live one. Raises EngineError."""
        async with self._one:
            return await in_parts(self._draw_loop, lambda engine, now: engine.still_in_parts(now, wanted))

    async def whereabouts(self, targets: Sequence[str], times: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`Engine.body_positions_in_parts`, and not at once with a still, whose time it may change."""
        async with self.asked(), self._one:
            return await in_parts(self._draw_loop, lambda engine, now: engine.body_positions_in_parts(targets, times))
