"""How much one viewer may say: a steady rate with room for bursts, and an end to the patience with those who flood."""

from __future__ import annotations

PATIENCE = 1000
"""Messages too many after which a viewer is cut off; forgiven at :data:`FORGIVEN` per second."""
FORGIVEN = 50.0


class Budget:
    """``rate`` per second on average, ``burst`` at once. Times in seconds of one monotonic clock."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at: float | None = None

    def allows(self, now: float, cost: float = 1.0) -> bool:
        """Whether something of ``cost`` may be done now; it is taken off if so."""
        if self.wait(now, cost) > 0:
            return False
        self._left -= cost
        return True

    def wait(self, now: float, cost: float = 1.0) -> float:
        """Seconds until something of ``cost`` will be allowed, 0 if it is now."""
        if self._at is not None:
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (min(cost, self._burst) - self._left) / self._rate)


def patience() -> Budget:
    """What is over the budget draws on this; when it is used up, too, the viewer is cut off."""
    return Budget(FORGIVEN, PATIENCE)
