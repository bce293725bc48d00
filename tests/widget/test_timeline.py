"""Simulation time of a real session."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from openspace_widget import OpenSpace, RequestError


def test_time_can_be_set_read_paused_and_run(space: OpenSpace) -> None:
    space.time.set(datetime(2026, 8, 12, 17, 45, tzinfo=UTC))
    assert space.time.now == datetime(2026, 8, 12, 17, 45, tzinfo=UTC)
    space.time.rate = 86400
    space.time.play()
    assert not space.time.paused
    assert space.time.rate == 86400
    start = space.time.now
    deadline = time.monotonic() + 10
    while space.time.now == start and time.monotonic() < deadline:
        space.frame()
    assert space.time.now > start
    space.time.pause()
    assert "paused" in repr(space.time)


@pytest.mark.parametrize("wrong", ["yesterday", "2026-13-01", "", "99999-01-01"])
def test_a_wrong_time_is_refused(space: OpenSpace, wrong: str) -> None:
    with pytest.raises(RequestError, match="time"):
        space.time.set(wrong)
