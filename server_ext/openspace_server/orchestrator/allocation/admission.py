"""Admission under load: answer slot requests before starting instances."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

MAX_WAIT = 5.0
PROBE_INTERVAL = 0.05
"""Seconds that starts wait for requests at most, and between looks at other processes."""


class Admission:
    """Requests go before starts. Costs nothing while there is no request.

    ``shared``: a lock file through which the processes that share an SQLite database see each other's requests; they
    would otherwise wait for its single write lock. PostgreSQL has enough capacity without it.
    """

    def __init__(self, shared: Path | None = None) -> None:
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()
        # On Windows each process knows only of its own requests.
        self._shared = shared if sys.platform != "win32" else None
        self._flag: int | None = None

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """A request for a slot is being answered."""
        self._requests += 1
        self._idle.clear()
        self._raise_flag()
        try:
            yield
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()
                self._lower_flag()

    async def wait_idle(self) -> None:
        """Return when no request waits for its answer, or after MAX_WAIT."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MAX_WAIT):
                await self._idle.wait()
                while self._others_are_busy():  # noqa: ASYNC110
                    await asyncio.sleep(PROBE_INTERVAL)

    def _raise_flag(self) -> None:
        if self._flag is None and self._shared is not None:
            with contextlib.suppress(OSError):  # optional: without it, only this process waits
                self._flag = self._open()
                fcntl.flock(self._flag, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def _lower_flag(self) -> None:
        if self._flag is not None:
            os.close(self._flag)
            self._flag = None

    def _others_are_busy(self) -> bool:
        if self._shared is None:
            return False
        with contextlib.suppress(OSError):
            probe: Any = self._open()
            try:
                fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(probe)
        return False

    def _open(self) -> int:
        assert self._shared is not None
        return os.open(self._shared, os.O_CREAT | os.O_RDWR, 0o600)
