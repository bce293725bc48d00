"""Lengths, durations and moments as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from openspace_widget.errors import ArgumentError
from openspace_widget.units import iso, metres, moment, seconds

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (5, 5.0),
        (np.float32(2.5), 2.5),
        ("9000 km", 9e6),
        ("9,000km", 9e6),
        ("9_000 KM", 9e6),
        ("-.5 m", -0.5),
        ("1e3", 1000.0),
        ("1 Mm", 1e6),
        ("1 au", 149_597_870_700),
        ("1.5 AU", 1.5 * 149_597_870_700),
        ("2 ly", 2 * 9_460_730_472_580_800),
    ],
)
def test_lengths(text: Any, value: float) -> None:
    assert metres(text, "altitude") == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (4, 4.0),
        ("250 ms", 0.25),
        ("2 h", 7200.0),
        ("2 hours", 7200.0),
        ("3 days", 259_200.0),
        ("1 week", 604_800.0),
        ("1 year", 31_556_952.0),
        (timedelta(minutes=2), 120.0),
    ],
)
def test_durations(text: Any, value: float) -> None:
    assert seconds(text, "hold") == pytest.approx(value)


@pytest.mark.parametrize("wrong", ["far", "", "5 parsec", "nan", float("inf"), None, True, [1, 2]])
def test_what_is_no_length_is_refused_with_the_units(wrong: Any) -> None:
    message = (
        f"altitude: expected a length such as '9000 km', '1.5 AU' or a number of metres, got {wrong!r}; "
        "units: m, km, Mm, Gm, AU, ly, pc, kpc, Mpc, Gpc"
    )
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        metres(wrong, "altitude")


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("2026-03-20T12:00", "2026-03-20T12:00"),
        (NOON, "2026-03-20T12:00:00Z"),
        (NOON.replace(tzinfo=None), "2026-03-20T12:00:00Z"),
        (datetime(2026, 3, 20, 14, tzinfo=timezone(timedelta(hours=2))), "2026-03-20T12:00:00Z"),
        (np.datetime64("2026-03-20T12:00:00"), "2026-03-20T12:00:00.000000Z"),
    ],
)
def test_moments(time: Any, text: str) -> None:
    assert iso(time) == text
    assert moment(time) == NOON
    assert moment(time).tzinfo is UTC


@pytest.mark.parametrize("wrong", ["soon", 5, None])
def test_what_is_no_moment_is_refused(wrong: Any) -> None:
    message = f"start: expected ISO 8601 text such as '2026-08-12T17:45' or a datetime, got {wrong!r}"
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        moment(wrong, "start")
