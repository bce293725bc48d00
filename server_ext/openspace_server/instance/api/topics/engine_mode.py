"""``engineMode``: who moves the camera."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.snapshot import News
from openspace_server.instance.api.topics.base import Subscription


class EngineModeTopic(Subscription):
    """``{"mode": "user_control" | "session_recording_playback" | "camera_path"}``, at once and at each change."""

    names = ("engineMode",)
    _sent: str | None = None

    async def start(self, payload: dict[str, Any]) -> None:
        self._tell(await self.on_program(lambda program: program.mode))

    def news(self, news: News) -> None:
        if news.mode != self._sent:
            self._tell(news.mode)

    def _tell(self, mode: str) -> None:
        self._sent = mode
        self.send({"mode": mode})
