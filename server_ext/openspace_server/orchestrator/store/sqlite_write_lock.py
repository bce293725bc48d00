"""Whose turn it is to write to an SQLite database: everybody's, in the order they ask.

SQLite by itself lets a writer that finds the database locked look again later, and the longer it has waited the more
seldom: in a rush, some wait for seconds while the lock is free. A lock on a file beside it has a queue in the kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PATIENCE = 5.0
"""Seconds to wait for a turn. Somebody who hangs in theirs must not stop everybody: SQLite's own lock decides then."""


class Turns:
    """One process's place in the queue. ``shared``: the file whose lock is the turn; None when there are no others, and
    on Windows, where each process knows only its own order. Belongs to one event loop."""

    def __init__(self, shared: Path | None) -> None:
        self._mine = asyncio.Lock()
        self._shared = shared if sys.platform != "win32" else None
        self._coming: asyncio.Future[int] | None = None
        self._awaited = False

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Nobody else writes meanwhile, as far as they take turns."""
        async with self._mine:
            held = await self._take()
            try:
                yield
            finally:
                if held is not None:
                    _release(held)

    async def _take(self) -> int | None:
        """The file with its lock; None when there is no getting it."""
        if self._shared is None:
            return None
        if self._coming is None:
            try:
                held = os.open(self._shared, os.O_CREAT | os.O_RDWR, 0o600)
            except OSError:  # a courtesy, not a must
                return None
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return held
            except BlockingIOError:
                self._coming = self._queue(held)
            except OSError:  # a file system without such locks
                os.close(held)
                return None
        return await self._wait(self._coming)

    async def _wait(self, coming: asyncio.Future[int]) -> int | None:
        self._awaited = True
        try:
            async with asyncio.timeout(PATIENCE):
                held = await asyncio.shield(coming)
        except TimeoutError:
            self._awaited = False
            self._came(coming)
            return None
        except asyncio.CancelledError:
            self._awaited = False
            self._came(coming)
            raise
        self._awaited, self._coming = False, None
        return held

    def _queue(self, held: int) -> asyncio.Future[int]:
        """Wait for the lock on a thread, which nothing can call back; the next who wants a turn waits for the same."""
        loop = asyncio.get_running_loop()
        coming: asyncio.Future[int] = loop.create_future()
        coming.add_done_callback(self._came)

        def wait() -> None:
            with contextlib.suppress(OSError):
                fcntl.flock(held, fcntl.LOCK_EX)
            try:
                loop.call_soon_threadsafe(coming.set_result, held)
            except RuntimeError:  # the loop is closed
                _release(held)

        threading.Thread(target=wait, name="turn", daemon=True).start()
        return coming

    def _came(self, coming: asyncio.Future[int]) -> None:
        """A turn that nobody waits for any more is given away."""
        if coming.done() and not self._awaited and self._coming is coming:
            self._coming = None
            _release(coming.result())


def _release(held: int) -> None:
    # A process that was forked meanwhile has the file open, too: closing alone would leave it locked.
    with contextlib.suppress(OSError):
        fcntl.flock(held, fcntl.LOCK_UN)
    os.close(held)
