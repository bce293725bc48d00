"""Tours as OpenSpace session recordings, and back."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from openspace_widget import ArgumentError, OpenSpace, Stop, Tour

START = "2026-03-20T12:00"


def test_a_session_recording_gives_the_same_frames(space: OpenSpace, tmp_path: Path) -> None:
    tour = Tour([Stop("Mars", lua="again = 1"), Stop("Mars", altitude="300 km", seconds=0.5)], start=START)
    file = tmp_path / "mars.osrectxt"
    tour.save(file, space)
    assert file.read_text().startswith("OpenSpace_record/playback01.00A\nscript ")
    loaded = Tour.load(file)
    ours, theirs = (list(each.frames(space, fps=5, size=(320, 180))) for each in (tour, loaded))
    assert len(ours) == len(theirs) == 3
    for a, b in zip(ours, theirs, strict=True):
        assert a.time == b.time
        assert np.abs(a.astype(int) - b).mean() < 0.5
    assert len(loaded.simplified()) < len(loaded)


def test_the_instance_itself_plays_the_recording(space: OpenSpace, tmp_path: Path) -> None:
    tour = Tour([Stop("Mars"), Stop("Venus", seconds=0.2)], start=START)
    tour.save(tmp_path / "venus.osrectxt", space)
    folder = space.lua("return openspace.absPath('${RECORDINGS}')")
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / "venus.osrectxt").write_bytes((tmp_path / "venus.osrectxt").read_bytes())
    played = threading.Event()
    subscription = space.on("SessionRecordingPlayback", lambda event: event["State"] == "Finished" and played.set())
    space.lua("openspace.sessionRecording.startPlayback('venus.osrectxt')")
    assert played.wait(20)
    subscription.cancel()
    assert space.focus == "Venus"


@pytest.mark.parametrize(
    "text",
    ["", "something", "OpenSpace_record/playback01.00B\n", "OpenSpace_record/playback01.00A\ncamera 1 2\n",
     "OpenSpace_record/playback01.00A\nscript 0 0 0 99 x\n", "OpenSpace_record/playback01.00A\n"],
)  # fmt: skip
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.osrectxt").write_text(text)
    with pytest.raises(ArgumentError, match="recording"):
        Tour.load(tmp_path / "a.osrectxt")
