"""``openspace.action``: named scripts; and the keys bound to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting.registry import function

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost

from openspace_server.engines.scripting.actions import Action


def _text(table: dict[str, Any], name: str, default: str | None = None) -> str:
    value = table.get(name, default)
    if not isinstance(value, str):
        raise EngineError(f"{name} must be a String")
    return value


def _identifier(action: str | dict[str, Any]) -> str:
    return action if isinstance(action, str) else _text(action, "Identifier")


@function("action", "registerAction")
def register_action(script_host: ScriptHost, action: dict[str, Any]) -> None:
    """Register an action: Identifier and Command (Lua); also Name, Documentation, GuiPath, IsLocal and Color."""
    color = action.get("Color")
    if color is not None and not (
        isinstance(color, list) and len(color) in (3, 4) and all(isinstance(each, int | float) for each in color)
    ):
        raise EngineError("Color must be 3 or 4 numbers")
    identifier = _text(action, "Identifier")
    script_host.actions.add(
        Action(
            identifier,
            _text(action, "Command"),
            _text(action, "Name", identifier),
            _text(action, "Documentation", ""),
            _text(action, "GuiPath", "/"),
            bool(action.get("IsLocal", False)),
            tuple(float(each) for each in color) if color else None,
        )
    )
    script_host.events.publish("ActionAdded", Uri=identifier)


@function("action", "removeAction")
def remove_action(script_host: ScriptHost, action: str | dict[str, Any]) -> None:
    """Remove an action, given its identifier or its table."""
    identifier = _identifier(action)
    script_host.actions.remove(identifier)
    script_host.events.publish("ActionRemoved", Uri=identifier)


@function("action", "hasAction")
def has_action(script_host: ScriptHost, identifier: str) -> bool:
    """Whether there is an action of that identifier."""
    return identifier in script_host.actions


@function("action", "action")
def action(script_host: ScriptHost, identifier: str) -> dict[str, Any]:
    """The table of one action."""
    return script_host.actions.get(identifier).table()


@function("action", "actions")
def actions(script_host: ScriptHost) -> list[dict[str, Any]]:
    """The tables of all actions."""
    return [each.table() for each in script_host.actions.all]


@function("action", "triggerAction")
def trigger_action(script_host: ScriptHost, identifier: str, arguments: dict[str, Any] | None = None) -> None:
    """Run an action; its script sees the arguments as the table args."""
    script_host.trigger_action(identifier, arguments)


@function("", "bindKey")
def bind_key(script_host: ScriptHost, key: str, action: str) -> None:
    """Bind a key such as "CTRL+F" to an action."""
    script_host.actions.bind(key, action)


@function("", "clearKey")
def clear_key(script_host: ScriptHost, key: str | list[str]) -> None:
    """Unbind a key, or several."""
    for each in [key] if isinstance(key, str) else key:
        script_host.actions.unbind(str(each))


@function("", "keyBindings")
def key_bindings(script_host: ScriptHost, key: str) -> list[str]:
    """The identifiers of the actions bound to a key."""
    return script_host.actions.keys.get(key.upper(), [])
