"""``engineMode``: what moves the camera: the user, a flight or a recording."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.snapshot import Snapshot
from openspace_server.instance.api.topics.base import Subscription


class EngineModeTopic(Subscription):
    """``{"mode": "user_control" | "session_recording_playback" | "camera_path"}``, at once and at each change."""

    names = ("engineMode",)
    _sent: str | None = None

    async def start(self, payload: dict[str, Any]) -> None:
        self._send_mode(await self.query(lambda script_host: script_host.mode))

    def on_snapshot(self, snapshot: Snapshot) -> None:
        if snapshot.mode != self._sent:
            self._send_mode(snapshot.mode)

    def _send_mode(self, mode: str) -> None:
        self._sent = mode
        self.send({"mode": mode})
