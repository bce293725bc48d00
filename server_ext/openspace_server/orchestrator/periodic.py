"""What is done again and again, each at its own pace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


class Rounds:
    """Tasks that never end by themselves: what fails once is done again in the next round."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, interval: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do ``work`` every ``interval`` seconds, the first time after one."""
        self._tasks.append(asyncio.create_task(self._repeat(interval, work)))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _repeat(self, interval: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(interval)
            try:
                await work()
            except Exception:
                log.exception("%s", getattr(work, "__qualname__", work))
