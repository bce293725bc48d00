"""``actionsKeybinds`` (0.21 and later) and ``shortcuts`` (before): named scripts and their keys."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.scripting.actions import Action
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.topics.base import Topic
from openspace_server.protocols.fields import ProtocolError, describe, text

_MODIFIERS = {"SHIFT": "shift", "CTRL": "control", "CONTROL": "control", "ALT": "alt", "SUPER": "super"}


class ActionsTopic(Topic):
    """``{"event": "get_all"}`` → all actions and key bindings; ``{"event": "get_action", "identifier"}`` → one."""

    names = ("actionsKeybinds",)
    get_all = ("get_all", "get_all_shortcuts")
    get_one = ("get_action", "get_shortcut")

    async def receive(self, payload: dict[str, Any]) -> None:
        event = payload.get("event")
        if event in self.get_all:
            actions, keys = await self.query(_everything)
            self.send(self.combined(actions, keys))
        elif event in self.get_one:
            identifier = text(payload, "identifier", limit=1000)
            action = await self.query(lambda script_host: script_host.actions.get(identifier))
            self.send(self.one(action))
        else:
            raise ProtocolError(f"event: expected {self.get_all[0]} or {self.get_one[0]}, got {describe(event)}")
        self.is_done = True

    def combined(self, actions: list[Action], keys: dict[str, list[str]]) -> dict[str, Any]:
        keybinds = [_keybind(key, action) for key, bound in keys.items() for action in bound]
        return {"type": "combined", "actions": [_action(each) for each in actions], "keybinds": keybinds}

    def one(self, action: Action) -> dict[str, Any]:
        return {"type": "action", "action": _action(action)}


class ShortcutsTopic(ActionsTopic):
    """``get_all_shortcuts`` and ``get_shortcut``: one list of actions and of keys, told apart by a field."""

    names = ("shortcuts",)
    get_all = ("get_all_shortcuts", "get_all")
    get_one = ("get_shortcut", "get_action")

    def combined(self, actions: list[Action], keys: dict[str, list[str]]) -> dict[str, Any]:
        shortcuts = [_shortcut(each) for each in actions]
        for key, bound in keys.items():
            shortcuts += [_keybind(key, action) for action in bound]
        return {"shortcuts": shortcuts}

    def one(self, action: Action) -> dict[str, Any]:
        return _shortcut(action)


def _everything(script_host: ScriptHost) -> tuple[list[Action], dict[str, list[str]]]:
    return script_host.actions.all, script_host.actions.keys


def _action(action: Action) -> dict[str, Any]:
    data: dict[str, Any] = {
        "identifier": action.identifier,
        "name": action.name or action.identifier,
        "isLocal": action.is_local,
        "documentation": action.documentation,
        "guiPath": action.gui_path,
    }
    if action.color is not None:
        data["color"] = [*action.color, 1.0][:4]
    return data


def _shortcut(action: Action) -> dict[str, Any]:
    return _action(action) | {"synchronization": not action.is_local, "script": action.command}


def _keybind(key: str, action: str) -> dict[str, Any]:
    *modifiers, last = key.split("+") if key.strip("+") else [key]
    pressed = {_MODIFIERS.get(each.strip().upper()) for each in modifiers}
    return {
        "key": last.strip(),
        "modifiers": {name: name in pressed for name in ("shift", "control", "alt", "super")},
        "action": action,
    }
