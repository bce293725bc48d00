"""``sessionRecording``: the state of recording and playback, and the recordings."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.recording.recorder import list_recordings
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.snapshot import Snapshot
from openspace_server.instance.api.topics.base import Subscription
from openspace_server.protocols.fields import ProtocolError, describe

_PROPERTIES = ("state", "files")


class SessionRecordingTopic(Subscription):
    """``{"event", "properties": ["state", "files"]}`` → those, at once and whenever the state changes."""

    names = ("sessionRecording",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._requested: tuple[str, ...] = _PROPERTIES
        self._sent: str | None = None
        self._files: list[str] = []

    async def start(self, payload: dict[str, Any]) -> None:
        names = payload.get("properties", list(_PROPERTIES))
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise ProtocolError(f"properties: expected a list of {', '.join(_PROPERTIES)}, got {describe(names)}")
        self._requested = tuple(each for each in _PROPERTIES if each in names)
        if payload.get("event") == "refresh":
            self._requested = _PROPERTIES

        def read(script_host: ScriptHost) -> tuple[str, list[str]]:
            return script_host.recorder.state.value, list_recordings(script_host.paths.recordings)

        self._sent, self._files = await self.query(read)
        self._send_state()

    def on_snapshot(self, snapshot: Snapshot) -> None:
        if snapshot.recording != self._sent:
            self._sent = snapshot.recording
            # Read here rather than on the draw thread: it is a listing of one small folder.
            self._files = list_recordings(self._connection.context.script_host.paths.recordings)
            self._send_state()

    def _send_state(self) -> None:
        data = {"state": self._sent, "files": self._files}
        self.send({name: data[name] for name in self._requested})
