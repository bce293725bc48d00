"""Access to the engine and the script host on the draw thread, with a fair share of its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from openspace_server.engines.base import Engine, EngineError
from openspace_server.engines.scripting.script_host import ScriptHost

T = TypeVar("T")

SHORT = 0.005
LONGEST_PAUSE = 1.0


class EngineAccess(Protocol):
    """Runs commands on the draw thread; ``DrawLoop`` is one."""

    def call(self, command: Callable[[Engine, float], T], *, changes: bool = False) -> Awaitable[T]:
        """Run ``command(engine, now)`` there. ``changes``: the view changes by it."""


class ScriptAccess:
    """The script host, for coroutines. One command at a time, and after a long one a pause as long, so that API clients
    never take more than half of the draw thread."""

    def __init__(self, engine: EngineAccess, script_host: ScriptHost) -> None:
        self._engine = engine
        self._script_host = script_host
        self._turn = asyncio.Lock()
        self._is_closed = False

    def close(self) -> None:
        """Refuse all further commands: the draw thread is about to end."""
        self._is_closed = True

    async def run(self, command: Callable[[ScriptHost], T], *, changes: bool = False) -> T:
        """Advance the script host to now and run ``command(script_host)``, on the draw thread. Raises what the command
        raises, EngineError after the end."""
        spent = 0.0

        def timed(engine: Engine, now: float) -> T:
            nonlocal spent
            started = time.perf_counter()
            try:
                self._script_host.advance(now)  # without viewers nothing is drawn, which would do it
                return command(self._script_host)
            finally:
                spent = time.perf_counter() - started

        async with self._turn:
            if self._is_closed:
                raise EngineError("the program has ended")
            try:
                return await self._engine.call(timed, changes=changes)
            finally:
                if spent > SHORT:
                    await asyncio.sleep(min(spent, LONGEST_PAUSE))
