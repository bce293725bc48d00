"""OpenSpace counts seconds of ephemeris time past J2000 (TDB); the engine speaks ISO 8601 UTC. Both ways between them.

TDB is taken as TT: they differ by at most 2 ms. Leap seconds are those announced until 2017, as in SPICE's naif0012.
"""

from __future__ import annotations

import bisect
import re
from datetime import UTC, datetime, timedelta

from openspace_server.engines.base import EngineError

J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
TT_MINUS_TAI = 32.184
_BEFORE_1972 = 9
_LEAPS = (
    "1972-01 1972-07 1973-01 1974-01 1975-01 1976-01 1977-01 1978-01 1979-01 1980-01 1981-07 1982-07 1983-07 1985-07 "
    "1988-01 1990-01 1991-01 1992-07 1993-07 1994-07 1996-01 1997-07 1999-01 2006-01 2009-01 2012-07 2015-07 2017-01"
)
_LEAP_SECONDS = [
    (datetime.fromisoformat(f"{each}-01T00:00:00+00:00") - J2000).total_seconds() for each in _LEAPS.split()
]
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_SPICE_FORM = re.compile(
    r"(\d{4})[ -]([A-Z]{3})[A-Z]*[ -](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?)?(?: ?(?:UTC|Z))?"
)


def _offset(utc: float) -> float:
    """TT - UTC in seconds, ``utc`` in seconds since J2000."""
    count = bisect.bisect_right(_LEAP_SECONDS, utc)
    return TT_MINUS_TAI + (count + _BEFORE_1972 if count else _BEFORE_1972)


def parse_time(text: str) -> datetime:
    """A time as OpenSpace accepts it: ISO 8601, or "2026 AUG 12 17:45:00". UTC unless it says otherwise.

    Raises:
        EngineError: not such a time.
    """
    stripped = text.strip()[:64]
    match = _SPICE_FORM.fullmatch(stripped.upper())
    try:
        if match and match[2] in _MONTHS:
            seconds = float(match[6] or 0)
            day = datetime(
                int(match[1]),
                _MONTHS.index(match[2]) + 1,
                int(match[3]),
                int(match[4] or 0),
                int(match[5] or 0),
                tzinfo=UTC,
            )
            return day + timedelta(seconds=seconds)
        moment = datetime.fromisoformat(stripped)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise EngineError(
            f"not a time: {stripped!r}; write for example 2026-08-12T17:45:00 or 2026 AUG 12 17:45:00"
        ) from None


def to_seconds(text: str) -> float:
    """Ephemeris seconds past J2000 of a time. Raises EngineError."""
    utc = (parse_time(text) - J2000).total_seconds()
    return utc + _offset(utc)


def from_seconds(seconds: float) -> datetime:
    """The UTC time of ephemeris seconds past J2000. Raises EngineError outside the years 1 to 9999."""
    utc = seconds - _offset(seconds - 64.184)
    try:
        return J2000 + timedelta(seconds=utc)
    except (OverflowError, ValueError):
        raise EngineError(f"{seconds:g} seconds past J2000 is outside the years 1 to 9999") from None


def iso(moment: datetime) -> str:
    """As OpenSpace writes it: ``2026-08-12T17:45:00.000``, UTC without saying so."""
    rounded = moment + timedelta(microseconds=500)
    return f"{rounded.year:04d}{rounded:-%m-%dT%H:%M:%S}.{rounded.microsecond // 1000:03d}"


def spice(moment: datetime) -> str:
    """``2026 AUG 12 17:45:00.000``."""
    return f"{moment.year:04d} {_MONTHS[moment.month - 1]} {moment:%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
