"""``openspace.sessionRecording``: recording camera, time and scripts, and playing them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openspace_server.engines.base import EngineError
from openspace_server.engines.recording.recorder import RecordingState
from openspace_server.engines.scripting.registry import function
from openspace_server.engines.user_files import UserFile

if TYPE_CHECKING:
    from openspace_server.engines.scripting.program import Program

ENDING = ".osrectxt"


def _file(program: Program, name: str) -> UserFile:
    """A recording's file, in ``${RECORDINGS}`` unless the name says otherwise. Raises EngineError."""
    if not name.strip():
        raise EngineError("the recording needs a file name")
    ending = "" if name.endswith((ENDING, ".osrec")) else ENDING
    return program.paths.file(name, program.paths.recordings, ending)


@function("sessionRecording", "startRecording")
def start_recording(program: Program) -> None:
    """Start to record."""
    program.recorder.start(program.now)


@function("sessionRecording", "stopRecording")
def stop_recording(
    program: Program, recording_file_path: str, data_mode: str = "Ascii", overwrite: bool = False
) -> None:
    """End the recording and write it to a file below ${RECORDINGS}; the data mode must be "Ascii" here."""
    if data_mode.casefold() != "ascii":
        raise EngineError(f'only the data mode "Ascii" can be written here, not {data_mode[:40]!r}')
    program.recorder.stop(_file(program, recording_file_path), overwrite, program.now)


@function("sessionRecording", "startPlayback")
def start_playback(
    program: Program,
    file: str,
    loop: bool = False,
    should_wait_for_tiles: bool = True,
    screenshot_fps: int | None = None,
) -> None:
    """Play a recording from a file below ${RECORDINGS}; the last two arguments change nothing here."""
    program.recorder.play(_file(program, file), loop, program.now)


@function("sessionRecording", "stopPlayback")
def stop_playback(program: Program) -> None:
    """End the playback."""
    program.recorder.stop_playback()


@function("sessionRecording", "setPlaybackPause")
def set_playback_pause(program: Program, pause: bool) -> None:
    """Hold the playback, or let it go on."""
    program.recorder.set_paused(pause, program.now)


@function("sessionRecording", "togglePlaybackPause")
def toggle_playback_pause(program: Program) -> None:
    """Hold a running playback, let a held one go on."""
    program.recorder.set_paused(program.recorder.state != RecordingState.PAUSED, program.now)


@function("sessionRecording", "isRecording")
def is_recording(program: Program) -> bool:
    """Whether a recording is under way."""
    return program.recorder.state == RecordingState.RECORDING


@function("sessionRecording", "isPlayingBack")
def is_playing_back(program: Program) -> bool:
    """Whether a recording is played, held or not."""
    return program.recorder.playing
