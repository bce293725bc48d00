"""Scene events by OpenSpace's names, and the actions registered for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.protocols.events import EVENT_TYPES
from openspace_server.protocols.suggestions import suggest

MAX_UNREAD = 10_000
MAX_ACTIONS = 10_000


@dataclass(frozen=True)
class Event:
    """Something that happened, with OpenSpace's parameters."""

    type: str
    parameters: dict[str, Any]


@dataclass
class EventAction:
    """An action that is triggered when an event of ``type`` has all of ``filter``'s parameters."""

    id: int
    type: str
    action: str
    filter: dict[str, Any]
    enabled: bool = True

    def matches(self, event: Event) -> bool:
        return (
            self.enabled
            and event.type == self.type
            and all(event.parameters.get(name) == value for name, value in self.filter.items())
        )


def check_event_type(name: str) -> str:
    """``name`` if there is such an event. Raises EngineError with near names."""
    if name not in EVENT_TYPES:
        raise EngineError(f"unknown event type {name[:100]!r}: {suggest(name, EVENT_TYPES, alike=0.4)}")
    return name


class Events:
    """Publishes events; draw thread only. ``trigger(action, parameters)`` runs an action that is registered for
    an event."""

    def __init__(self, trigger: Callable[[str, dict[str, Any]], None]) -> None:
        self._trigger = trigger
        self._actions: dict[int, EventAction] = {}
        self._next_id = 0
        self._unread: deque[Event] = deque(maxlen=MAX_UNREAD)

    def publish(self, type: str, **parameters: Any) -> None:
        event = Event(check_event_type(type), parameters)
        self._unread.append(event)
        for registered in list(self._actions.values()):
            if registered.matches(event):
                self._trigger(registered.action, parameters)

    def collect(self) -> list[Event]:
        """Everything since the last call."""
        events = list(self._unread)
        self._unread.clear()
        return events

    @property
    def actions(self) -> list[EventAction]:
        return list(self._actions.values())

    def register(self, type: str, action: str, filter: dict[str, Any]) -> int:
        """Run ``action`` at each event of that type; returns the registration's number."""
        if len(self._actions) >= MAX_ACTIONS:
            raise EngineError(f"more than {MAX_ACTIONS} actions are registered for events")
        registered = EventAction(self._next_id, check_event_type(type), action, filter)
        self._actions[registered.id] = registered
        self._next_id += 1
        return registered.id

    def unregister(self, type: str, action: str, filter: dict[str, Any] | None) -> None:
        """Undo :meth:`register`. Raises EngineError when there is none."""
        found = [
            registered.id
            for registered in self._actions.values()
            if registered.type == type
            and registered.action == action
            and (filter is None or registered.filter == filter)
        ]
        if not found:
            raise EngineError(f"no action {action!r} is registered for the event {type!r}")
        for id in found:
            del self._actions[id]

    def by_id(self, id: int) -> EventAction:
        """The registration of that number. Raises EngineError."""
        if id not in self._actions:
            raise EngineError(f"no event action has the number {id}")
        return self._actions[id]
