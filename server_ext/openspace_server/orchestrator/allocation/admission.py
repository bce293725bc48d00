"""In a rush, everybody is first told whether there is a slot; then the instances start."""

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

PATIENCE = 5.0
LOOK_INTERVAL = 0.05
"""Seconds that starts wait for requests at most, and between looks at other processes."""


class Precedence:
    """Requests go before starts. Costs nothing while nobody asks.

    ``shared``: a file by which the processes that share an SQLite database tell each other; its one lock for writers is
    what they would otherwise wait for. PostgreSQL has enough to go round.
    """

    def __init__(self, shared: Path | None = None) -> None:
        self._asking = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        # On Windows each process knows only of its own requests.
        self._shared = shared if sys.platform != "win32" else None
        self._flag: int | None = None

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Somebody waits for an answer."""
        self._asking += 1
        self._quiet.clear()
        self._raise_flag()
        try:
            yield
        finally:
            self._asking -= 1
            if not self._asking:
                self._quiet.set()
                self._lower_flag()

    async def turn(self) -> None:
        """Return when nobody waits for an answer, or after PATIENCE."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._quiet.wait()
                while self._others_ask():  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_INTERVAL)

    def _raise_flag(self) -> None:
        if self._flag is None and self._shared is not None:
            with contextlib.suppress(OSError):  # a wish, not a must
                self._flag = self._open()
                fcntl.flock(self._flag, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def _lower_flag(self) -> None:
        if self._flag is not None:
            os.close(self._flag)
            self._flag = None

    def _others_ask(self) -> bool:
        if self._shared is None:
            return False
        with contextlib.suppress(OSError):
            look: Any = self._open()
            try:
                fcntl.flock(look, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(look)
        return False

    def _open(self) -> int:
        assert self._shared is not None
        return os.open(self._shared, os.O_CREAT | os.O_RDWR, 0o600)
