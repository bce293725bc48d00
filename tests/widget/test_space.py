"""OpenSpace from a plain Python process: no browser, no Jupyter server of its own."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from openspace_widget import NotReadyError, OpenSpace, RequestError, ServerError, SessionError
from openspace_widget.client.event_loop import background
from openspace_widget.frames.frame import digest, grab
from tests.helpers import processes_with, wait_for

pytestmark = pytest.mark.usefixtures("own_folders")


def test_frame_gives_the_pixels_the_instance_says_it_drew(space: OpenSpace) -> None:
    pixels, header = background().run(grab(space._client))
    assert pixels.shape == (180, 320, 3)
    assert pixels.dtype == np.uint8
    assert pixels.max() > 100, "Earth is in the frame"
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == background().run(digest(space._client, header["frame"]))
    assert header["time"].startswith("2026-03-20T12:00")


def test_two_frames_of_a_paused_scene_are_equal(space: OpenSpace) -> None:
    space.fly_to("Mars", duration=0)
    assert np.array_equal(space.frame(), space.frame())


def test_fly_to_waits_until_there_and_moves_the_focus(space: OpenSpace) -> None:
    assert space.fly_to("Saturn", duration=0.5) is True
    assert space.focus == "Saturn"
    assert space.camera["Anchor"] == "Saturn"


def test_an_unknown_target_is_refused_with_near_names(space: OpenSpace) -> None:
    with pytest.raises(RequestError, match="did you mean Saturn"):
        space.fly_to("Satrun")
    with pytest.raises(RequestError, match="did you mean Mars"):
        space.focus = "Marss"


def test_the_camera_can_be_read_and_put_back(space: OpenSpace) -> None:
    space.fly_to("Jupiter", duration=0)
    pose, frame = space.camera, space.frame()
    space.fly_to("Moon", duration=0)
    assert not np.array_equal(space.frame(), frame)
    space.camera = pose
    assert np.array_equal(space.frame(), frame)


def test_time_can_be_set_read_paused_and_run(space: OpenSpace) -> None:
    space.time.set(datetime(2026, 8, 12, 17, 45, tzinfo=UTC))
    assert space.time.now == datetime(2026, 8, 12, 17, 45, tzinfo=UTC)
    space.time.rate = 86400
    space.time.play()
    assert not space.time.paused
    assert space.time.rate == 86400
    start = space.time.now
    deadline = time.monotonic() + 10
    while space.time.now == start and time.monotonic() < deadline:
        space.frame()
    assert space.time.now > start
    space.time.pause()
    assert "paused" in repr(space.time)


@pytest.mark.parametrize("wrong", ["yesterday", "2026-13-01", "", "99999-01-01"])
def test_a_wrong_time_is_refused(space: OpenSpace, wrong: str) -> None:
    with pytest.raises(RequestError, match="time"):
        space.time.set(wrong)


def test_resolution_is_seen_in_the_very_next_frame(space: OpenSpace) -> None:
    for size in [(640, 360), (333, 201), (320, 180)]:
        space.resolution = size
        assert space.frame().shape == (size[1], size[0], 3)
        assert space.resolution == size


@pytest.mark.parametrize("size", [(0, 0), (10, 10), (100_000, 100), (8192, 8192), ("a", 2), (1280,), None, (1.5, 90)])
def test_an_absurd_size_is_refused_before_anything_starts(size: object) -> None:
    with pytest.raises(RequestError, match="size"):
        OpenSpace(size=size)  # type: ignore[arg-type]


def test_the_same_calls_can_be_awaited(space: OpenSpace) -> None:
    async def both() -> tuple[bool, np.ndarray]:
        return await asyncio.gather(space.aio.fly_to("Venus", duration=0.2), space.aio.frame())

    arrived, pixels = asyncio.run(both())
    assert arrived
    assert pixels.shape == (180, 320, 3)


def test_a_second_object_of_this_process_rejoins_the_session(space: OpenSpace) -> None:
    again = OpenSpace()
    assert again.session == space.session
    by_id = OpenSpace(space.session)
    assert by_id.focus == space.focus


def test_an_object_nobody_holds_lets_go_of_its_sockets_but_not_of_the_session(space: OpenSpace) -> None:
    tasks = []
    for _ in range(3):
        again = OpenSpace()
        again.frame()
        tasks += list(again._client.session._tasks)
        del again
    gc.collect()
    assert len(tasks) == 6
    wait_for(lambda: all(task.done() for task in tasks), "the end of their tasks")
    assert space.state == "RUNNING"


@pytest.mark.process
def test_an_unknown_session_and_engine_and_server_are_named() -> None:
    with pytest.raises(ServerError, match="session"):
        OpenSpace("00000000-0000-4000-8000-000000000000")
    with pytest.raises(ServerError, match=r"does not answer|did not answer"):
        OpenSpace(url="http://127.0.0.1:9/")
    with pytest.raises(SessionError, match="base URL"):
        OpenSpace(url="ftp://somewhere")


@pytest.mark.process
def test_calls_after_close_say_that_the_session_ended() -> None:
    code = """
from openspace_widget import OpenSpace, SessionError
with OpenSpace(size=(320, 180)) as space:
    space.frame()
space.close()
try:
    space.frame()
except SessionError as problem:
    print("said:", problem)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "said: this session is stopped" in done.stdout, done.stderr


@pytest.mark.process
def test_a_killed_instance_comes_back_for_the_same_session() -> None:
    code = """
import psutil
from openspace_widget import OpenSpace, SessionError
space = OpenSpace(size=(320, 180)).wait()
space.time.set("2026-08-12T17:45")
space.time.pause()
session = space.session
for process in psutil.Process().children(recursive=True):
    if "openspace_server.instance" in process.cmdline():
        process.kill()
try:
    space.fly_to("Mars", duration=1)
except SessionError as problem:
    print("said:", problem)
print("again:", space.fly_to("Mars", duration=0), space.focus, space.session == session)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=90)
    assert "again: True Mars True" in done.stdout, done.stdout + done.stderr


@pytest.mark.process
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_python_process_ends(how: signal.Signals, tmp_path: Path) -> None:
    code = "from openspace_widget import OpenSpace\nspace = OpenSpace(size=(320, 180)).wait()\n"
    code += "print('up', flush=True)\ninput()"
    environment = {**os.environ, "MARK": str(tmp_path)}
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "up"

    marked = partial(processes_with, "MARK", str(tmp_path))
    assert len(marked()) >= 4, "this process, its server, the host and the instance"
    child.send_signal(how)
    child.wait()
    wait_for(lambda: not marked(), lambda: f"gone: {marked()}")


@pytest.mark.process
def test_a_wait_that_is_too_short_says_so() -> None:
    space = OpenSpace(size=(322, 182), timeout=0.0001)
    try:
        with pytest.raises(NotReadyError):
            space.frame()
    finally:
        background().run(space._client.session.detach())
