"""Token-bucket rate limits of one viewer; one that keeps flooding is disconnected."""

from __future__ import annotations

FLOOD_LIMIT = 1000
"""Messages beyond the limit after which a viewer is disconnected; forgiven at :data:`FORGIVEN` per second."""
FORGIVEN = 50.0


class RateLimit:
    """``rate`` per second on average, ``burst`` at once. Times in seconds of one monotonic clock."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at: float | None = None

    def allows(self, now: float, cost: float = 1.0) -> bool:
        """Whether an action of ``cost`` is allowed now; it is deducted if so."""
        if self.wait(now, cost) > 0:
            return False
        self._left -= cost
        return True

    def wait(self, now: float, cost: float = 1.0) -> float:
        """Seconds until an action of ``cost`` will be allowed, 0 if it is now."""
        if self._at is not None:
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (min(cost, self._burst) - self._left) / self._rate)


def flood_limit() -> RateLimit:
    """A limit of messages beyond the rate limit; a viewer that exceeds it is disconnected."""
    return RateLimit(FORGIVEN, FLOOD_LIMIT)
