"""``sessionRecording``: whether something is recorded or played, and what there is to play."""

from __future__ import annotations

from typing import Any

from openspace_server.engines.recording.recorder import list_recordings
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.snapshot import News
from openspace_server.instance.api.topics.base import Subscription
from openspace_server.protocols.fields import ProtocolError, describe

_PROPERTIES = ("state", "files")


class SessionRecordingTopic(Subscription):
    """``{"event", "properties": ["state", "files"]}`` → those, at once and whenever the state changes."""

    names = ("sessionRecording",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._wanted: tuple[str, ...] = _PROPERTIES
        self._sent: str | None = None
        self._files: list[str] = []

    async def start(self, payload: dict[str, Any]) -> None:
        wanted = payload.get("properties", list(_PROPERTIES))
        if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
            raise ProtocolError(f"properties: expected a list of {', '.join(_PROPERTIES)}, got {describe(wanted)}")
        self._wanted = tuple(each for each in _PROPERTIES if each in wanted)
        if payload.get("event") == "refresh":
            self._wanted = _PROPERTIES

        def look(program: ScriptHost) -> tuple[str, list[str]]:
            return program.recorder.state.value, list_recordings(program.paths.recordings)

        self._sent, self._files = await self.on_program(look)
        self._tell()

    def news(self, news: News) -> None:
        if news.recording != self._sent:
            self._sent = news.recording
            # Read here rather than on the draw thread: it is a listing of one small folder.
            self._files = list_recordings(self._connection.shared.program.paths.recordings)
            self._tell()

    def _tell(self) -> None:
        data = {"state": self._sent, "files": self._files}
        self.send({name: data[name] for name in self._wanted})
