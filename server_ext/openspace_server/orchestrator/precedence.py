"""In a rush, everybody is first told whether there is a slot; then the instances start."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

PATIENCE = 5.0
"""Seconds that starts wait for requests at most."""


class Precedence:
    """Requests go before starts. Costs nothing while nobody asks."""

    def __init__(self) -> None:
        self._asking = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Somebody waits for an answer."""
        self._asking += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._asking -= 1
            if not self._asking:
                self._quiet.set()

    async def turn(self) -> None:
        """Return when nobody waits for an answer, or after PATIENCE."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._quiet.wait()
