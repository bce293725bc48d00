"""When a session's limits end it, and when its users are warned."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from openspace_server.orchestrator.sessions.limits import Deadline, next_deadline
from openspace_server.protocols.sessions import SessionState

NOON = "2026-03-20T12:00:00+00:00"


def row(**more: Any) -> Any:
    empty = {"expires": None, "created": NOON, "idle_limit": 0, "used": NOON, "away_limit": 0, "since": NOON}
    return SimpleNamespace(**empty | {"state": SessionState.RUNNING} | more)


@pytest.mark.parametrize(
    ("more", "at", "reason", "hint"),
    [
        (
            {"expires": "2026-03-20T14:30:00+00:00"},
            "2026-03-20T14:30:00.000Z",
            "a session lasts at most 2.5 h",
            "save what you want to keep",
        ),
        (
            {"idle_limit": 90},
            "2026-03-20T12:01:30.000Z",
            "a session ends when it has not been used for 1.5 min",
            "move the camera to keep it",
        ),
        (
            {"away_limit": 5, "state": SessionState.DISCONNECTED},
            "2026-03-20T12:00:05.000Z",
            "a session ends when it has had no viewer for 5 s",
            "open it to keep it",
        ),
        (
            {"idle_limit": 3600, "expires": "2026-03-20T12:10:00+00:00"},
            "2026-03-20T12:10:00.000Z",
            "a session lasts at most 10 min",
            "save what you want to keep",
        ),
    ],
)
def test_the_earliest_limit_ends_it(more: dict[str, Any], at: str, reason: str, hint: str) -> None:
    deadline = next_deadline(row(**more))
    assert deadline is not None
    assert (deadline.stamp, deadline.reason, deadline.hint) == (at, reason, hint)


def test_without_limits_and_with_viewers_nothing_ends_it() -> None:
    assert next_deadline(row()) is None
    assert next_deadline(row(away_limit=5)) is None


def test_the_warning_comes_ahead_by_at_most_half_of_the_limit() -> None:
    deadline = Deadline(datetime(2026, 3, 20, 12, 10, tzinfo=UTC), "", 600, "")
    assert not deadline.has_passed("2026-03-20T12:09:59+00:00")
    assert deadline.has_passed("2026-03-20T12:10:00+00:00")
    assert not deadline.is_near("2026-03-20T12:07:59+00:00", 120)
    assert deadline.is_near("2026-03-20T12:08:00+00:00", 120)
    assert not deadline.is_near("2026-03-20T12:04:59+00:00", 9999)
    assert deadline.is_near("2026-03-20T12:05:00+00:00", 9999)
