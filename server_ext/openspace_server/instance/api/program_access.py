"""The way to the draw thread, and fair turns on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from openspace_server.engines.base import Engine, EngineError
from openspace_server.engines.scripting.script_host import ScriptHost

T = TypeVar("T")

SHORT = 0.005
LONGEST_REST = 1.0


class EnginePort(Protocol):
    """Runs commands on the draw thread; ``DrawLoop`` is one."""

    def call(self, command: Callable[[Engine, float], T], *, changes: bool = False) -> Awaitable[T]:
        """Run ``command(engine, now)`` there. ``changes``: the picture changes by it."""


class ProgramPort:
    """The program, for coroutines. One command at a time; after a long one, the draw thread rests from us as long, so
    that API clients never take more than half of it."""

    def __init__(self, port: EnginePort, program: ScriptHost) -> None:
        self._port = port
        self._program = program
        self._turn = asyncio.Lock()
        self._closed = False

    def close(self) -> None:
        """Refuse all further commands: the draw thread is about to end."""
        self._closed = True

    async def run(self, command: Callable[[ScriptHost], T], *, changes: bool = False) -> T:
        """Bring the program up to now and run ``command(program)``, on the draw thread. Raises what the command raises,
        EngineError after the end."""
        spent = 0.0

        def timed(engine: Engine, now: float) -> T:
            nonlocal spent
            started = time.perf_counter()
            try:
                self._program.advance(now)  # nobody else may have: without viewers nothing is drawn
                return command(self._program)
            finally:
                spent = time.perf_counter() - started

        async with self._turn:
            if self._closed:
                raise EngineError("the program has ended")
            try:
                return await self._port.call(timed, changes=changes)
            finally:
                if spent > SHORT:
                    await asyncio.sleep(min(spent, LONGEST_REST))
