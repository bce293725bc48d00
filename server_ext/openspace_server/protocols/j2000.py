"""Conversion between UTC and OpenSpace's ephemeris time, seconds past J2000 (TDB).

TDB is taken as TT: they differ by at most 2 ms. Leap seconds are those announced until 2017, as in SPICE's naif0012;
before 1972 TT - UTC stays at 41.184 s, as SPICE has it.
"""

from __future__ import annotations

import bisect
from datetime import UTC, datetime, timedelta

from openspace_server.protocols.fields import ProtocolError

J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_TT_MINUS_TAI = 32.184
_BEFORE_1972 = 9
_LEAPS = (
    "1972-01 1972-07 1973-01 1974-01 1975-01 1976-01 1977-01 1978-01 1979-01 1980-01 1981-07 1982-07 1983-07 1985-07 "
    "1988-01 1990-01 1991-01 1992-07 1993-07 1994-07 1996-01 1997-07 1999-01 2006-01 2009-01 2012-07 2015-07 2017-01"
)
_LEAP_SECONDS = [
    (datetime.fromisoformat(f"{each}-01T00:00:00+00:00") - J2000).total_seconds() for each in _LEAPS.split()
]


def to_seconds(moment: datetime) -> float:
    """Ephemeris seconds past J2000 of a time with a time zone."""
    utc = (moment - J2000).total_seconds()
    return utc + _offset(utc)


def from_seconds(seconds: float) -> datetime:
    """The UTC time of ephemeris seconds past J2000. Raises ProtocolError outside the years 1 to 9999."""
    utc = seconds - _offset(seconds - _offset(seconds))
    try:
        return J2000 + timedelta(seconds=utc)
    except (OverflowError, ValueError):
        raise ProtocolError(f"{seconds:g} seconds past J2000 is outside the years 1 to 9999") from None


def _offset(utc: float) -> float:
    """TT - UTC in seconds, ``utc`` in seconds since J2000."""
    count = bisect.bisect_right(_LEAP_SECONDS, utc)
    return _TT_MINUS_TAI + (count + _BEFORE_1972 if count else _BEFORE_1972)
