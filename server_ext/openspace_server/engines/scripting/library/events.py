"""``openspace.event``: actions that run when something happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openspace_server.engines.scripting.registry import function

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost


@function("event", "registerEventAction")
def register_event_action(
    script_host: ScriptHost, event: str, action: str, filter: dict[str, Any] | None = None
) -> None:
    """Run an action at each event of a type, such as "FocusNodeChanged", whose parameters fit the filter."""
    script_host.events.register(event, action, filter or {})


@function("event", "unregisterEventAction")
def unregister_event_action(
    script_host: ScriptHost, event: str, action: str, filter: dict[str, Any] | None = None
) -> None:
    """Undo registerEventAction; without a filter for every filter."""
    script_host.events.unregister(event, action, filter)


@function("event", "registeredEvents")
def registered_events(script_host: ScriptHost, event_type: str | None = None) -> list[dict[str, Any]]:
    """The registered event actions: tables with Type, Id, Action and Enabled, and Filter if there is one."""
    return [
        {"Type": registered.type, "Id": registered.id, "Action": registered.action, "Enabled": registered.enabled}
        | ({"Filter": registered.filter} if registered.filter else {})
        for registered in script_host.events.actions
        if event_type is None or registered.type == event_type
    ]


@function("event", "enableEvent")
def enable_event(script_host: ScriptHost, identifier: int) -> None:
    """Let a registered event action run again, given its number."""
    script_host.events.by_id(identifier).enabled = True


@function("event", "disableEvent")
def disable_event(script_host: ScriptHost, identifier: int) -> None:
    """Keep a registered event action from running, given its number."""
    script_host.events.by_id(identifier).enabled = False


@function("event", "toggleEvent")
def toggle_event(script_host: ScriptHost, identifier: int) -> None:
    """Enable or disable a registered event action, given its number."""
    registered = script_host.events.by_id(identifier)
    registered.enabled = not registered.enabled
