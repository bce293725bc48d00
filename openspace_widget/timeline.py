"""``space.time``: simulation time, its rate, pause and play."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Ask = Callable[..., Any]


def iso(time: str | datetime) -> str:
    """``time`` as ISO 8601 text; a datetime without time zone is UTC.

    Raises:
        TypeError: neither text nor datetime.
    """
    if isinstance(time, datetime):
        aware = time.replace(tzinfo=UTC) if time.tzinfo is None else time
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(time, str):
        return time
    raise TypeError(f"time: expected ISO 8601 text such as '2026-08-12T17:45' or a datetime, got {time!r}")


class Timeline:
    """Simulation time of one session, in UTC.

    Example:
        >>> space.time.set("2026-08-12T17:45")      # a total solar eclipse
        >>> space.time.rate = 3600                  # an hour per second
        >>> space.time.pause()
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    @property
    def now(self) -> datetime:
        """Simulation time as an aware datetime (UTC)."""
        return datetime.fromisoformat(self._ask("state")["time"].replace("Z", "+00:00"))

    def set(self, time: str | datetime) -> None:
        """Jump to ``time``: ISO 8601 text or a datetime, UTC unless it says otherwise.

        Raises:
            RequestError: not a time, or outside the years the ephemeris covers.
        """
        self._ask("set_time", time=iso(time))

    @property
    def rate(self) -> float:
        """Simulated seconds per second: 1 is real time, negative runs backwards."""
        return float(self._ask("state")["rate"])

    @rate.setter
    def rate(self, rate: float) -> None:
        self._ask("set_rate", rate=float(rate))

    @property
    def paused(self) -> bool:
        return bool(self._ask("state")["paused"])

    def pause(self) -> None:
        """Hold simulation time; the camera stays free."""
        self._ask("set_paused", paused=True)

    def play(self) -> None:
        """Let simulation time run on at ``rate``."""
        self._ask("set_paused", paused=False)

    def __repr__(self) -> str:
        state = self._ask("state")
        pace = "paused" if state["paused"] else f"{state['rate']:g} s/s"
        return f"<time {state['time']}, {pace}>"
