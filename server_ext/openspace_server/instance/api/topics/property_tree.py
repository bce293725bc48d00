"""``propertyTree``: every property, whenever one changes."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.feed import EVERYTHING
from openspace_server.instance.api.snapshot import News
from openspace_server.instance.api.topics.base import Subscription


class PropertyTreeTopic(Subscription):
    """``{"type": "value", "uri", "value"}`` or ``{"type": "metaData", "uri", "metaData"}`` at each change."""

    names = ("propertyTree",)
    _watching = False

    async def start(self, payload: dict[str, Any]) -> None:
        if not self._watching:
            self._watching = True
            self._connection.shared.feed.watch(EVERYTHING)

    def news(self, news: News) -> None:
        for each in news.properties:
            if each.metadata_changed:
                data = {"type": "metaData", "uri": each.uri, "metaData": each.metadata}
                self.send_text(news.encoded(("metaData", each.uri), lambda data=data: data))  # type: ignore[misc]
            value = {"type": "value", "uri": each.uri, "value": each.value}
            self.send_text(news.encoded(("value", each.uri), lambda value=value: value))  # type: ignore[misc]

    async def close(self) -> None:
        await super().close()
        if self._watching:
            self._watching = False
            self._connection.shared.feed.unwatch(EVERYTHING)
