"""Rate limit of one viewer's key frame requests: key frames cost all viewers of its layer bits."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

FIRST = 0.5
LONGEST = 1.0
FORGIVEN = 8.0
"""Seconds: the interval after a first request, the longest one, and the quiet that resets it."""
RECENT = 10.0
MANY = 5
"""More than so many in :data:`RECENT` seconds are too many."""


class KeyRequests:
    """Passes requests on, at growing intervals. None is lost: one that comes too soon is passed on later."""

    def __init__(self, on_request: Callable[[], None]) -> None:
        self._on_request = on_request
        self._requested_at = -FORGIVEN
        self._wait = FIRST
        self._next = 0.0
        self._later: asyncio.TimerHandle | None = None
        self._recent: deque[float] = deque(maxlen=MANY + 1)

    @property
    def are_too_many(self) -> bool:
        """Whether this viewer needs key frames all the time."""
        return len(self._recent) > MANY and time.monotonic() - self._recent[0] < RECENT

    def request(self) -> None:
        """Request a key frame, now or at the end of the interval."""
        if self._later is not None:
            return
        now = time.monotonic()
        if now >= self._next:
            self._pass_on()
        else:
            self._later = asyncio.get_running_loop().call_later(self._next - now, self._pass_on)

    def cancel(self) -> None:
        """Drop a request that was not passed on yet: a key frame has arrived."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _pass_on(self) -> None:
        now, self._later = time.monotonic(), None
        self._wait = FIRST if now - self._requested_at > FORGIVEN else min(LONGEST, 2 * self._wait)
        self._requested_at, self._next = now, now + self._wait
        self._recent.append(now)
        self._on_request()
