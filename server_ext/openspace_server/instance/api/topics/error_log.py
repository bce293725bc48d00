"""``errorLog``: the lines of the log, from a level on."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.scripting.logbook import LEVELS, reaches
from openspace_server.instance.api.snapshot import Snapshot
from openspace_server.instance.api.topics.base import Topic
from openspace_server.protocols.fields import ProtocolError, boolean, describe

_STAMPS = ("timeStamping", "dateStamping", "categoryStamping", "logLevelStamping")


class ErrorLogTopic(Topic):
    """``{"event": "start_subscription", "settings": {"logLevel", "timeStamping", …}}`` → one message per line:
    ``{"message", "timeStamp"?, "dateStamp"?, "category"?, "level"?}``."""

    names = ("errorLog",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._level = "All"
        self._stamps: tuple[bool, ...] = (True,) * len(_STAMPS)

    async def receive(self, payload: dict[str, Any]) -> None:
        event = payload.get("event")
        if event == "start_subscription":
            settings = payload.get("settings", {})
            if not isinstance(settings, dict):
                raise ProtocolError(f"settings: expected an object, got {describe(settings)}")
            level = _level(settings.get("logLevel", "All"))
            self._stamps = tuple(boolean(settings, name, True) for name in _STAMPS)
            self._level = level
            self.subscribe()
        elif event == "update_log_level":
            self._level = _level(payload.get("logLevel"))
        elif event == "stop_subscription":
            self.is_done = True
        else:
            raise ProtocolError(f"event: expected start_subscription or stop_subscription, got {describe(event)}")

    def on_snapshot(self, snapshot: Snapshot) -> None:
        time, date, category, level = self._stamps
        for entry in snapshot.log:
            if reaches(entry.level, self._level):
                self.send(
                    {"message": entry.message}
                    | ({"timeStamp": f"{entry.time:%H:%M:%S}"} if time else {})
                    | ({"dateStamp": f"{entry.time:%Y-%m-%d}"} if date else {})
                    | ({"category": entry.category} if category else {})
                    | ({"level": entry.level} if level else {})
                )


def _level(name: Any) -> str:
    for level in LEVELS:
        if isinstance(name, str) and name.casefold() == level.casefold():
            return level
    raise ProtocolError(f"logLevel: expected {', '.join(LEVELS)}, got {describe(name)}")
