"""Interpolation of body positions between the times that OpenSpace was sampled at."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest

from openspace_server.engines.openspace.api.body_positions import interpolate

START = datetime(2026, 3, 20, 12)


def moments(count: int, apart: timedelta) -> list[str]:
    return [(START + i * apart).isoformat(timespec="milliseconds") for i in range(count)]


def turning(days: float, radius: float) -> Callable[[str], np.ndarray]:
    """A body that goes around in ``days``, and turns as it goes: its 12 numbers at a time."""

    def at(time: str) -> np.ndarray:
        angle = 2 * np.pi * (datetime.fromisoformat(time) - START) / timedelta(days=days)
        c, s = np.cos(angle), np.sin(angle)
        return np.array([[radius * c, radius * s, 0, c, s, 0, -s, c, 0, 0, 0, 1]])

    return at


def looked(at: Callable[[str], np.ndarray], times: Sequence[str]) -> tuple[np.ndarray, int]:
    """The rows found, and at how many times OpenSpace was asked."""
    asked: list[str] = []

    def sample(some: Sequence[str]) -> Generator[None, None, np.ndarray]:
        asked.extend(some)
        yield
        return np.array([at(time) for time in some])

    parts = interpolate(sample, times)
    while True:
        try:
            next(parts)
        except StopIteration as done:
            return done.value, len(asked)


@pytest.mark.parametrize(
    ("days", "count", "apart", "most"),
    [
        (1.0, 1000, timedelta(milliseconds=16), 9),  # the Earth turns while a tour of seconds goes on
        (1.0, 1000, timedelta(minutes=1), 33),
        (365.25, 1000, timedelta(hours=8), 33),
        (1.0, 400, timedelta(days=0), 1),
    ],
)
def test_smooth_motion_is_known_from_a_few_times(days: float, count: int, apart: timedelta, most: int) -> None:
    at, times = turning(days, 1.5e11), moments(count, apart)
    rows, asked = looked(at, times)
    truth = np.array([at(time) for time in times])
    assert asked <= most
    assert np.abs(rows - truth)[..., :3].max() < 150
    assert np.abs(rows - truth)[..., 3:].max() < 1e-8


def test_what_is_not_smooth_is_asked_at_every_time_and_in_any_order() -> None:
    steps = {time: np.full((1, 12), float(i % 3)) for i, time in enumerate(moments(40, timedelta(hours=7)))}
    times = [*reversed(steps), *steps]
    rows, _ = looked(lambda time: steps.get(time, np.full((1, 12), 9.0)), times)
    assert np.array_equal(rows, [steps[time] for time in times])
