"""Conversion between the ephemeris seconds past J2000 of OpenSpace's scripts and the ISO 8601 UTC of engines."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from openspace_server.engines.base import EngineError
from openspace_server.protocols import j2000
from openspace_server.protocols.fields import ProtocolError

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_SPICE_FORM = re.compile(
    r"(\d{4})[ -]([A-Z]{3})[A-Z]*[ -](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?)?(?: ?(?:UTC|Z))?"
)


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
    return j2000.to_seconds(parse_time(text))


def from_seconds(seconds: float) -> datetime:
    """The UTC time of ephemeris seconds past J2000. Raises EngineError outside the years 1 to 9999."""
    try:
        return j2000.from_seconds(seconds)
    except ProtocolError as problem:
        raise EngineError(str(problem)) from None


def iso(moment: datetime) -> str:
    """As OpenSpace writes it: ``2026-08-12T17:45:00.000``, UTC without saying so."""
    rounded = moment + timedelta(microseconds=500)
    return f"{rounded.year:04d}{rounded:-%m-%dT%H:%M:%S}.{rounded.microsecond // 1000:03d}"


def spice(moment: datetime) -> str:
    """``2026 AUG 12 17:45:00.000``."""
    return f"{moment.year:04d} {_MONTHS[moment.month - 1]} {moment:%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
