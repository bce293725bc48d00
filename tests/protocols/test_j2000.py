"""Ephemeris seconds: there and back, leap seconds included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openspace_server.protocols import j2000
from openspace_server.protocols.fields import ProtocolError


def near(moment: datetime, other: datetime) -> bool:
    return abs(moment - other) <= timedelta(microseconds=100)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))
def test_every_time_comes_back(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    assert near(j2000.from_seconds(j2000.to_seconds(moment)), moment)


@pytest.mark.parametrize("leap", [datetime(1999, 1, 1, tzinfo=UTC), datetime(2017, 1, 1, tzinfo=UTC)])
def test_a_leap_second_lies_between_the_days_and_both_sides_come_back(leap: datetime) -> None:
    before, after = leap - timedelta(seconds=0.5), leap + timedelta(seconds=0.5)
    assert j2000.to_seconds(after) - j2000.to_seconds(before) == pytest.approx(2)
    for seconds in (-5, -1.5, -0.5, 0.5, 1.5, 5):
        moment = leap + timedelta(seconds=seconds)
        assert near(j2000.from_seconds(j2000.to_seconds(moment)), moment)


def test_known_offsets() -> None:
    # NAIF's naif0012.tls: TAI - UTC was 32 s from 1999 and has been 37 s since 2017, and TT - TAI is 32.184 s.
    assert j2000.to_seconds(datetime(2000, 1, 1, 12, tzinfo=UTC)) == pytest.approx(64.184)
    moment = datetime(2028, 2, 29, tzinfo=UTC)
    assert j2000.to_seconds(moment) - (moment - j2000.J2000).total_seconds() == pytest.approx(69.184)


@pytest.mark.parametrize("seconds", [1e12, -1e12])
def test_years_that_no_calendar_has_are_refused(seconds: float) -> None:
    with pytest.raises(ProtocolError, match="years 1 to 9999"):
        j2000.from_seconds(seconds)
