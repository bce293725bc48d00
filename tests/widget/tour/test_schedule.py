"""Schedules: simulation time over the seconds of a tour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from openspace_widget import Stop
from openspace_widget.tour.schedule import schedule


def test_simulation_time_runs_and_sweeps_as_stops_say() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    stops = [Stop("A", rate=60, hold=2), Stop("B", seconds=2, time="2026-01-02"), Stop("C", seconds=1, rate=0)]
    when = schedule(stops, [0, 0, 0], start)
    assert when.duration == 5
    assert when.simulated(2) == start + timedelta(seconds=120)
    assert when.simulated(4) == datetime(2026, 1, 2, tzinfo=UTC)
    sweep = [when.simulated(2 + i / 50) for i in range(101)]
    assert sweep == sorted(sweep)
    assert when.simulated(5) == datetime(2026, 1, 2, 0, 1, tzinfo=UTC)
