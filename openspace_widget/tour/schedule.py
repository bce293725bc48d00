"""Schedule of a tour: duration of each leg, and simulation time over the tour's own seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from openspace_widget.errors import ArgumentError
from openspace_widget.tour.geometry import hermite
from openspace_widget.tour.stops import Stop
from openspace_widget.units import moment, seconds

LONGEST = 24 * 3600.0
"""Seconds a tour may take."""


@dataclass(frozen=True)
class Schedule:
    """When a tour reaches and leaves each stop.

    Attributes:
        start: simulation time at the beginning.
        arrive, leave: seconds of the tour, for each stop.
        arrive_simulated, leave_simulated: the same in simulated seconds past ``start``.
        rates: simulated seconds per second from each stop on.
    """

    start: datetime
    arrive: tuple[float, ...]
    leave: tuple[float, ...]
    arrive_simulated: tuple[float, ...]
    leave_simulated: tuple[float, ...]
    rates: tuple[float, ...]

    @property
    def duration(self) -> float:
        """Seconds that the tour takes."""
        return self.leave[-1]

    def simulated(self, time: float) -> datetime:
        """Simulation time at ``time`` seconds of the tour, to the millisecond that engines tell apart."""
        after = timedelta(milliseconds=round(self._seconds(time) * 1000))
        try:
            return self.start + after
        except OverflowError:
            raise ArgumentError(f"rate: {time:g} s into the tour simulation time is out of all calendars") from None

    def _seconds(self, time: float) -> float:
        for i in range(len(self.arrive)):
            if time < self.arrive[i] and i > 0:
                span = self.arrive[i] - self.leave[i - 1]
                begin, end = self.leave_simulated[i - 1], self.arrive_simulated[i]
                go, come = (_gentle(rate * span, end - begin) for rate in (self.rates[i - 1], self.rates[i]))
                return hermite(begin, end, go, come, (time - self.leave[i - 1]) / span)
            if time <= self.leave[i]:
                return self.arrive_simulated[i] + self.rates[i] * max(0.0, time - self.arrive[i])
        return self.leave_simulated[-1]


def _gentle(slope: float, way: float) -> float:
    """``slope``, as far as time does not run back and forth on the way because of it."""
    low, high = (0.0, 3 * way) if way >= 0 else (3 * way, 0.0)
    return min(max(slope, low), high)


def schedule(stops: Sequence[Stop], ways: Sequence[float], start: datetime) -> Schedule:
    """Args: ``ways``: seconds to each stop where it does not say; of the first: not used. Raises ArgumentError."""
    now, simulated, rate = 0.0, 0.0, 1.0
    rows: list[tuple[float, float, float, float, float]] = []
    for i, stop in enumerate(stops):
        if i > 0:
            way = ways[i] if stop.seconds is None else seconds(stop.seconds, "seconds")
            now, simulated = now + way, simulated + rate * way
        if stop.time is not None:
            simulated = (moment(stop.time) - start).total_seconds()
        rate = rate if stop.rate is None else float(stop.rate)
        hold = seconds(stop.hold, "hold")
        rows.append((now, now + hold, simulated, simulated + rate * hold, rate))
        now, simulated = now + hold, simulated + rate * hold
    if now > LONGEST:
        raise ArgumentError(f"the tour would take {now:g} s, more than the {LONGEST:g} allowed")
    arrive, leave, come, go, rates = zip(*rows, strict=True)
    return Schedule(start, arrive, leave, come, go, rates)
