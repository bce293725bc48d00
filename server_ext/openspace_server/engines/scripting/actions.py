"""Actions (named scripts) and the keys that are bound to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.protocols.suggestions import did_you_mean, near

MAX_ACTIONS = 10_000


@dataclass(frozen=True)
class Action:
    """A named script. ``color`` is RGBA, 0 to 1."""

    identifier: str
    command: str
    name: str = ""
    documentation: str = ""
    gui_path: str = "/"
    is_local: bool = False
    color: tuple[float, ...] | None = None

    def table(self) -> dict[str, Any]:
        """As ``openspace.action.action`` gives it."""
        table: dict[str, Any] = {
            "Identifier": self.identifier,
            "Command": self.command,
            "Name": self.name or self.identifier,
            "Documentation": self.documentation,
            "GuiPath": self.gui_path,
            "IsLocal": self.is_local,
        }
        return table | ({"Color": list(self.color)} if self.color else {})


class Actions:
    """All actions and key bindings; draw thread only."""

    def __init__(self) -> None:
        self._actions: dict[str, Action] = {}
        self._keys: dict[str, list[str]] = {}

    @property
    def all(self) -> list[Action]:
        return list(self._actions.values())

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._actions

    def get(self, identifier: str) -> Action:
        """Raises EngineError with near names."""
        found = self._actions.get(identifier)
        if found is None:
            hint = did_you_mean(near(identifier, self._actions, alike=0.4), before="; ")
            raise EngineError(f"unknown action {identifier[:200]!r}{hint}")
        return found

    def add(self, action: Action) -> None:
        """Raises EngineError when the name is empty or taken."""
        if not action.identifier:
            raise EngineError("an action needs an Identifier")
        if action.identifier in self._actions:
            raise EngineError(f"there already is an action {action.identifier!r}")
        if len(self._actions) >= MAX_ACTIONS:
            raise EngineError(f"more than {MAX_ACTIONS} actions")
        self._actions[action.identifier] = action

    def remove(self, identifier: str) -> None:
        """Raises EngineError when there is none."""
        del self._actions[self.get(identifier).identifier]
        for bound in self._keys.values():
            while identifier in bound:
                bound.remove(identifier)

    # -- keys ----------------------------------------------------------------------------------------------------

    @property
    def keys(self) -> dict[str, list[str]]:
        """Identifiers of actions by key, such as ``"CTRL+F"``."""
        return {key: list(bound) for key, bound in self._keys.items() if bound}

    def bind(self, key: str, identifier: str) -> None:
        """Raises EngineError when there is no such action."""
        self.get(identifier)
        if key.upper() not in self._keys and len(self._keys) >= MAX_ACTIONS:
            raise EngineError("too many keys are bound")
        bound = self._keys.setdefault(key.upper(), [])
        if identifier not in bound:
            bound.append(identifier)

    def unbind(self, key: str) -> None:
        self._keys.pop(key.upper(), None)
