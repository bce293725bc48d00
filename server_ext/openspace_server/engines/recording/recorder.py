"""The recorder of sessions: records camera, time and scripts, and plays them back, one step before each drawing."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import numpy as np

from openspace_server.engines import ephemeris_time
from openspace_server.engines.base import EngineError, UnknownTarget
from openspace_server.engines.scene_engine import SceneEngine
from openspace_server.engines.user_files import UserFile
from openspace_server.geometry import quaternions as quat
from openspace_server.protocols import session_recording
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.session_recording import CameraLine, CameraPose, Line, ScriptLine, TimeLine, Times

MAX_LINES = 1_000_000
MAX_FILES = 10_000
INTERVAL = 1 / 60


class RecordingState(StrEnum):
    """What the recorder does; values as on the API."""

    IDLE = "idle"
    RECORDING = "recording"
    PLAYING = "playing"
    PAUSED = "playing-paused"


class Recorder:
    """Draw thread only. ``run_script(text)`` runs a recorded script; ``on_changed(state)`` is called at each change."""

    def __init__(
        self, engine: SceneEngine, run_script: Callable[[str], None], on_changed: Callable[[RecordingState], None]
    ) -> None:
        self._engine = engine
        self._run_script = run_script
        self._on_changed = on_changed
        self.state = RecordingState.IDLE
        self._first_started: float | None = None
        self._started = 0.0
        self._lines: list[Line] = []
        self._rate: tuple[float, bool] | None = None
        self._loop = False
        self._cameras: list[CameraLine] = []
        self._camera_times: list[float] = []
        self._others: list[Line] = []
        self._next_other = 0
        self._paused_at = 0.0
        self._last_camera = -math.inf

    @property
    def playing(self) -> bool:
        return self.state in (RecordingState.PLAYING, RecordingState.PAUSED)

    # -- recording -----------------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Raises EngineError while recording or playing."""
        if self.state != RecordingState.IDLE:
            raise EngineError(f"cannot start recording: the session is {self.state.value}")
        self._engine.pose()  # refuses now rather than at the first keyframe
        self._lines, self._rate, self._started, self._last_camera = [], None, now, -math.inf
        self._first_started = now if self._first_started is None else self._first_started
        self._set(RecordingState.RECORDING)
        self._record(now)

    def stop(self, file: UserFile, overwrite: bool, now: float) -> None:
        """Write the recording to ``file``. Raises EngineError, still recording, when that cannot be."""
        if self.state != RecordingState.RECORDING:
            raise EngineError("cannot stop recording: no recording is under way")
        if file.path.exists() and not overwrite:
            raise EngineError(f"{file.name} exists already; give true as the third argument to overwrite it")
        try:
            with file.create() as out:
                out.writelines(line.encode() for line in session_recording.write(self._lines))
        except OSError as error:
            raise EngineError(f"the session recording cannot be written: {error}") from error
        self._lines = []
        self._set(RecordingState.IDLE)

    def script(self, text: str, now: float) -> None:
        """A script was run; kept if a recording is under way."""
        if self.state == RecordingState.RECORDING and len(self._lines) < MAX_LINES:
            self._lines.append(ScriptLine(self._times(now), text))

    # -- playing -------------------------------------------------------------------------------------------------

    def play(self, file: UserFile, loop: bool, now: float) -> None:
        """Raises EngineError: not idle, no such file, or not a recording."""
        if self.state != RecordingState.IDLE:
            raise EngineError(f"cannot start a playback: the session is {self.state.value}")
        try:
            with file.open(session_recording.MAX_FILE_BYTES) as content:
                text = content.read(session_recording.MAX_FILE_BYTES).decode("utf-8", "replace")
            lines = session_recording.read(text)
        except OSError as error:
            raise EngineError(
                f"the session recording cannot be read: {error.strerror or error}: {file.name}"
            ) from error
        except ProtocolError as problem:
            raise EngineError(str(problem)) from None
        self._cameras = sorted((each for each in lines if isinstance(each, CameraLine)), key=_when)
        if not self._cameras:
            raise EngineError("the session recording has no camera keyframes")
        self._camera_times = [line.times.recorded for line in self._cameras]
        self._others = sorted((each for each in lines if not isinstance(each, CameraLine)), key=_when)
        self._loop = loop
        self._rewind(now)
        self._set(RecordingState.PLAYING)
        self._play(now)

    def stop_playback(self) -> None:
        """Raises EngineError when nothing is played."""
        if not self.playing:
            raise EngineError("cannot stop the playback: nothing is played")
        self._end_playback()

    def set_paused(self, paused: bool, now: float) -> None:
        """Raises EngineError when nothing is played."""
        if not self.playing:
            raise EngineError("cannot pause the playback: nothing is played")
        if paused == (self.state == RecordingState.PAUSED):
            return
        if paused:
            self._paused_at = now
        else:
            self._started += now - self._paused_at
        self._set(RecordingState.PAUSED if paused else RecordingState.PLAYING)

    # -- each drawing --------------------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """One step of recording or playback."""
        if self.state == RecordingState.RECORDING:
            self._record(now)
        elif self.state == RecordingState.PLAYING:
            self._play(now)

    def _record(self, now: float) -> None:
        if now - self._last_camera < INTERVAL / 2 or len(self._lines) >= MAX_LINES:
            return
        self._last_camera = now
        times = self._times(now)
        rate = (self._engine.rate, self._engine.paused)
        if rate != self._rate:
            self._lines.append(TimeLine(times, *rate, jump=self._rate is None))
            self._rate = rate
        self._lines.append(CameraLine(times, self._engine.pose()))

    def _times(self, now: float) -> Times:
        first = self._started if self._first_started is None else self._first_started
        return Times(now - first, now - self._started, ephemeris_time.to_seconds(self._engine.time))

    def _rewind(self, now: float) -> None:
        self._started, self._next_other = now - self._camera_times[0], 0

    def _play(self, now: float) -> None:
        at = now - self._started
        while self._next_other < len(self._others) and self._others[self._next_other].times.recorded <= at:
            line = self._others[self._next_other]
            self._next_other += 1
            if isinstance(line, ScriptLine):
                self._run_script(line.script)
            elif isinstance(line, TimeLine):
                self._engine.set_rate(line.rate, now)
                self._engine.set_paused(line.paused, now)
        if self.state != RecordingState.PLAYING:
            return  # a script ended the playback
        pose, simulation = self._between(at)
        self._engine.set_time(ephemeris_time.iso(ephemeris_time.from_seconds(simulation)) + "Z", now)
        try:
            self._engine.set_pose(pose, now)
        except UnknownTarget:  # which quotes the file
            raise EngineError(
                f"the session recording follows a node that is not in this scene, {at:.1f} s in"
            ) from None
        if at >= self._camera_times[-1]:
            if self._loop and self._camera_times[-1] > self._camera_times[0]:
                self._rewind(now)
            else:
                self._end_playback()

    def _between(self, at: float) -> tuple[CameraPose, float]:
        """Pose and simulation time at ``at`` seconds of the recording."""
        after = bisect_right(self._camera_times, at)
        first = self._cameras[max(after - 1, 0)]
        second = self._cameras[min(after, len(self._cameras) - 1)]
        span = second.times.recorded - first.times.recorded
        share = min(max((at - first.times.recorded) / span, 0.0), 1.0) if span > 0 else 0.0
        simulation = first.times.simulation + (second.times.simulation - first.times.simulation) * share
        a, b = first.pose, second.pose
        if (a.focus, a.follows_rotation) != (b.focus, b.follows_rotation):
            return a, simulation
        x, y, z = (p + (q - p) * share for p, q in zip(a.position, b.position, strict=True))
        i, j, k, w = quat.interpolated(np.array(a.rotation), np.array(b.rotation), share).tolist()
        return CameraPose(a.focus, (x, y, z), (i, j, k, w), a.follows_rotation, a.scale), simulation

    def _end_playback(self) -> None:
        self._cameras, self._others = [], []
        self._set(RecordingState.IDLE)

    def _set(self, state: RecordingState) -> None:
        self.state = state
        self._on_changed(state)


def _when(line: Line) -> float:
    return line.times.recorded


def list_recordings(folder: Path) -> list[str]:
    """Recordings below ``folder``, as paths relative to it."""
    if not folder.is_dir():
        return []
    found = [path for pattern in ("*.osrectxt", "*.osrec") for path in folder.rglob(pattern)]
    return sorted(path.relative_to(folder).as_posix() for path in found)[:MAX_FILES]
