"""How many pictures may be on their way to a viewer before it has acknowledged one: enough to fill the road, no more.

A WebSocket and the proxies between hold as much as they are given; every picture they hold is delay.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque

SPARE = 2
MOST = 24
FASTEST = 60
"""Pictures per second that the road must be filled for."""
FORGET = 1.02
"""The shortest round trip is forgotten by this factor with each acknowledgement, should the road have become longer."""


class Credit:
    """One viewer's unacknowledged pictures. ``limit`` fixes how many there may be. Times in seconds.

    Attributes:
        round_trip: of the picture acknowledged last, None before the first; the time to send it is in it.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.round_trip: float | None = None
        self.shortest = 0.0
        self._limit = limit
        self._on_their_way: deque[tuple[int, float]] = deque()
        self._room = asyncio.Event()

    @property
    def window(self) -> int:
        """How many pictures may be unacknowledged."""
        return self._limit or min(MOST, SPARE + math.ceil(self.shortest * FASTEST))

    @property
    def free(self) -> bool:
        return len(self._on_their_way) < self.window

    def oldest_for(self, now: float) -> float:
        """How long the oldest unacknowledged picture has been on its way."""
        return now - self._on_their_way[0][1] if self._on_their_way else 0.0

    def sent(self, number: int, now: float) -> None:
        self._on_their_way.append((number, now))

    def acknowledged(self, number: int, now: float) -> None:
        """The viewer has taken ``number`` and all before; a number that is not on its way changes nothing."""
        while self._on_their_way and self._on_their_way[0][0] <= number:
            acknowledged, at = self._on_their_way.popleft()
            if acknowledged == number:
                self.round_trip = now - at
                self.shortest = min(self.round_trip, self.shortest * FORGET or self.round_trip)
        if self.free:
            self._room.set()

    async def room(self) -> None:
        """Wait until one more picture may be sent."""
        while not self.free:
            self._room.clear()
            await self._room.wait()
