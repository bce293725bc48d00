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
    """Makes stills on the draw thread, one after the other, in time slices between which live frames are drawn."""

    def __init__(self, draw_loop: DrawLoop) -> None:
        self._draw_loop = draw_loop
        self._one_at_a_time = asyncio.Lock()
        self._open = 0

    @contextlib.asynccontextmanager
    async def series(self) -> AsyncIterator[None]:
        """A context for every request of stills. An engine that interrupts its live view for them restores it when the
        last series ends, and not between two stills of many."""
        self._open += 1
        is_cancelled = False
        try:
            yield
        except asyncio.CancelledError:
            is_cancelled = True
            raise
        finally:
            self._open -= 1
            if self._open == 0:
                restored = self._draw_loop.call(lambda engine, now: engine.end_stills())
                if not is_cancelled:
                    await restored

    async def take(self, request: FrameRequest) -> Still:
        """A frame made next to the live view. Raises EngineError."""
        async with self._one_at_a_time:
            return await in_parts(self._draw_loop, lambda engine, now: engine.still_in_parts(now, request))

    async def body_positions(self, targets: Sequence[str], times: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`Engine.body_positions_in_parts`, and never during a still, whose time it may change."""
        async with self.series(), self._one_at_a_time:
            return await in_parts(self._draw_loop, lambda engine, now: engine.body_positions_in_parts(targets, times))
