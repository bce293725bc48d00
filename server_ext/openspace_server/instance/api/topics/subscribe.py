"""``subscribe``: the value of one property, and its changes."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api import property_json
from openspace_server.instance.api.snapshot import PropertyChange, Snapshot
from openspace_server.instance.api.topics.base import Subscription
from openspace_server.protocols.fields import ProtocolError, text


class SubscriptionTopic(Subscription):
    """``{"event": "start_subscription", "uri"}`` (legacy ``"property"``).

    1.0: ``{"type": "metaData", "metaData"}``, then ``{"type": "value", "value"}`` at once and at each change. Legacy:
    value first; the first key set is 0.21's, ``Description`` and ``Value`` are 0.20's. An unknown URI gets no answer.
    """

    names = ("subscribe",)
    _uri: str | None = None

    async def start(self, payload: dict[str, Any]) -> None:
        uri = text(payload, "property" if self.is_legacy and "property" in payload else "uri", limit=2000)
        if self._uri is not None:
            raise ProtocolError(f"this topic is subscribed to {self._uri} already")

        def read(script_host: ScriptHost) -> PropertyChange:
            found = script_host.tree.get(uri)
            return PropertyChange(
                uri,
                property_json.value(found),
                property_json.metadata(found),
                property_json.description(found),
                metadata_changed=True,
            )

        self._connection.context.feed.watch(uri)
        self._uri = uri
        try:
            found = await self.query(read)
        except BaseException:
            self.is_done = True
            raise
        if not self.is_legacy:
            self.send({"type": "metaData", "metaData": found.metadata})
        self._send_value(found)
        if self.is_legacy:
            self._send_metadata(found)

    def on_snapshot(self, snapshot: Snapshot) -> None:
        for changed in snapshot.properties:
            if changed.uri == self._uri:
                if changed.metadata_changed:
                    self._send_metadata(changed)
                self._send_value(changed)

    async def close(self) -> None:
        await super().close()
        if self._uri is not None:
            self._connection.context.feed.unwatch(self._uri)
            self._uri = None

    def _send_value(self, changed: PropertyChange) -> None:
        if self.is_legacy:
            self.send({"value": changed.value, "Value": changed.value, "Description": changed.description})
        else:
            self.send({"type": "value", "value": changed.value})

    def _send_metadata(self, changed: PropertyChange) -> None:
        if self.is_legacy:
            self.send({"metaData": changed.metadata, "Value": changed.value, "Description": changed.description})
        else:
            self.send({"type": "metaData", "metaData": changed.metadata})
