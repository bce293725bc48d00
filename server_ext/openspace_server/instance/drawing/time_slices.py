"""Long work on the draw thread, in parts between which the live picture takes its turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from typing import TypeVar

from openspace_server.engines.base import Engine
from openspace_server.instance.drawing.draw_loop import DrawLoop

AT_ONCE = 0.004
"""Seconds after which the live picture takes its turn."""

T = TypeVar("T")
Parts = Generator[None, None, T]


async def in_parts(draw_loop: DrawLoop, begin: Callable[[Engine, float], Parts[T]]) -> T:
    """What the generator that ``begin(engine, now)`` makes returns. Raises what it raises."""
    parts: list[Parts[T]] = []

    def first(engine: Engine, now: float) -> tuple[T] | None:
        parts.append(begin(engine, now))
        return _some(parts[0])

    try:
        done = await draw_loop.call(first)
        while done is None:
            done = await draw_loop.call(lambda engine, now: _some(parts[0]))
        return done[0]
    except asyncio.CancelledError:
        draw_loop.call(lambda engine, now: _give_up(parts))
        raise


def _give_up(parts: list[Parts[T]]) -> None:
    for each in parts:
        each.close()


def _some(parts: Parts[T]) -> tuple[T] | None:
    """As many parts as fit into a moment; the result when it is done."""
    until = time.perf_counter() + AT_ONCE
    try:
        while True:
            next(parts)
            if time.perf_counter() > until:
                return None
    except StopIteration as done:
        return (done.value,)
