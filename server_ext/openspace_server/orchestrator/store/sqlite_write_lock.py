"""A fair lock for writers of an SQLite database: they are served in the order in which they ask.

SQLite itself makes a writer that finds the database locked look again later, at growing intervals: under load, some
wait for seconds while the lock is free. A lock on a file next to the database has a queue in the kernel.
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

MAX_WAIT = 5.0
"""Seconds to wait for the lock. A writer that hangs must not stop all others: then SQLite's own lock decides."""


class SqliteWriteLock:
    """One process's side of the lock. ``shared``: the lock file; None when no other process writes, and on Windows,
    where only the writers of this process are ordered. Belongs to one event loop."""

    def __init__(self, shared: Path | None) -> None:
        self._local = asyncio.Lock()
        self._shared = shared if sys.platform != "win32" else None
        self._pending: asyncio.Future[int] | None = None
        self._is_awaited = False

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        """Hold the lock; after MAX_WAIT, continue without it."""
        async with self._local:
            descriptor = await self._lock_file()
            try:
                yield
            finally:
                if descriptor is not None:
                    _release(descriptor)

    async def _lock_file(self) -> int | None:
        """The descriptor of the locked file; None when it cannot be locked."""
        if self._shared is None:
            return None
        if self._pending is None:
            try:
                descriptor = os.open(self._shared, os.O_CREAT | os.O_RDWR, 0o600)
            except OSError:  # the lock is optional
                return None
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                self._pending = self._lock_in_thread(descriptor)
            except OSError:  # a file system without such locks
                os.close(descriptor)
                return None
        return await self._wait(self._pending)

    async def _wait(self, pending: asyncio.Future[int]) -> int | None:
        self._is_awaited = True
        try:
            async with asyncio.timeout(MAX_WAIT):
                descriptor = await asyncio.shield(pending)
        except TimeoutError:
            self._is_awaited = False
            self._on_locked(pending)
            return None
        except asyncio.CancelledError:
            self._is_awaited = False
            self._on_locked(pending)
            raise
        self._is_awaited, self._pending = False, None
        return descriptor

    def _lock_in_thread(self, descriptor: int) -> asyncio.Future[int]:
        """Wait for the lock on a thread. That cannot be cancelled, so the next writer waits for the same future."""
        loop = asyncio.get_running_loop()
        pending: asyncio.Future[int] = loop.create_future()
        pending.add_done_callback(self._on_locked)

        def wait() -> None:
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                loop.call_soon_threadsafe(pending.set_result, descriptor)
            except RuntimeError:  # the loop is closed
                _release(descriptor)

        threading.Thread(target=wait, name="sqlite write lock", daemon=True).start()
        return pending

    def _on_locked(self, pending: asyncio.Future[int]) -> None:
        """Release a lock for which no writer waits any more."""
        if pending.done() and not self._is_awaited and self._pending is pending:
            self._pending = None
            _release(pending.result())


def _release(descriptor: int) -> None:
    # A process that was forked meanwhile has the file open as well: closing alone would leave it locked.
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
