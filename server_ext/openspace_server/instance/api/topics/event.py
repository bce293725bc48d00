"""``event``: what happens in the program."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.scripting.events import check_event_type
from openspace_server.instance.api.snapshot import News
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
        order = payload.get("status" if self.legacy else "event")
        types = payload.get("event" if self.legacy else "eventType")
        given = types if isinstance(types, list) else [types]
        names = [name for name in given if isinstance(name, str)]
        if len(names) != len(given):
            raise ProtocolError(f"expected the name of an event, or a list of names, got {describe(types)}")
        if order == "start_subscription":
            self._types |= {name if name in ALL else check_event_type(name) for name in names}
            self.want_news()
        elif order == "stop_subscription":
            self._types = set() if any(name in ALL for name in names) else self._types - set(names)
            self.done = not self._types
        else:
            raise ProtocolError(f"expected start_subscription or stop_subscription, got {describe(order)}")

    def news(self, news: News) -> None:
        everything = any(name in self._types for name in ALL)
        for index, event in enumerate(news.events):
            if everything or event.type in self._types:
                names = ("Event", "event") if self.legacy else ("event",)
                data = dict.fromkeys(names, event.type) | event.parameters
                self.send_text(news.encoded((self.legacy, index), lambda data=data: data))  # type: ignore[misc]
