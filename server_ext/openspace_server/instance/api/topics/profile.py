"""``profile``: the profile loaded at the start."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.topics.base import OneShot


class ProfileTopic(OneShot):
    """The built-in profile, with the focus's system as interesting nodes."""

    names = ("profile",)

    async def receive(self, payload: dict[str, Any]) -> None:
        targets = await self.query(lambda script_host: script_host.engine.targets())
        self.send(
            {
                "uiPanelVisibility": {},
                "markNodes": [each.identifier for each in targets if each.kind in ("star", "planet")],
                "filePath": "",
                "addons": [],
                "hasStartedBefore": True,
                "name": "built-in",
                "description": "The solar system and the stars that come with the engine",
            }
        )
