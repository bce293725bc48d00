"""Whose turn it is to write to an SQLite database: everybody's, in the order they ask.

SQLite by itself lets a writer that finds the database locked look again later, and the longer it has waited the more
seldom: in a rush, some wait for seconds while the lock is free. A lock on a file beside it has a queue in the kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class Turns:
    """One process's place in the queue. ``shared``: the file whose lock is the turn; None when there are no others, and
    on Windows, where each process knows only its own order."""

    def __init__(self, shared: Path | None) -> None:
        self._mine = asyncio.Lock()
        self._shared = shared if sys.platform != "win32" else None

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Nobody else writes meanwhile."""
        async with self._mine:
            held = await self._take()
            try:
                yield
            finally:
                if held is not None:
                    os.close(held)

    async def _take(self) -> int | None:
        if self._shared is None:
            return None
        try:
            held = os.open(self._shared, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError:  # a courtesy, not a must: SQLite's own lock is what keeps writers apart
            return None
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return await self._queue(held)
        except OSError:
            pass
        return held

    async def _queue(self, held: int) -> int:
        waiting = asyncio.get_running_loop().run_in_executor(None, _lock, held)
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            # The thread cannot be called back: it closes the file, and so gives the turn away, when it gets it.
            waiting.add_done_callback(lambda _: os.close(held))
            raise
        return held


def _lock(held: int) -> None:
    with contextlib.suppress(OSError):
        fcntl.flock(held, fcntl.LOCK_EX)
