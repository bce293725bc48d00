"""The state feed of OpenSpace: time, rate, pause, focus, and whether a flight is under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from openspace_server.engines.openspace.api.client import ANCHOR_URI, ApiClient
from openspace_server.engines.openspace.api.dialect import subscribed_value, subscription

FIRST_MESSAGE_TIMEOUT = 5.0
TAKE_OFF = 2.0
"""Seconds within which a requested flight must have begun."""


@dataclass(frozen=True)
class EngineState:
    """State of OpenSpace as of the last messages; ``time`` ISO 8601 UTC."""

    time: str = ""
    rate: float = 1.0
    paused: bool = False
    focus: str = ""
    flying: bool = False


class StateFeed:
    """Subscribes to the state. ``on_changed`` is called, on the listening thread, at each change."""

    def __init__(self, client: ApiClient, on_changed: Callable[[], None]) -> None:
        self._on_changed = on_changed
        self._lock = threading.Lock()
        self._state = EngineState()
        self._takes_off_until = 0.0
        self._first_time = threading.Event()
        client.start("time", {"event": "start_subscription"}, self._on_time)
        client.start("engineMode", {"event": "start_subscription"}, self._on_mode)
        client.start("subscribe", subscription(client.dialect, ANCHOR_URI), self._on_focus)

    def wait(self) -> None:
        """Return when the time is known, or after a timeout."""
        self._first_time.wait(FIRST_MESSAGE_TIMEOUT)

    @property
    def state(self) -> EngineState:
        with self._lock:
            state = self._state
            if not state.flying and time.monotonic() < self._takes_off_until:
                return replace(state, flying=True)
            return state

    def expect(self, **changes: Any) -> None:
        """Assume what was just requested, until OpenSpace says otherwise."""
        with self._lock:
            self._state = replace(self._state, **changes)

    def take_off(self) -> None:
        """A flight was requested: it counts as under way until OpenSpace has begun and ended it."""
        with self._lock:
            self._takes_off_until = time.monotonic() + TAKE_OFF

    def land(self) -> None:
        """The requested flight is over, or input has taken over."""
        with self._lock:
            self._takes_off_until = 0.0
            self._state = replace(self._state, flying=False)

    def _update(self, **changes: Any) -> None:
        with self._lock:
            before, self._state = self._state, replace(self._state, **changes)
            after = self._state
        if replace(before, time="") != replace(after, time=""):
            self._on_changed()

    def _on_time(self, payload: Any) -> None:
        changes: dict[str, Any] = {}
        if isinstance(payload.get("time"), str):
            changes["time"] = _iso(payload["time"])
        rate = payload.get("targetDeltaTime", payload.get("deltaTime"))
        if isinstance(rate, int | float):
            changes["rate"] = float(rate)
        if isinstance(payload.get("isPaused"), bool):
            changes["paused"] = payload["isPaused"]
        self._update(**changes)
        if "time" in changes:
            self._first_time.set()

    def _on_mode(self, payload: Any) -> None:
        flying = payload.get("mode") == "camera_path"
        if flying:
            with self._lock:
                self._takes_off_until = 0.0
        self._update(flying=flying)

    def _on_focus(self, payload: Any) -> None:
        known, value = subscribed_value(payload)
        if known and isinstance(value, str):
            self._update(focus=value)


def _iso(time: str) -> str:
    """OpenSpace's times are UTC without saying so."""
    return time if time.endswith("Z") else f"{time}Z"
