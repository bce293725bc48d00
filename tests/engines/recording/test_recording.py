"""Recording a session and playing it, with a fake engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting.script_host import ScriptHost
from tests.engines.fake_engine import FakeSceneEngine
from tests.protocols.test_session_recording import SAMPLE


def test_what_was_recorded_plays_again(tmp_path: Path) -> None:
    engine = FakeSceneEngine()
    host = ScriptHost(engine, tmp_path).at(0.0)
    host.run_script("openspace.sessionRecording.startRecording() openspace.time.setPause(false)")
    host.advance(0.1)
    host.run_script("marked = (marked or 0) + 1")
    host.run_script("openspace.navigation.flyTo('Mars', 1)")
    for step in range(2, 21):
        host.advance(step / 10)
    assert engine.focus == "Mars"
    end, moment = engine.camera()["Position"], engine.time
    host.run_script("openspace.sessionRecording.stopRecording('tour', 'Ascii')")
    assert (tmp_path / "recordings" / "tour.osrectxt").read_text().startswith("OpenSpace_record/playback01.00A\n")
    with pytest.raises(EngineError, match="exists already"):
        host.run_script("openspace.sessionRecording.startRecording() openspace.sessionRecording.stopRecording('tour')")
    host.recorder.stop(host.paths.file("${RECORDINGS}/other.osrectxt"), False, 2.0)

    host.run_script("openspace.navigation.jumpTo('Moon') openspace.time.setTime('1999-01-01')")
    host.run_script("openspace.sessionRecording.startPlayback('tour')")
    assert host.mode == "session_recording_playback"
    assert engine.focus == "Earth"
    at = host.now
    for step in range(1, 22):
        host.advance(at + step / 10)
    assert host.recorder.state == "idle"
    assert engine.focus == "Mars"
    assert engine.camera()["Position"] == end
    assert engine.time[:21] == moment[:21]
    assert host.run_script("return marked") == [2]


def test_a_playback_can_be_held_and_ended(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "a.osrectxt").write_text(SAMPLE)
    engine = FakeSceneEngine()
    host = ScriptHost(engine, tmp_path).at(0.0)
    host.run_script("openspace.sessionRecording.startPlayback('a')")
    host.advance(0.5)
    host.run_script("openspace.sessionRecording.setPlaybackPause(true)")
    assert host.recorder.state == "playing-paused"
    host.advance(50)
    assert host.run_script("return openspace.sessionRecording.isPlayingBack()") == [True]
    host.run_script("openspace.sessionRecording.stopPlayback()")
    assert host.recorder.state == "idle"
    with pytest.raises(EngineError, match="nothing is played"):
        host.run_script("openspace.sessionRecording.stopPlayback()")
