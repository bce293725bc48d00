"""``openspace.event``: actions that run when something happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openspace_server.engines.scripting.registry import function

if TYPE_CHECKING:
    from openspace_server.engines.scripting.program import Program


@function("event", "registerEventAction")
def register_event_action(program: Program, event: str, action: str, filter: dict[str, Any] | None = None) -> None:
    """Run an action at each event of a type, such as "FocusNodeChanged", whose parameters fit the filter."""
    program.events.tie(event, action, filter or {})


@function("event", "unregisterEventAction")
def unregister_event_action(program: Program, event: str, action: str, filter: dict[str, Any] | None = None) -> None:
    """Undo registerEventAction; without a filter for every filter."""
    program.events.untie(event, action, filter)


@function("event", "registeredEvents")
def registered_events(program: Program, event_type: str | None = None) -> list[dict[str, Any]]:
    """The registered event actions: tables with Type, Id, Action and Enabled, and Filter if there is one."""
    return [
        {"Type": tie.type, "Id": tie.id, "Action": tie.action, "Enabled": tie.enabled}
        | ({"Filter": tie.filter} if tie.filter else {})
        for tie in program.events.ties
        if event_type is None or tie.type == event_type
    ]


@function("event", "enableEvent")
def enable_event(program: Program, identifier: int) -> None:
    """Let a registered event action run again, given its number."""
    program.events.by_id(identifier).enabled = True


@function("event", "disableEvent")
def disable_event(program: Program, identifier: int) -> None:
    """Keep a registered event action from running, given its number."""
    program.events.by_id(identifier).enabled = False


@function("event", "toggleEvent")
def toggle_event(program: Program, identifier: int) -> None:
    """Enable or disable a registered event action, given its number."""
    tie = program.events.by_id(identifier)
    tie.enabled = not tie.enabled
