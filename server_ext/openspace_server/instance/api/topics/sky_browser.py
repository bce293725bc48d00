"""``skybrowser``: the sky browsers, of which there are none."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.topics.base import Subscription


class SkyBrowserTopic(Subscription):
    """``{"selectedBrowserId": "", "cameraInSolarSystem": true, "browsers": {}}``, once."""

    names = ("skybrowser",)

    async def start(self, payload: dict[str, Any]) -> None:
        self.send({"selectedBrowserId": "", "cameraInSolarSystem": True, "browsers": {}})
