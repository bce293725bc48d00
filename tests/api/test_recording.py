"""Recording a session and playing it, with a fake engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting.program import Program
from tests.api.fake_engine import FakeSceneEngine
from tests.protocols.test_session_recording import SAMPLE


def test_what_was_recorded_plays_again(tmp_path: Path) -> None:
    engine = FakeSceneEngine()
    program = Program(engine, tmp_path).at(0.0)
    program.run_script("openspace.sessionRecording.startRecording() openspace.time.setPause(false)")
    program.advance(0.1)
    program.run_script("marked = (marked or 0) + 1")
    program.run_script("openspace.navigation.flyTo('Mars', 1)")
    for step in range(2, 21):
        program.advance(step / 10)
    assert engine.focus == "Mars"
    end, moment = engine.camera()["Position"], engine.time
    program.run_script("openspace.sessionRecording.stopRecording('tour', 'Ascii')")
    assert (tmp_path / "recordings" / "tour.osrectxt").read_text().startswith("OpenSpace_record/playback01.00A\n")
    with pytest.raises(EngineError, match="exists already"):
        program.run_script(
            "openspace.sessionRecording.startRecording() openspace.sessionRecording.stopRecording('tour')"
        )
    program.recorder.stop(program.paths.file("${RECORDINGS}/other.osrectxt"), False, 2.0)

    program.run_script("openspace.navigation.jumpTo('Moon') openspace.time.setTime('1999-01-01')")
    program.run_script("openspace.sessionRecording.startPlayback('tour')")
    assert program.mode == "session_recording_playback"
    assert engine.focus == "Earth"
    at = program.now
    for step in range(1, 22):
        program.advance(at + step / 10)
    assert program.recorder.state == "idle"
    assert engine.focus == "Mars"
    assert engine.camera()["Position"] == end
    assert engine.time[:21] == moment[:21]
    assert program.run_script("return marked") == [2]


def test_a_playback_can_be_held_and_ended(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "a.osrectxt").write_text(SAMPLE)
    engine = FakeSceneEngine()
    program = Program(engine, tmp_path).at(0.0)
    program.run_script("openspace.sessionRecording.startPlayback('a')")
    program.advance(0.5)
    program.run_script("openspace.sessionRecording.setPlaybackPause(true)")
    assert program.recorder.state == "playing-paused"
    program.advance(50)
    assert program.run_script("return openspace.sessionRecording.isPlayingBack()") == [True]
    program.run_script("openspace.sessionRecording.stopPlayback()")
    assert program.recorder.state == "idle"
    with pytest.raises(EngineError, match="nothing is played"):
        program.run_script("openspace.sessionRecording.stopPlayback()")
