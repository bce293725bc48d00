"""Simulation time: a rate against the wall clock, and ISO 8601 in and out."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from openspace_server.engines.base import EngineError

EPOCH = datetime(2000, 1, 1, 12, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1000, 3000
EARLIEST = (datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - EPOCH).total_seconds()
LATEST = (datetime(LAST_YEAR, 12, 31, 23, 59, 59, tzinfo=UTC) - EPOCH).total_seconds()
FASTEST = 1e10


def parse(text: str) -> float:
    """Seconds since 2000-01-01T12:00 UTC of an ISO 8601 time (UTC unless it says otherwise). Raises EngineError."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, AttributeError, TypeError):
        raise EngineError(
            f"not an ISO 8601 time: {text!r}; write for example 2026-08-12T17:45:00Z or 2026-08-12"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - EPOCH).total_seconds()
    if not EARLIEST <= seconds <= LATEST:
        raise EngineError(
            f"{text} is outside the years {FIRST_YEAR} to {LAST_YEAR} for which planet positions are known here"
        )
    return seconds


def iso(seconds: float) -> str:
    """ISO 8601 UTC with milliseconds."""
    moment = EPOCH + timedelta(milliseconds=round(seconds * 1000))
    return f"{moment.year:04d}{moment:-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class SimulationClock:
    """Runs at ``rate`` simulated seconds per second, and stops at the ends of the known years."""

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._since = now
        self._rate = 1.0
        self._paused = False

    def seconds(self, now: float) -> float:
        """UTC seconds since 2000-01-01T12:00 at wall time ``now``."""
        if self._paused:
            return self._seconds
        return min(max(self._seconds + self._rate * (now - self._since), EARLIEST), LATEST)

    def speed(self, now: float) -> float:
        """Simulated seconds per second right now: 0 while paused or at the end of the known years."""
        here = self.seconds(now)
        stuck = (here >= LATEST and self._rate > 0) or (here <= EARLIEST and self._rate < 0)
        return 0.0 if self._paused or stuck else self._rate

    @property
    def rate(self) -> float:
        return self._rate

    @property
    def paused(self) -> bool:
        return self._paused

    def set(self, seconds: float, now: float) -> None:
        self._seconds, self._since = seconds, now

    def set_rate(self, rate: float, now: float) -> None:
        """Raises EngineError unless ``rate`` is finite and at most 1e10 either way."""
        number: object = rate
        if type(number) not in (int, float) or not math.isfinite(rate) or abs(rate) > FASTEST:
            raise EngineError(
                f"rate must be a number from {-FASTEST:g} to {FASTEST:g} simulated seconds per second, got {rate!r}"
            )
        self.set(self.seconds(now), now)
        self._rate = float(rate)

    def set_paused(self, paused: bool, now: float) -> None:
        self.set(self.seconds(now), now)
        self._paused = bool(paused)
