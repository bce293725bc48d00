"""Simulation time for OpenSpace's scripts: steps of the rate, and smooth changes of time and rate."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from openspace_server.engines import ephemeris_time
from openspace_server.engines.base import Engine, EngineError

DEFAULT_STEPS: tuple[float, ...] = (
    1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 345600, 604800,
    1209600, 2592000, 5184000, 7776000, 15552000, 31536000, 63072000, 157680000, 315360000, 630720000,
)  # fmt: skip
DEFAULT_TIME_SECONDS = 1.0
DEFAULT_RATE_SECONDS = 0.5
MAX_STEPS = 1000
MAX_DURATION = 1e5


@dataclass
class _Transition:
    """A smooth change from ``start`` to ``end``."""

    start: float
    end: float
    since: float
    duration: float

    def at(self, now: float) -> tuple[float, bool]:
        share = min(max((now - self.since) / self.duration, 0.0), 1.0)
        return self.start + (self.end - self.start) * share * share * (3 - 2 * share), share >= 1


class TimeControl:
    """Drives an engine's clock; draw thread only. Seconds are ephemeris seconds past J2000."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._steps: list[float] = sorted({sign * step for step in DEFAULT_STEPS for sign in (-1, 1)})
        self._time_transition: _Transition | None = None
        self._rate_transition: _Transition | None = None
        self._pause_after = False

    @property
    def running(self) -> bool:
        """Whether time or rate are changing smoothly."""
        return self._time_transition is not None or self._rate_transition is not None

    @property
    def seconds(self) -> float:
        return ephemeris_time.to_seconds(self._engine.time)

    @property
    def iso(self) -> str:
        """``2026-08-12T17:45:00.000``."""
        return ephemeris_time.iso(ephemeris_time.parse_time(self._engine.time))

    @property
    def rate(self) -> float:
        """The present rate."""
        return self._engine.rate

    @property
    def target_rate(self) -> float:
        """The rate at the end of a smooth change."""
        return (
            self._rate_transition.end
            if self._rate_transition is not None and not self._pause_after
            else self._engine.rate
        )

    @property
    def steps(self) -> list[float]:
        return list(self._steps)

    def set_steps(self, steps: list[float]) -> None:
        """The positive steps; negative ones mirror them. Raises EngineError."""
        if not steps or len(steps) > MAX_STEPS or not all(math.isfinite(step) and step != 0 for step in steps):
            raise EngineError(f"delta time steps are 1 to {MAX_STEPS} finite numbers other than 0")
        self._steps = sorted({sign * abs(float(step)) for step in steps for sign in (-1, 1)})

    @property
    def next_step(self) -> float | None:
        at = bisect_right(self._steps, self.target_rate)
        return self._steps[at] if at < len(self._steps) else None

    @property
    def previous_step(self) -> float | None:
        at = bisect_left(self._steps, self.target_rate)
        return self._steps[at - 1] if at > 0 else None

    def set(self, seconds: float, now: float) -> None:
        """Jump. Raises EngineError."""
        _finite(seconds, "a time")
        self._time_transition = None
        self._put(seconds, now)

    def set_rate(self, rate: float, now: float) -> None:
        """Raises EngineError."""
        _finite(rate, "a delta time")
        self._settle_pause(now)
        self._engine.set_rate(rate, now)

    def set_paused(self, paused: bool, now: float) -> None:
        self._settle_pause(now)
        self._engine.set_paused(paused, now)

    def move_to(self, seconds: float, duration: float | None, now: float) -> None:
        """Go smoothly to ``seconds`` in ``duration`` seconds."""
        _finite(seconds, "a time")
        ephemeris_time.from_seconds(seconds)
        duration = DEFAULT_TIME_SECONDS if duration is None else check_duration(duration)
        if duration == 0:
            self.set(seconds, now)
        else:
            self._time_transition = _Transition(self.seconds, seconds, now, duration)

    def move_rate(self, rate: float, duration: float | None, now: float) -> None:
        """Go smoothly to ``rate`` simulated seconds per second; lets a paused clock run."""
        _finite(rate, "a delta time")
        duration = DEFAULT_RATE_SECONDS if duration is None else check_duration(duration)
        if duration == 0 or self._engine.paused:
            self.set_rate(rate, now)
            return
        self._settle_pause(now)
        self._rate_transition = _Transition(self._engine.rate, rate, now, duration)

    def move_pause(self, paused: bool, duration: float | None, now: float) -> None:
        """Slow down to a pause, or start from rest, in ``duration`` seconds."""
        duration = DEFAULT_RATE_SECONDS if duration is None else check_duration(duration)
        self._settle_pause(now)
        rate = self._engine.rate
        if duration == 0 or paused == self._engine.paused:
            self._engine.set_paused(paused, now)
        elif paused:
            self._rate_transition, self._pause_after = _Transition(rate, 0.0, now, duration), True
        else:
            self._engine.set_rate(0.0, now)
            self._engine.set_paused(False, now)
            self._rate_transition = _Transition(0.0, rate, now, duration)

    def advance(self, now: float) -> None:
        """Move time and rate to where they are at ``now``."""
        if self._rate_transition is not None:
            rate, done = self._rate_transition.at(now)
            if done and self._pause_after:
                self._settle_pause(now)
            else:
                self._engine.set_rate(rate, now)
                self._rate_transition = None if done else self._rate_transition
        if self._time_transition is not None:
            seconds, done = self._time_transition.at(now)
            self._put(seconds, now)
            self._time_transition = None if done else self._time_transition

    def _settle_pause(self, now: float) -> None:
        """End a change of rate; one that was to end in a pause does so, with the rate it had before."""
        transition, self._rate_transition = self._rate_transition, None
        if transition is not None and self._pause_after:
            self._pause_after = False
            self._engine.set_paused(True, now)
            self._engine.set_rate(transition.start, now)

    def _put(self, seconds: float, now: float) -> None:
        self._engine.set_time(ephemeris_time.iso(ephemeris_time.from_seconds(seconds)) + "Z", now)


def _finite(value: float, what: str) -> None:
    if not math.isfinite(value):
        raise EngineError(f"{what} must be finite, not {value}")


def check_duration(duration: float) -> float:
    """Seconds that a change may take. Raises EngineError."""
    if not math.isfinite(duration) or not 0 <= duration <= MAX_DURATION:
        raise EngineError(f"a duration is 0 to {MAX_DURATION:g} seconds, not {duration:g}")
    return duration
