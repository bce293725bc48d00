"""What OpenSpace tells by itself: time, rate, pause, focus, and whether a flight is under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from openspace_server.engines.openspace.api.client import PROBED, ApiLink
from openspace_server.engines.openspace.api.dialect import subscribed_value, subscription

FIRST_NEWS_TIMEOUT = 5.0
TAKE_OFF = 2.0
"""Seconds within which a flight that was asked for must have begun."""


@dataclass(frozen=True)
class Told:
    """As of the last messages; ``time`` ISO 8601 UTC."""

    time: str = ""
    rate: float = 1.0
    paused: bool = False
    focus: str = ""
    flying: bool = False


class StateFeed:
    """Subscribes to what there is to know. ``changed`` is called, on the listening thread, at each change."""

    def __init__(self, link: ApiLink, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._lock = threading.Lock()
        self._told = Told()
        self._takes_off_until = 0.0
        self._first_time = threading.Event()
        link.start("time", {"event": "start_subscription"}, self._hear_time)
        link.start("engineMode", {"event": "start_subscription"}, self._hear_mode)
        link.start("subscribe", subscription(link.dialect, PROBED), self._hear_focus)

    def wait(self) -> None:
        """Return when the time is known, or after a while in which it was not told."""
        self._first_time.wait(FIRST_NEWS_TIMEOUT)

    @property
    def told(self) -> Told:
        with self._lock:
            told = self._told
            if not told.flying and time.monotonic() < self._takes_off_until:
                return replace(told, flying=True)
            return told

    def expect(self, **changes: Any) -> None:
        """What was just asked for counts as told, until OpenSpace says otherwise."""
        with self._lock:
            self._told = replace(self._told, **changes)

    def take_off(self) -> None:
        """A flight was asked for: it counts as under way until OpenSpace has begun and ended it."""
        with self._lock:
            self._takes_off_until = time.monotonic() + TAKE_OFF

    def land(self) -> None:
        """The flight that was asked for is over, or was taken over."""
        with self._lock:
            self._takes_off_until = 0.0
            self._told = replace(self._told, flying=False)

    def _tell(self, **changes: Any) -> None:
        with self._lock:
            before, self._told = self._told, replace(self._told, **changes)
            after = self._told
        if replace(before, time="") != replace(after, time=""):
            self._changed()

    def _hear_time(self, payload: Any) -> None:
        changes: dict[str, Any] = {}
        if isinstance(payload.get("time"), str):
            changes["time"] = _iso(payload["time"])
        rate = payload.get("targetDeltaTime", payload.get("deltaTime"))
        if isinstance(rate, int | float):
            changes["rate"] = float(rate)
        if isinstance(payload.get("isPaused"), bool):
            changes["paused"] = payload["isPaused"]
        self._tell(**changes)
        if "time" in changes:
            self._first_time.set()

    def _hear_mode(self, payload: Any) -> None:
        flying = payload.get("mode") == "camera_path"
        if flying:
            with self._lock:
                self._takes_off_until = 0.0
        self._tell(flying=flying)

    def _hear_focus(self, payload: Any) -> None:
        known, value = subscribed_value(payload)
        if known and isinstance(value, str):
            self._tell(focus=value)


def _iso(told: str) -> str:
    """OpenSpace's times are UTC without saying so."""
    return told if told.endswith("Z") else f"{told}Z"
