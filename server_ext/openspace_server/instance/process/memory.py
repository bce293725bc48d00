"""What viewers leave behind goes back to the system.

Without this an instance grows by some 70 MB an hour while viewers come and go every few seconds, though nothing of
theirs is left (``benchmarks/soak.py``): a peer connection is a circle of objects that waits for the garbage collector,
and glibc keeps what was freed.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
import time
from collections.abc import Callable

INTERVAL = 20.0
"""Seconds between two times of giving back, at least: it takes some milliseconds."""


class SpareMemory:
    """Collects garbage and gives memory back; the latter only where the C library is glibc."""

    def __init__(self) -> None:
        self._trim = _trimmer()
        self._viewers = 0
        self._left = False
        self._at = 0.0

    async def look(self, viewers: int) -> None:
        """Told how many watch, about once a second: gives back when some have left, not more often than INTERVAL."""
        self._left = self._left or viewers < self._viewers
        self._viewers = viewers
        if self._left and time.monotonic() - self._at >= INTERVAL:
            self._left, self._at = False, time.monotonic()
            gc.collect()  # what was there at the start is not looked at
            if self._trim is not None:
                await asyncio.to_thread(self._trim, 0)


def _trimmer() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except AttributeError:  # another C library, such as musl
        return None
    return trim
