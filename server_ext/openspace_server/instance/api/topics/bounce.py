"""``bounce``: the legacy dialect's echo."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.topics.base import OneShot
from openspace_server.protocols.fields import ProtocolError


class BounceTopic(OneShot):
    """Sends the payload back; removed in 1.0."""

    names = ("bounce",)

    async def receive(self, payload: dict[str, Any]) -> None:
        if not self.is_legacy:
            raise ProtocolError("the topic bounce is not in the dialect 1.0")
        self.send(payload)
