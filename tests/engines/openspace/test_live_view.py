"""The live view while stills are made: time runs on for it."""

from __future__ import annotations

import pytest

from openspace_server.engines.openspace.api.navigation import ViewState
from openspace_server.engines.openspace.window.live_view import SavedView

NOON = "2026-03-20T12:00:00.000"


@pytest.mark.parametrize(
    ("time", "paused", "rate", "after"),
    [
        (NOON, False, 3600.0, "2026-03-20T14:00:00.000"),
        (NOON, False, -60.0, "2026-03-20T11:58:00.000"),
        (NOON, True, 3600.0, NOON),
        (NOON, False, 0.0, NOON),
        (NOON, False, 1e15, NOON),
        ("not a time", False, 1.0, "not a time"),
    ],
)
def test_two_seconds_later(monkeypatch: pytest.MonkeyPatch, time: str, paused: bool, rate: float, after: str) -> None:
    monkeypatch.setattr("openspace_server.engines.openspace.window.live_view.time.monotonic", lambda: 12.0)
    state = ViewState(time, {"Anchor": "Earth"}, paused)
    assert SavedView(state, rate, (1280, 720), 10.0).now() == ViewState(after, {"Anchor": "Earth"}, paused)
