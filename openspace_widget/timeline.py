"""Simulation time of a session: its rate, pause and play."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from openspace_widget.client.client import Client
from openspace_widget.client.mixin import ClientMixin
from openspace_widget.units import iso, moment


class Timeline(ClientMixin):
    """Simulation time of one session, in UTC.

    Example:
        >>> space.time.set("2026-08-12T17:45")      # a total solar eclipse
        >>> space.time.now.isoformat()
        '2026-08-12T17:45:00+00:00'
        >>> space.time.rate = 3600                  # an hour per second
        >>> space.time.paused
        True
        >>> space.time.rate = 1
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def now(self) -> datetime:
        """Simulation time as an aware datetime (UTC)."""
        return moment(self._ask("state")["time"])

    def set(self, time: Any) -> None:
        """Jump to ``time``: ISO 8601 text, a datetime, NumPy's datetime64 or Astropy's Time; UTC unless it says
        otherwise.

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
        """Whether simulation time stands."""
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
