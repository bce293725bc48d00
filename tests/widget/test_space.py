"""OpenSpace from a plain Python process: no browser, no Jupyter server of its own."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from openspace_widget import NotReadyError, OpenSpace, RequestError, ServerError, SessionError
from openspace_widget.client.event_loop import background
from tests.helpers import processes_with, wait_for

pytestmark = pytest.mark.usefixtures("own_folders")


@pytest.mark.parametrize("size", [(0, 0), (10, 10), (100_000, 100), (8192, 8192), ("a", 2), (1280,), None, (1.5, 90)])
def test_an_absurd_size_is_refused_before_anything_starts(size: object) -> None:
    with pytest.raises(RequestError, match="size"):
        OpenSpace(size=size)  # type: ignore[arg-type]


def test_a_second_object_of_this_process_rejoins_the_session(space: OpenSpace) -> None:
    again = OpenSpace()
    assert again.session == space.session
    by_id = OpenSpace(space.session)
    assert by_id.focus == space.focus


def test_an_unused_object_closes_its_sockets_but_keeps_the_session(space: OpenSpace) -> None:
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
    print("refused:", problem)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "refused: this session is stopped" in done.stdout, done.stderr


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
    print("refused:", problem)
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
