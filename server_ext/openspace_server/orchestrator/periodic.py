"""Periodic background tasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


class PeriodicTasks:
    """Run until :meth:`stop`. A failure is logged; the task runs again at its next interval."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, interval: float, work: Callable[[], Awaitable[None]]) -> None:
        """Call ``work`` every ``interval`` seconds, first after one interval."""
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
