"""What the instance's draw loop is to the API: a way to have commands run on the thread that has the engine."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from openspace_server.engines.base import Engine

T = TypeVar("T")


class Handover:
    """Made on the event loop; that thread runs what it takes out of ``commands``, with the time of then."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self.commands: queue.Queue[Callable[[float], None]] = queue.Queue()

    def call(self, command: Callable[[Any, float], T], *, changes: bool = False) -> Awaitable[T]:
        answer: asyncio.Future[T] = self._loop.create_future()

        def work(now: float) -> None:
            try:
                result = command(self._engine, now)
            except Exception as error:
                self._tell(answer, answer.set_exception, error)
            else:
                self._tell(answer, answer.set_result, result)

        self.commands.put(work)
        return answer

    def _tell(self, answer: asyncio.Future[Any], tell: Callable[[Any], None], what: Any) -> None:
        self._loop.call_soon_threadsafe(lambda: None if answer.done() else tell(what))
