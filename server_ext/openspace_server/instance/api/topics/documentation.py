"""``documentation``: the documentation of the scripting library."""

from __future__ import annotations

from functools import cache
from typing import Any

from openspace_server.engines.scripting.registry import documentation
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.snapshot import dumps
from openspace_server.instance.api.topics.base import OneShot
from openspace_server.protocols.fields import ProtocolError, describe

_LICENSES = [
    {
        "module": "OpenSpace, live in a notebook",
        "name": "MIT License",
        "attribution": "A program of its own that speaks OpenSpace's API; not OpenSpace itself",
        "url": "https://www.openspaceproject.com",
        "license": "MIT",
    }
]


class DocumentationTopic(OneShot):
    """``{"type": "lua" | "factories" | "keyboard" | "asset" | "meta"}`` → the documentation of that."""

    names = ("documentation",)

    async def receive(self, payload: dict[str, Any]) -> None:
        kind = payload.get("type")
        if kind == "lua":
            self.send_text(_library())
        elif kind == "keyboard":
            self.send({"name": "Keybindings", "keybindings": await self.query(_keybindings)})
        elif kind == "meta":
            self.send(_LICENSES)
        elif kind in ("factories", "asset", "events"):
            self.send([])
        else:
            raise ProtocolError(f"type: expected lua, factories, keyboard, asset or meta, got {describe(kind)}")


@cache
def _library() -> str:
    """As JSON: every client requests it first, and it never changes."""
    return dumps(documentation())


def _keybindings(script_host: ScriptHost) -> list[dict[str, Any]]:
    return [{"name": key, "action": action} for key, bound in script_host.actions.keys.items() for action in bound]
