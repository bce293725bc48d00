"""``cameraPath``: the current flight."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.snapshot import Snapshot
from openspace_server.instance.api.topics.base import Subscription


class CameraPathTopic(Subscription):
    """While flying ``{"target", "remainingTime": whole seconds, "isPaused"}``, whenever one of them changes."""

    names = ("cameraPath",)
    _sent: tuple[str, int, bool] | None = None

    def on_snapshot(self, snapshot: Snapshot) -> None:
        flight = snapshot.flight
        state = (flight.target, int(flight.remaining), flight.paused) if flight is not None else None
        if state is not None and state != self._sent:
            self.send({"target": state[0], "remainingTime": state[1], "isPaused": state[2]})
        self._sent = state

    async def start(self, payload: dict[str, Any]) -> None:
        self._sent = None
