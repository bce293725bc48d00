"""``openspace.sessionRecording``: recording camera, time and scripts, and playing them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openspace_server.engines.base import EngineError
from openspace_server.engines.recording.recorder import RecordingState
from openspace_server.engines.scripting.registry import function
from openspace_server.engines.user_files import UserFile

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost

ENDING = ".osrectxt"


def _file(script_host: ScriptHost, name: str) -> UserFile:
    """A recording's file, in ``${RECORDINGS}`` unless the name says otherwise. Raises EngineError."""
    if not name.strip():
        raise EngineError("the recording needs a file name")
    ending = "" if name.endswith((ENDING, ".osrec")) else ENDING
    return script_host.paths.file(name, script_host.paths.recordings, ending)


@function("sessionRecording", "startRecording")
def start_recording(script_host: ScriptHost) -> None:
    """Start to record."""
    script_host.recorder.start(script_host.now)


@function("sessionRecording", "stopRecording")
def stop_recording(
    script_host: ScriptHost, recording_file_path: str, data_mode: str = "Ascii", overwrite: bool = False
) -> None:
    """End the recording and write it to a file below ${RECORDINGS}; the data mode must be "Ascii" here."""
    if data_mode.casefold() != "ascii":
        raise EngineError(f'only the data mode "Ascii" can be written here, not {data_mode[:40]!r}')
    script_host.recorder.stop(_file(script_host, recording_file_path), overwrite, script_host.now)


@function("sessionRecording", "startPlayback")
def start_playback(
    script_host: ScriptHost,
    file: str,
    loop: bool = False,
    should_wait_for_tiles: bool = True,
    screenshot_fps: int | None = None,
) -> None:
    """Play a recording from a file below ${RECORDINGS}; the last two arguments change nothing here."""
    script_host.recorder.play(_file(script_host, file), loop, script_host.now)


@function("sessionRecording", "stopPlayback")
def stop_playback(script_host: ScriptHost) -> None:
    """End the playback."""
    script_host.recorder.stop_playback()


@function("sessionRecording", "setPlaybackPause")
def set_playback_pause(script_host: ScriptHost, pause: bool) -> None:
    """Pause or continue the playback."""
    script_host.recorder.set_paused(pause, script_host.now)


@function("sessionRecording", "togglePlaybackPause")
def toggle_playback_pause(script_host: ScriptHost) -> None:
    """Pause a running playback, continue a paused one."""
    script_host.recorder.set_paused(script_host.recorder.state != RecordingState.PAUSED, script_host.now)


@function("sessionRecording", "isRecording")
def is_recording(script_host: ScriptHost) -> bool:
    """Whether a recording is under way."""
    return script_host.recorder.state == RecordingState.RECORDING


@function("sessionRecording", "isPlayingBack")
def is_playing_back(script_host: ScriptHost) -> bool:
    """Whether a recording is played, paused or not."""
    return script_host.recorder.playing
