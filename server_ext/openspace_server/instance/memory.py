"""Memory that the C library keeps for later goes back to the system once viewers have left.

Without this an instance grows by some 70 MB an hour while viewers come and go every few seconds, though nothing of
theirs is left (``benchmarks/soak.py``): glibc keeps what each of them freed.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
import time
from collections.abc import Callable

INTERVAL = 20.0
"""Seconds between two times of giving back, at least: it takes the allocator some milliseconds."""


class SpareMemory:
    """Gives memory back; does nothing where the C library is not glibc."""

    def __init__(self) -> None:
        self._trim = _trimmer()
        self._viewers = 0
        self._left = False
        self._at = 0.0

    async def look(self, viewers: int) -> None:
        """Told how many watch, about once a second: gives back when some have left, not more often than INTERVAL."""
        self._left = self._left or viewers < self._viewers
        self._viewers = viewers
        if self._left and self._trim is not None and time.monotonic() - self._at >= INTERVAL:
            self._left, self._at = False, time.monotonic()
            await asyncio.to_thread(self._trim, 0)


def _trimmer() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except AttributeError:  # another C library, such as musl
        return None
    return trim
