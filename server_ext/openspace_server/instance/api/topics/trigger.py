"""``trigger``: activation of a trigger property."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.properties import PropertyError
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.topics.base import OneShot
from openspace_server.protocols.fields import text


class TriggerPropertyTopic(OneShot):
    """``{"property": uri}``; no answer."""

    names = ("trigger",)

    async def receive(self, payload: dict[str, Any]) -> None:
        uri = text(payload, "property", limit=2000)

        def trigger(script_host: ScriptHost) -> None:
            found = script_host.tree.get(uri)
            if found.kind.name != "Trigger":
                raise PropertyError(f"{uri} is a {found.type}, not a TriggerProperty")
            found.set(None)

        await self.change(trigger)
