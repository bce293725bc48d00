"""Acknowledgement window: how many frames may be in flight to a viewer, enough to fill the connection and no more.

A WebSocket and the proxies between buffer all that is sent; every frame in their buffers is delay.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque

SPARE = 2
MAX_WINDOW = 24
FASTEST = 60
"""Frames per second that the connection must be filled for."""
FORGET = 1.02
"""The shortest round trip grows by this factor with each acknowledgement, in case the network has become slower."""


class AckWindow:
    """One viewer's unacknowledged frames. ``size`` fixes how many there may be. Times in seconds.

    Attributes:
        round_trip: of the frame acknowledged last, None before the first; it includes the time to send it.
    """

    def __init__(self, size: int | None = None) -> None:
        self.round_trip: float | None = None
        self.shortest = 0.0
        self._size = size
        self._in_flight: deque[tuple[int, float]] = deque()
        self._has_room = asyncio.Event()

    @property
    def size(self) -> int:
        """How many frames may be unacknowledged."""
        return self._size or min(MAX_WINDOW, SPARE + math.ceil(self.shortest * FASTEST))

    @property
    def has_room(self) -> bool:
        return len(self._in_flight) < self.size

    def oldest_age(self, now: float) -> float:
        """How long the oldest unacknowledged frame has been in flight."""
        return now - self._in_flight[0][1] if self._in_flight else 0.0

    def on_sent(self, number: int, now: float) -> None:
        self._in_flight.append((number, now))

    def on_ack(self, number: int, now: float) -> None:
        """The viewer acknowledges ``number`` and all before; a number that is not in flight changes nothing."""
        while self._in_flight and self._in_flight[0][0] <= number:
            acknowledged, at = self._in_flight.popleft()
            if acknowledged == number:
                self.round_trip = now - at
                self.shortest = min(self.round_trip, self.shortest * FORGET or self.round_trip)
        if self.has_room:
            self._has_room.set()

    async def wait_room(self) -> None:
        """Wait until one more frame may be sent."""
        while not self.has_room:
            self._has_room.clear()
            await self._has_room.wait()
