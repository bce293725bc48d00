"""Instances of the openspace engine as processes: next to each other, killed in every way, behind a render host."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import websockets

from openspace_server.render_host.settings import INSTANCE_COMMAND, Timings
from tests.engines.openspace.conftest import Install, left_over
from tests.helpers import until
from tests.instance.harness import Process, bulk, media, run, spawned
from tests.render_host.helpers import command, host, start_running, until_status

pytestmark = pytest.mark.process


@contextlib.asynccontextmanager
async def instance(base: Path, temporary: Path, **more: Any) -> AsyncIterator[Process]:
    """A running instance whose temporary files are in ``temporary``."""
    environment = {"OPENSPACE_DIR": str(base), "TMPDIR": str(temporary)}
    async with spawned("openspace", environment, width=320, height=180, **more) as process:
        while (event := await process.event())["event"] != "running":
            assert event["event"] in ("listening", "progress"), event
        yield process


def program(temporary: Path) -> psutil.Process:
    """The double's process."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "--bypassLauncher" in process.cmdline() and process.environ().get("TMPDIR") == str(temporary):
                return process
    raise AssertionError("no OpenSpace runs")


def display(temporary: Path) -> Path:
    """The socket of the double's X display."""
    return Path("/tmp/.X11-unix") / program(temporary).environ()["DISPLAY"].replace(":", "X")


def test_two_at_once_share_nothing_and_a_killed_one_leaves_nothing(installed: Install, tmp_path: Path) -> None:
    base, one_tmp, other_tmp = installed(), tmp_path / "one", tmp_path / "other"
    one_tmp.mkdir()
    other_tmp.mkdir()

    async def scenario() -> None:
        async with instance(base, one_tmp) as one, instance(base, other_tmp) as other:
            sockets = display(one_tmp), display(other_tmp)
            assert sockets[0] != sockets[1]
            async with media(other, mode="h264") as watching, bulk(other) as steering:
                await steering.ask("set_rate", rate=100_000)
                await watching.next_frame()
                one.process.kill()
                await one.wait_exit()
                await until(lambda: not left_over(one_tmp), lambda: f"gone: {left_over(one_tmp)}")
                assert [socket.exists() for socket in sockets] == [False, True]
                for _ in range(5):
                    watching.frames.clear()
                    await watching.next_frame()
                program(other_tmp).kill()
                async with asyncio.timeout(15):
                    while (event := await other.event())["event"] != "failed":
                        pass
                assert "OpenSpace ended in the middle of the session (killed by SIGKILL); it last said:" in str(event)
                assert await other.wait_exit() == 1
            await until(lambda: not left_over(other_tmp), lambda: f"gone: {left_over(other_tmp)}")
            assert not sockets[1].exists()

    run(scenario())


def test_a_host_runs_it_relays_its_api_and_says_why_it_could_not(
    installed: Install, tmp_path: Path, monkeypatch: Any
) -> None:
    installed("0.21.4")

    async def scenario() -> None:
        options = {"instance_command": INSTANCE_COMMAND, "timings": Timings(stop=4.0), "engine": "openspace"}
        async with host(tmp_path, **options) as running:
            await start_running(running.port, "mine", token="t", width=320, height=180)
            slot = running.slots[0]
            await until(lambda: slot.api_port is not None, "its API's port")
            url = f"ws://127.0.0.1:{running.gateway_port}/api"
            async with websockets.connect(url, compression=None) as socket:
                join = {"type": "join", "session": "mine", "role": "controller", "viewer": "v", "token": "t"}
                await socket.send(json.dumps(join))
                await socket.send(json.dumps({"topic": 1, "type": "version", "payload": {}}))
                reply = json.loads(await asyncio.wait_for(socket.recv(), 15))
                assert reply["payload"]["openSpaceVersion"] == {"major": 0, "minor": 21, "patch": 4}
            resized = await command(running.port, {"command": "RESOLUTION", "id": 0, "width": 400, "height": 226})
            assert resized["error"] == "none"
            await command(running.port, {"command": "STOP", "id": 0})
            await until_status(running.port, 0, "IDLE")

            monkeypatch.setenv("OPENSPACE_PROFILE", "broken")
            await command(running.port, {"command": "START", "session": "again"})
            reason = (await until_status(running.port, 0, "IDLE"))["reason"]
            assert "OpenSpace ended while loading profile 'broken' (exit code 1)" in reason
            assert "it last said: " in reason
            assert "Error loading profile" in reason
            assert "choose another one with OPENSPACE_PROFILE" in reason
        await until(lambda: not left_over(Path(os.environ["TMPDIR"])), "everything is gone")

    run(scenario())
