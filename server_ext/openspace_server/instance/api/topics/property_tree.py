"""``propertyTree``: the changes of all properties."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.feed import EVERYTHING
from openspace_server.instance.api.snapshot import Snapshot
from openspace_server.instance.api.topics.base import Subscription


class PropertyTreeTopic(Subscription):
    """``{"type": "value", "uri", "value"}`` or ``{"type": "metaData", "uri", "metaData"}`` at each change."""

    names = ("propertyTree",)
    _is_watching = False

    async def start(self, payload: dict[str, Any]) -> None:
        if not self._is_watching:
            self._is_watching = True
            self._connection.context.feed.watch(EVERYTHING)

    def on_snapshot(self, snapshot: Snapshot) -> None:
        for each in snapshot.properties:
            if each.metadata_changed:
                data = {"type": "metaData", "uri": each.uri, "metaData": each.metadata}
                self.send_text(snapshot.encoded(("metaData", each.uri), lambda data=data: data))  # type: ignore[misc]
            value = {"type": "value", "uri": each.uri, "value": each.value}
            self.send_text(snapshot.encoded(("value", each.uri), lambda value=value: value))  # type: ignore[misc]

    async def close(self) -> None:
        await super().close()
        if self._is_watching:
            self._is_watching = False
            self._connection.context.feed.unwatch(EVERYTHING)
