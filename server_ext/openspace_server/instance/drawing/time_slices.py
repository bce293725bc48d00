"""Time slices: long work on the draw thread in parts, between which live frames are drawn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from typing import TypeVar

from openspace_server.engines.base import Engine
from openspace_server.instance.drawing.draw_loop import DrawLoop

SLICE = 0.004
"""Seconds of work after which a live frame may be drawn."""

T = TypeVar("T")
Parts = Generator[None, None, T]


async def in_parts(draw_loop: DrawLoop, begin: Callable[[Engine, float], Parts[T]]) -> T:
    """The return value of the generator that ``begin(engine, now)`` makes. Raises what it raises."""
    parts: list[Parts[T]] = []

    def first(engine: Engine, now: float) -> tuple[T] | None:
        parts.append(begin(engine, now))
        return _advance(parts[0])

    try:
        done = await draw_loop.call(first)
        while done is None:
            done = await draw_loop.call(lambda engine, now: _advance(parts[0]))
        return done[0]
    except asyncio.CancelledError:
        draw_loop.call(lambda engine, now: _close(parts))
        raise


def _close(parts: list[Parts[T]]) -> None:
    for each in parts:
        each.close()


def _advance(parts: Parts[T]) -> tuple[T] | None:
    """Run the parts that fit into a slice; the result, in a tuple, after the last."""
    until = time.perf_counter() + SLICE
    try:
        while True:
            next(parts)
            if time.perf_counter() > until:
                return None
    except StopIteration as done:
        return (done.value,)
