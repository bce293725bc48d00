"""``missions``: the loaded missions, of which there are none."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.topics.base import OneShot


class MissionsTopic(OneShot):
    """``{"missions": {}}``."""

    names = ("missions",)

    async def receive(self, payload: dict[str, Any]) -> None:
        self.send({"missions": {}})
