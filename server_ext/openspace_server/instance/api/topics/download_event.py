"""``downloadEvent``: the progress of downloads, of which there are none."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.topics.base import Topic
from openspace_server.protocols.fields import ProtocolError, describe


class DownloadEventTopic(Topic):
    """Accepts ``start_subscription`` and ``stop_subscription``."""

    names = ("downloadEvent",)

    async def receive(self, payload: dict[str, Any]) -> None:
        event = payload.get("event")
        if event not in ("start_subscription", "stop_subscription"):
            raise ProtocolError(f"event: expected start_subscription or stop_subscription, got {describe(event)}")
        self.is_done = event == "stop_subscription"
