"""Stills: frames made next to the live view, and the future positions of bodies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import numpy as np

from openspace_server.engines.base import Still
from openspace_server.instance.drawing.draw_loop import DrawLoop
from openspace_server.instance.drawing.time_slices import in_parts
from openspace_server.protocols.frame_request import FrameRequest


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

    async def take(self, request: FrameRequest) -> Still:
        """A frame made next to the live view. Raises EngineError."""
        async with self._one:
            return await in_parts(self._draw_loop, lambda engine, now: engine.still_in_parts(now, request))

    async def whereabouts(self, targets: Sequence[str], times: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`Engine.body_positions_in_parts`, and not at once with a still, whose time it may change."""
        async with self.asked(), self._one:
            return await in_parts(self._draw_loop, lambda engine, now: engine.body_positions_in_parts(targets, times))
