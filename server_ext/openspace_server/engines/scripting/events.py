"""Events by OpenSpace's names, and the actions that are tied to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.protocols.events import EVENT_TYPES
from openspace_server.protocols.suggestions import suggest

MAX_UNREAD = 10_000
MAX_TIES = 10_000


@dataclass(frozen=True)
class Event:
    """Something that happened, with OpenSpace's parameters."""

    type: str
    parameters: dict[str, Any]


@dataclass
class Tie:
    """An action that is triggered when an event of ``type`` has all of ``filter``'s parameters."""

    id: int
    type: str
    action: str
    filter: dict[str, Any]
    enabled: bool = True

    def fits(self, event: Event) -> bool:
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
    """Publishes events; draw thread only. ``trigger(action, parameters)`` runs an action that is tied to one."""

    def __init__(self, trigger: Callable[[str, dict[str, Any]], None]) -> None:
        self._trigger = trigger
        self._ties: dict[int, Tie] = {}
        self._next_id = 0
        self._unread: deque[Event] = deque(maxlen=MAX_UNREAD)

    def publish(self, type: str, **parameters: Any) -> None:
        event = Event(check_event_type(type), parameters)
        self._unread.append(event)
        for tie in list(self._ties.values()):
            if tie.fits(event):
                self._trigger(tie.action, parameters)

    def collect(self) -> list[Event]:
        """Everything since the last call."""
        events = list(self._unread)
        self._unread.clear()
        return events

    @property
    def ties(self) -> list[Tie]:
        return list(self._ties.values())

    def tie(self, type: str, action: str, filter: dict[str, Any]) -> int:
        """Run ``action`` at each event of that type; returns the tie's number."""
        if len(self._ties) >= MAX_TIES:
            raise EngineError(f"more than {MAX_TIES} actions are registered for events")
        tie = Tie(self._next_id, check_event_type(type), action, filter)
        self._ties[tie.id] = tie
        self._next_id += 1
        return tie.id

    def untie(self, type: str, action: str, filter: dict[str, Any] | None) -> None:
        """Undo :meth:`tie`. Raises EngineError when there is none."""
        found = [
            tie.id
            for tie in self._ties.values()
            if tie.type == type and tie.action == action and (filter is None or tie.filter == filter)
        ]
        if not found:
            raise EngineError(f"no action {action!r} is registered for the event {type!r}")
        for id in found:
            del self._ties[id]

    def by_id(self, id: int) -> Tie:
        """The tie of that number. Raises EngineError."""
        if id not in self._ties:
            raise EngineError(f"no event action has the number {id}")
        return self._ties[id]
