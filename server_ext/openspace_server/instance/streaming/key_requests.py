"""One viewer's right to ask for key frames. Everybody on its stream pays for them, so asking often gets slower."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

FIRST = 0.5
LONGEST = 1.0
FORGIVEN = 8.0
"""Seconds: the wait after a first request, the longest wait, and the quiet after which all is forgotten."""
RECENT = 10.0
MANY = 5
"""So many in :data:`RECENT` seconds are trouble."""


class KeyRequests:
    """Passes requests on, at growing intervals. None is forgotten: one that comes too soon is passed on later."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._asked_at = -FORGIVEN
        self._wait = FIRST
        self._next = 0.0
        self._later: asyncio.TimerHandle | None = None
        self._recent: deque[float] = deque(maxlen=MANY + 1)

    @property
    def troubled(self) -> bool:
        """This viewer needs key frames all the time."""
        return len(self._recent) > MANY and time.monotonic() - self._recent[0] < RECENT

    def ask(self) -> None:
        """A key frame, now or as soon as it is this viewer's turn."""
        if self._later is not None:
            return
        now = time.monotonic()
        if now >= self._next:
            self._pass_on()
        else:
            self._later = asyncio.get_running_loop().call_later(self._next - now, self._pass_on)

    def satisfied(self) -> None:
        """A key frame has come: what was waiting needs not be passed on any more."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _pass_on(self) -> None:
        now, self._later = time.monotonic(), None
        self._wait = FIRST if now - self._asked_at > FORGIVEN else min(LONGEST, 2 * self._wait)
        self._asked_at, self._next = now, now + self._wait
        self._recent.append(now)
        self._ask()
