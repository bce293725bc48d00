"""``set``: assignment of a property."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.scripting.script_host import ScriptHost, lua_literal
from openspace_server.instance.api.topics.base import OneShot
from openspace_server.protocols.fields import ProtocolError, text


class SetPropertyTopic(OneShot):
    """``{"property": uri, "value"}``; no answer. A refusal goes to the log with its reason."""

    names = ("set",)

    async def receive(self, payload: dict[str, Any]) -> None:
        uri = text(payload, "property", limit=2000)
        if "value" not in payload:
            raise ProtocolError("value: is missing")
        value = payload["value"]

        def assign(script_host: ScriptHost) -> None:
            script_host.set_property(uri, value)
            script_host.recorder.script(
                f"openspace.setPropertyValueSingle({lua_literal(uri)}, {lua_literal(value)})", script_host.now
            )

        await self.change(assign)
