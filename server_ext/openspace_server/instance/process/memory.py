"""Return of memory freed by departed viewers to the operating system.

Without it an instance grows by some 70 MB an hour while viewers come and go every few seconds, though it holds nothing
of theirs (``benchmarks/soak.py``): a peer connection is a cycle of objects that waits for the garbage collector, and
glibc keeps what was freed.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
import time
from collections.abc import Callable

INTERVAL = 20.0
"""Seconds between two returns at least: each takes some milliseconds."""


class SpareMemory:
    """Collects garbage and returns memory; the latter only where the C library is glibc."""

    def __init__(self) -> None:
        self._trim = _trimmer()
        self._viewers = 0
        self._has_left = False
        self._at = 0.0

    async def update(self, viewers: int) -> None:
        """To be called about once a second with the number of viewers: returns memory when some have left."""
        self._has_left = self._has_left or viewers < self._viewers
        self._viewers = viewers
        if self._has_left and time.monotonic() - self._at >= INTERVAL:
            self._has_left, self._at = False, time.monotonic()
            gc.collect()  # objects of the start are frozen and not looked at
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
