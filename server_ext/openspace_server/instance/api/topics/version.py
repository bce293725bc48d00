"""``version``: the versions of OpenSpace and of its API that this one follows."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.scripting.library.files import OPENSPACE_VERSION
from openspace_server.instance.api.topics.base import OneShot


class VersionTopic(OneShot):
    """The OpenSpace version and the socket API's, which upstream left at 0.1.0."""

    names = ("version",)

    async def receive(self, payload: dict[str, Any]) -> None:
        self.send(
            {
                "openSpaceVersion": dict(OPENSPACE_VERSION),
                "socketApiVersion": {"major": 0, "minor": 1, "patch": 0},
            }
        )
