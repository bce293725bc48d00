"""``get``: a property, an owner, or the whole tree."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.property_json import owner_json, property_json
from openspace_server.instance.api.snapshot import dumps
from openspace_server.instance.api.topics.base import OneShot
from openspace_server.protocols.fields import text
from openspace_server.protocols.suggestions import did_you_mean

ROOT = "__rootOwner"


class GetPropertyTopic(OneShot):
    """``{"property": uri}`` → ``{"type": "property" | "propertyOwner", "value"}``; legacy the value itself.

    An unknown URI gets no answer in 1.0, as upstream, and a 404 in the legacy dialect.
    """

    names = ("get",)

    async def receive(self, payload: dict[str, Any]) -> None:
        uri = text(payload, "property", limit=2000)
        found = await self.query(lambda script_host: self._find(script_host, uri))
        if found is not None:
            self.send_text(found)
            return
        if self.is_legacy:
            self._connection.send_error(self._number, f"Property '{uri}' not found", 404)
        hint = await self.query(lambda script_host: script_host.tree.near(uri))
        self._connection.context.warn(
            self.category,
            f"Property '{uri[:200]}' not found" + did_you_mean(hint, before="; "),
        )

    def _find(self, script_host: ScriptHost, uri: str) -> str | None:
        tree = script_host.tree
        if self.is_legacy and uri in ("__allProperties", "__allNodes", "__screenSpaceRenderables"):
            scene = tree.owner("Scene")
            if uri == "__allProperties":
                return dumps({"value": [property_json(each, self.dialect) for each in tree.root.walk()]})
            owners = scene.owners if scene is not None and uri == "__allNodes" else []
            return dumps({"value": [owner_json(each, self.dialect) for each in owners]})
        found = tree.find(uri)
        if found is not None:
            data = property_json(found, self.dialect)
            return dumps(data if self.is_legacy else {"type": "property", "value": data})
        owner = tree.root if uri == ROOT else tree.owner(uri) if uri else None
        if owner is None:
            return None
        data = owner_json(owner, self.dialect)
        return dumps(data if self.is_legacy else {"type": "propertyOwner", "value": data})
