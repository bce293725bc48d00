"""Lengths, durations and moments as users write them: numbers, text with a unit, types of Astropy and NumPy."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from openspace_server.protocols.units import ASTRONOMICAL_UNIT, LIGHT_YEAR, POINT_UNITS
from openspace_widget.errors import ArgumentError

LENGTHS = {
    "m": 1.0,
    "km": 1e3,
    "Mm": 1e6,
    "Gm": 1e9,
    "AU": ASTRONOMICAL_UNIT,
    "ly": LIGHT_YEAR,
    **{unit: POINT_UNITS[unit] for unit in ("pc", "kpc", "Mpc", "Gpc")},
}
"""Metres in each unit of length."""
DURATIONS = {
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "day": 86_400.0,
    "d": 86_400.0,
    "week": 604_800.0,
    "month": 2_629_746.0,
    "year": 31_556_952.0,
    "yr": 31_556_952.0,
}
"""Seconds in each unit of time; months and years are the calendar's on average."""
_NUMBER = re.compile(r"\s*([-+]?(?:\d[\d,_ ]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z]+)?\s*")


def metres(value: Any, name: str) -> float:
    """A length in metres from a number (metres), text such as ``"9000 km"`` or ``"1.5 AU"``, or an Astropy quantity.

    Raises:
        ArgumentError: naming ``name``.
    """
    return _quantity(value, name, LENGTHS, "m", "a length such as '9000 km', '1.5 AU' or a number of metres")


def seconds(value: Any, name: str) -> float:
    """A duration in seconds from a number (seconds), text such as ``"2 h"`` or ``"1 day"``, a timedelta, or an
    Astropy quantity.

    Raises:
        ArgumentError: naming ``name``.
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    return _quantity(value, name, DURATIONS, "s", "a duration such as '2 h', '1 day' or a number of seconds")


def _quantity(value: Any, name: str, units: dict[str, float], base: str, expected: str) -> float:
    number = None
    if hasattr(value, "to_value"):
        try:
            number = float(value.to_value(base))
        except Exception as problem:  # astropy's own errors, which are not known here
            raise ArgumentError(f"{name}: expected {expected}, got {value!r}: {problem}") from None
    elif isinstance(value, str):
        if (match := _NUMBER.fullmatch(value)) is not None:
            unit = match[2] or base
            scale = units.get(unit) or units.get(unit.removesuffix("s")) or units.get(_folded(unit, units))
            if scale is not None:
                number = float(re.sub(r"[,_ ]", "", match[1])) * scale
    elif not isinstance(value, bool):
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = None
    if number is None or not math.isfinite(number):
        raise ArgumentError(f"{name}: expected {expected}, got {value!r}; units: {', '.join(units)}")
    return number


def _folded(unit: str, units: dict[str, float]) -> str:
    """The one unit that ``unit`` spells in other case."""
    same = [known for known in units if known.casefold() == unit.casefold()]
    return same[0] if len(same) == 1 else ""


def iso(time: Any) -> str:
    """``time`` as ISO 8601 text, UTC: from such text, a datetime (UTC if it has no zone), NumPy's datetime64 or
    Astropy's Time.

    Raises:
        TypeError: something else.
    """
    if isinstance(time, datetime):
        aware = time.replace(tzinfo=UTC) if time.tzinfo is None else time
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(time, str):
        return time
    if type(time).__name__ == "datetime64":
        return f"{time.astype('datetime64[us]')}Z"
    if hasattr(time, "utc") and hasattr(time, "isot"):
        return f"{time.utc.isot}Z"
    raise TypeError(f"time: expected ISO 8601 text such as '2026-08-12T17:45' or a datetime, got {time!r}")


def moment(time: Any, name: str = "time") -> datetime:
    """``time`` (see :func:`iso`) as an aware datetime in UTC.

    Raises:
        ArgumentError: not a time.
    """
    try:
        parsed = datetime.fromisoformat(iso(time).strip().replace("Z", "+00:00"))
    except (ValueError, TypeError):
        raise ArgumentError(
            f"{name}: expected ISO 8601 text such as '2026-08-12T17:45' or a datetime, got {time!r}"
        ) from None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
