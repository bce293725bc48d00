"""``event``: events of the scene."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.scripting.events import check_event_type
from openspace_server.instance.api.snapshot import Snapshot
from openspace_server.instance.api.topics.base import Topic
from openspace_server.protocols.fields import ProtocolError, describe

ALL = ("*", "all")


class EventTopic(Topic):
    """1.0: ``{"event": "start_subscription" | "stop_subscription", "eventType"}``; legacy: ``{"status", "event"}``.

    The type is a name, a list of names, or ``"*"``. Sends ``{"event": type, …parameters}`` (legacy ``"Event"`` too).
    """

    names = ("event",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._types: set[str] = set()

    async def receive(self, payload: dict[str, Any]) -> None:
        order = payload.get("status" if self.is_legacy else "event")
        types = payload.get("event" if self.is_legacy else "eventType")
        requested = types if isinstance(types, list) else [types]
        names = [name for name in requested if isinstance(name, str)]
        if len(names) != len(requested):
            raise ProtocolError(f"expected the name of an event, or a list of names, got {describe(types)}")
        if order == "start_subscription":
            self._types |= {name if name in ALL else check_event_type(name) for name in names}
            self.subscribe()
        elif order == "stop_subscription":
            self._types = set() if any(name in ALL for name in names) else self._types - set(names)
            self.is_done = not self._types
        else:
            raise ProtocolError(f"expected start_subscription or stop_subscription, got {describe(order)}")

    def on_snapshot(self, snapshot: Snapshot) -> None:
        everything = any(name in self._types for name in ALL)
        for index, event in enumerate(snapshot.events):
            if everything or event.type in self._types:
                names = ("Event", "event") if self.is_legacy else ("event",)
                data = dict.fromkeys(names, event.type) | event.parameters
                self.send_text(snapshot.encoded((self.is_legacy, index), lambda data=data: data))  # type: ignore[misc]
