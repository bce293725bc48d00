"""Recordings of the live stream."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from openspace_widget import ArgumentError, OpenSpace, SessionError
from openspace_widget.frames import recording
from openspace_widget.frames.recording import Recording


def frames_of(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        return [(float(frame.time or 0), frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_a_recording_plays_what_was_seen(space: OpenSpace, tmp_path: Path, ending: str) -> None:
    with space.record(tmp_path / f"live{ending}") as recording:
        assert space.fly_to("Moon", duration=0.6)
        seen = space.frame()
        for _ in itertools.takewhile(lambda frame: not np.array_equal(frame, seen), space.frames(n=5)):
            pass
    (video,) = recording.videos
    assert [file.name for file in tmp_path.iterdir()] == [f"live{ending}"]
    played = frames_of(video.path)
    assert len(played) == video.frames > 3
    times = [time for time, _ in played]
    assert times == sorted(set(times))
    assert times[0] == 0
    assert video.seconds > 0.5
    with av.open(str(video.path)) as container:
        stream: Any = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 320, 180)
    assert np.abs(played[-1][1].astype(int) - seen).mean() < 12, "the last frame is what was seen at the end"
    assert recording._repr_html_()


def test_another_size_begins_another_file(space: OpenSpace, tmp_path: Path) -> None:
    recording = space.record(tmp_path / "live.mp4").start()
    space.resolution = (640, 360)
    while len(recording._parts) < 2:
        space.home()
        space.frame()
    videos = recording.stop()
    assert [(video.path.name, video.size) for video in videos] == [("live.mp4", (320, 180)), ("live-2.mp4", (640, 360))]
    assert all(frames_of(video.path) for video in videos)
    assert recording.stop() == videos, "stopping twice is no error"


def test_an_error_in_the_block_leaves_a_finished_file(space: OpenSpace, tmp_path: Path) -> None:
    def fail() -> None:
        raise RuntimeError("in the block")

    with pytest.raises(RuntimeError, match="in the block"), space.record(tmp_path / "live.mp4"):
        fail()
    assert frames_of(tmp_path / "live.mp4")


def test_what_cannot_be_recorded_is_refused(space: OpenSpace, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"\.mp4 or \.mkv"):
        space.record(tmp_path / "live.gif")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        space.record(tmp_path / "nowhere" / "live.mp4")
    (tmp_path / "there.mp4").touch()
    with pytest.raises(FileExistsError):
        space.record(tmp_path / "there.mp4", overwrite=False)


class SilentStream:
    """A session whose media socket sends nothing."""

    id = "1"

    @property
    def connection(self) -> SilentStream:
        return self

    async def wait_running(self) -> None: ...

    async def websocket(self, path: str) -> SilentStream:
        return self

    async def write_message(self, message: str) -> None: ...

    async def read_message(self) -> None:
        await asyncio.Event().wait()

    def close(self) -> None: ...


def test_a_stream_without_frames_cannot_be_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "FIRST_FRAME", 0.05)
    client: Any = SimpleNamespace(session=SilentStream())
    with pytest.raises(SessionError) as refused:
        asyncio.run(Recording(client, tmp_path / "live.mp4").begin())
    assert str(refused.value) == "no frame came to record: the instance sends none over its media socket"
