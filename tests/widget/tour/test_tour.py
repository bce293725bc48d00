"""Tours flown, rendered, kept and captured, against a real session."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from openspace_widget import ArgumentError, LuaError, OpenSpace, Stop, Tour
from openspace_widget.tour import render

START = "2026-03-20T12:00"
NUMBER = r"needs a number in its name, such as 'frames/%05d\.png'"
SHORT = Tour([Stop("Earth", altitude="9000 km"), Stop("Moon", altitude="2000 km", seconds=0.5)], start=START)


def digests(tour: Tour, space: OpenSpace) -> list[str]:
    return [hashlib.sha256(frame.tobytes()).hexdigest() for frame in tour.frames(space, fps=10, size=(320, 180))]


def test_two_renderings_have_the_same_pixels_whatever_else_goes_on(space: OpenSpace) -> None:
    first = digests(SHORT, space)
    assert len(set(first)) == len(first) == 6
    space.fly_to("Saturn", duration=0)
    space.time.rate = 1e5
    space.time.play()
    busy = threading.Event()

    def disturb() -> None:
        while not busy.is_set():
            space.fly_to("Mars", duration=0)
            space.resolution = (640, 360)
            space.frame()
            space.resolution = (320, 180)

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        assert digests(SHORT, space) == first
    finally:
        busy.set()
        thread.join()


def test_playing_ends_at_the_last_stop_and_gives_time_back(space: OpenSpace) -> None:
    tour = Tour([Stop("Earth"), Stop("Mars", altitude="1000 km", seconds=0.4, time="2026-08-12T17:45")], start=START)
    assert tour.play(space) is True
    assert space.focus == "Mars"
    assert space.time.now.isoformat() == "2026-08-12T17:45:00+00:00"
    assert space.time.paused, "as before"


def test_a_tour_that_is_interfered_with_says_so(space: OpenSpace) -> None:
    tour = Tour([Stop("Earth"), Stop("Earth", altitude="100 km", seconds=60)], start=START)
    result: list[bool] = []
    thread = threading.Thread(target=lambda: result.append(tour.play(space)))
    thread.start()
    while thread.is_alive():
        space.fly_to("Venus", duration=0)
        thread.join(0.2)
    assert result == [False]
    assert space.focus == "Venus"


def test_stops_do_what_they_say_on_arrival(space: OpenSpace) -> None:
    uri = "Scene.MarsTrail.Renderable.Enabled"
    tour = Tour([Stop("Earth"), Stop("Mars", seconds=0.2, properties={uri: False}, lua="reached = 'Mars'")])
    assert tour.play(space)
    assert space[uri] is False
    assert space.lua("return reached") == "Mars"
    space[uri] = True
    list(tour.frames(space, fps=5, size=(64, 64)))
    assert space[uri] is False
    space[uri] = True
    with pytest.raises(LuaError, match="oh no"):
        Tour([Stop("Earth", lua="error('oh no')")]).play(space)


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".webm", ".gif", ".apng"])
def test_each_format_has_all_frames_and_shows_itself(space: OpenSpace, tmp_path: Path, ending: str) -> None:
    video = SHORT.render(space, tmp_path / f"tour{ending}", fps=10, size=(160, 90), progress=False)
    with av.open(str(video.path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == video.frames == 6
    exact_frames = list(SHORT.frames(space, fps=10, size=(160, 90)))
    off = np.abs(frames[0].astype(int) - exact_frames[0]).mean()
    assert off < 6, "the frame, but for what the format loses"
    assert video._repr_html_().startswith(("<video", "<img"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"tour{ending}"]


def test_h264_is_what_browsers_play(space: OpenSpace, tmp_path: Path) -> None:
    video = SHORT.render(space, tmp_path / "tour.mp4", fps=30, size=(160, 90), progress=False)
    with av.open(str(video.path)) as container:
        stream: Any = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 30
    assert video.path.read_bytes().index(b"moov") < video.path.read_bytes().index(b"mdat"), "plays while it loads"


@pytest.mark.parametrize("pattern", ["frames/%03d.png", "frames/"])
def test_a_sequence_of_images_is_exact(space: OpenSpace, tmp_path: Path, pattern: str) -> None:
    video = SHORT.render(space, f"{tmp_path}/{pattern}", fps=10, size=(160, 90), progress=False)
    assert video._repr_html_() == f"<code>{tmp_path / 'frames'}</code>: 6 images of 160 × 90 pixels"
    files = sorted(video.path.iterdir())
    assert len(files) == 6
    for file, frame in zip(files, SHORT.frames(space, fps=10, size=(160, 90)), strict=True):
        assert np.array_equal(np.asarray(Image.open(file)), frame)


def test_an_interrupt_leaves_a_playable_file_that_says_it_is_partial(
    space: OpenSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bar:
        """Stands for a person at the stop button, who watches the progress bar."""

        count = 0

        def update(self) -> None:
            self.count += 1
            if self.count == 4:
                raise KeyboardInterrupt

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *problem: object) -> None: ...

    monkeypatch.setattr(render, "_bar", lambda count, name, shown: Bar())
    (tmp_path / "tour.mp4").write_bytes(b"the one before")
    with pytest.raises(KeyboardInterrupt) as stopped:
        SHORT.render(space, tmp_path / "tour.mp4", fps=20, size=(160, 90))
    assert "tour.partial.mp4" in stopped.value.__notes__[0]
    with av.open(str(tmp_path / "tour.partial.mp4")) as container:
        assert len(list(container.decode(video=0))) == 4
    assert (tmp_path / "tour.mp4").read_bytes() == b"the one before"
    assert space.frame().shape == (180, 320, 3)


@pytest.mark.parametrize(
    ("path", "options", "kind", "text"),
    [
        ("tour.avi", {}, ArgumentError, r"\.mp4"),
        ("tour", {}, ArgumentError, r"\.mp4"),
        ("one.png", {}, ArgumentError, f"^path: one image per frame {NUMBER}, got 'one.png'$"),
        ("%03d.png", {}, ArgumentError, "^path: images go into a folder of their own, such as 'frames/%03d.png'$"),
        ("nowhere/tour.mp4", {}, FileNotFoundError, "nowhere"),
        ("tour.mp4", {"size": (161, 90)}, ArgumentError, "even"),
        ("tour.mp4", {"size": (20, 20)}, ArgumentError, "size"),
        ("tour.mp4", {"fps": 0}, ArgumentError, "fps"),
        ("tour.mp4", {"quality": "fine"}, ArgumentError, "quality"),
        ("tour.mp4", {"antialias": 3}, ArgumentError, "antialias"),
        ("there.mp4", {"overwrite": False}, FileExistsError, "overwrite"),
    ],
)
def test_what_cannot_be_rendered_is_refused_before_anything_is_written(
    space: OpenSpace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    options: dict[str, Any],
    kind: type[Exception],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.mp4").touch()
    with pytest.raises(kind, match=text):
        SHORT.render(space, path, progress=False, **options)
    assert [file.name for file in tmp_path.iterdir()] == ["there.mp4"]


def test_a_tour_is_kept_as_json_and_as_code(space: OpenSpace) -> None:
    tour = Tour(
        [
            Stop("Earth", altitude="9000 km", latitude=48.1, longitude=11.6, hold=2, time="2026-08-12", rate=60),
            Stop(
                camera=space.camera, seconds="3 s", properties={"Scene.Mars.Renderable.Enabled": True}, lua="a = '\\n'"
            ),
            Stop("Saturn", easing="linear", name='The "ringed" one'),
        ],
        start=START,
        name="kept",
    )
    assert Tour.from_json(tour.to_json()) == tour
    names: dict[str, Any] = {}
    exec(tour.to_code(), names)
    assert names["tour"].stops[0] == tour[0]
    assert names["tour"].stops[2] == tour[2]
    assert names["tour"].start == tour.start
    for text in ("", "[]", "{}", '{"format": "openspace-widget tour", "stops": [3]}', "nonsense"):
        with pytest.raises(ArgumentError, match="tour"):
            Tour.from_json(text)


def test_a_rendering_can_be_cancelled_as_a_task(space: OpenSpace, tmp_path: Path) -> None:
    long = Tour([Stop("Earth"), Stop("Earth", altitude="100 km", seconds=600)], start=START)
    partial = tmp_path / "long.partial.mp4"

    async def cancelled() -> None:
        work = asyncio.create_task(space.aio.render_tour(long, tmp_path / "long.mp4", size=(64, 64), progress=False))
        while not partial.exists():
            await space.aio.state()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(cancelled())
    assert [file.name for file in tmp_path.iterdir()] == ["long.partial.mp4"]


def test_everything_of_a_tour_can_be_awaited(space: OpenSpace, tmp_path: Path) -> None:
    async def both() -> bool:
        async with space.aio.record(tmp_path / "live.mp4") as recording:
            arrived = await space.aio.play_tour(SHORT)
        assert recording.videos[0].path.exists()
        video = await space.aio.render_tour(SHORT, tmp_path / "a.gif", fps=5, size=(64, 64), progress=False)
        return arrived and video.frames == 3

    assert asyncio.run(both())


@pytest.mark.process
def test_a_host_that_dies_in_mid_render_is_reported_once_and_the_session_continues(tmp_path: Path) -> None:
    code = """
import psutil
from openspace_widget import OpenSpace, OpenSpaceError, Stop, Tour
space = OpenSpace(size=(320, 180)).wait()
tour = Tour([Stop("Earth"), Stop("Earth", altitude="100 km", seconds=600)], start="2026-03-20")
from openspace_widget.tour import render
class Bar:
    count = 0
    def __enter__(self): return self
    def __exit__(self, *problem): pass
    def update(self):
        self.count += 1
        if self.count == 3:
            for process in psutil.Process().children(recursive=True):
                if "openspace_server.instance" in process.cmdline():
                    process.kill()
render._bar = lambda *arguments: Bar()
try:
    tour.render(space, "long.mp4", fps=30, size=(64, 64))
except OpenSpaceError as problem:
    print("refused:", type(problem).__name__, problem, problem.__notes__)
space.wait()
video = Tour([Stop("Mars")]).render(space, "mars.mp4", size=(64, 64), progress=False)
print("again:", space.frame().shape, video.frames)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert "refused: SessionError" in done.stdout, done.stdout + done.stderr
    assert "long.partial.mp4" in done.stdout
    assert "again: (180, 320, 3) 1" in done.stdout, done.stdout + done.stderr
    with av.open(str(tmp_path / "long.partial.mp4")) as container:
        assert len(list(container.decode(video=0))) >= 3
