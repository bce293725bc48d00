"""The supervisor protocol, spoken by an independent client library."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path

import pytest
import websockets

from tests.helpers import until
from tests.render_host.conftest import Started
from tests.render_host.helpers import alive, ask, command, host, start_running, status, until_status


@pytest.mark.process
def test_one_command_per_connection_answers_as_published(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path, slots=2) as running:
            port = running.port
            assert await command(port, {"command": "SERVER_STATUS"}) == {
                "command": "SERVER_STATUS", "error": "none", "id": 0, "running": 0, "total": 2,
            }  # fmt: skip
            assert await command(port, {"command": "START"}) == {"command": "START", "error": "none", "id": 0}
            await until_status(port, 0, "RUNNING")
            reply = await command(port, {"command": "RESOLUTION", "id": 0, "width": 800, "height": 600})
            assert reply == {"command": "RESOLUTION", "error": "none", "id": 0, "width": 800, "height": 600}
            found = await status(port, 0)
            assert (found["status"], found["width"], found["height"]) == ("RUNNING", 800, 600)
            assert (await command(port, {"command": "SERVER_STATUS"}))["running"] == 1
            assert await command(port, {"command": "STOP", "id": 0}) == {"command": "STOP", "error": "none", "id": 0}
            assert (await until_status(port, 0, "IDLE"))["reason"] == "stopped"

    asyncio.run(scenario())


@pytest.mark.process
def test_many_commands_on_one_connection_answer_in_order(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path, slots=2) as running, websockets.connect(f"ws://127.0.0.1:{running.port}") as socket:
            for message in ("START", "SERVER_STATUS", "START", "START", "SERVER_STATUS"):
                await socket.send(json.dumps({"command": message}))
            replies = [json.loads(await socket.recv()) for _ in range(5)]
            assert [reply["id"] for reply in replies] == [0, 0, 1, -1, 0]
            assert replies[3]["error"] == "no available slots"
            assert (replies[1]["running"], replies[4]["running"]) == (1, 2)

    asyncio.run(scenario())


@pytest.mark.process
def test_start_takes_the_lowest_free_id(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path, slots=3) as running:
            for _ in range(3):
                await command(running.port, {"command": "START"})
            for id in (2, 0):
                await command(running.port, {"command": "STOP", "id": id})
                await until_status(running.port, id, "IDLE")
            assert (await command(running.port, {"command": "START"}))["id"] == 0

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ('{"command": "STOP", "id": 0}', "not running"),
        ('{"command": "RESOLUTION", "id": 0, "width": 640, "height": 480}', "not running"),
        ('{"command": "STOP", "id": -1}', "invalid id"),
        ('{"command": "STATUS", "id": 99}', "invalid id"),
        ('{"command": "RESOLUTION", "id": 3, "width": 640, "height": 480}', "invalid id"),
        ('{"command": "STATUS", "id": "0"}', "invalid message received: id: expected an integer, got '0'"),
        ('{"command": "RESOLUTION", "id": 0, "width": -1, "height": 480}', "invalid message received: width"),
        ('{"command": "SING"}', "invalid message received: SING"),
        ('{"command": ["SING"]}', "invalid message received: ['SING']"),
        ("{}", "invalid message received: None"),
        ("[]", "expected a JSON object, got []"),
        ("hello", "json decode error"),
        ("[" * 30_000, "json decode error"),
        ('{"command": ' + "[" * 900 + "]" * 900 + "}", "invalid message received"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_answered_with_a_reason(tmp_path: Path, message: str, error: str) -> None:
    async def scenario() -> None:
        async with host(tmp_path, slots=1) as running, websockets.connect(f"ws://127.0.0.1:{running.port}") as socket:
            reply = await ask(socket, message)
            assert reply["error"].startswith(error)
            assert {"command", "error", "id"} <= reply.keys()
            assert (await ask(socket, {"command": "SERVER_STATUS"}))["running"] == 0

    asyncio.run(scenario())


def test_a_binary_frame_gets_an_error_and_the_connection_lives(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running, websockets.connect(f"ws://127.0.0.1:{running.port}") as socket:
            await socket.send(b'{"command": "START"}')
            assert "binary" in json.loads(await socket.recv())["error"]
            assert (await ask(socket, {"command": "SERVER_STATUS"}))["running"] == 0

    asyncio.run(scenario())


@pytest.mark.process
def test_giant_messages_floods_and_vanishing_clients_disturb_nobody(tmp_path: Path) -> None:
    async def flood(port: int) -> None:
        """Sends without ever reading, then drops the line."""
        socket = await websockets.connect(f"ws://127.0.0.1:{port}", compression=None)
        try:
            async with asyncio.timeout(1):
                while True:
                    await socket.send('{"command": "SERVER_STATUS"}' + " " * 1000)
        except TimeoutError:
            socket.transport.abort()

    async def scenario() -> None:
        async with host(tmp_path) as running, websockets.connect(f"ws://127.0.0.1:{running.port}") as calm:
            giant = await websockets.connect(f"ws://127.0.0.1:{running.port}", compression=None)
            with contextlib.suppress(websockets.ConnectionClosed):
                await giant.send("x" * 1_000_000)
            with pytest.raises(websockets.ConnectionClosed):
                await giant.recv()
            _, raw = await asyncio.open_connection("127.0.0.1", running.port)
            raw.write(b"GET / HTTP/1.1\r\nUpgrade: webso")
            raw.close()
            gone = await websockets.connect(f"ws://127.0.0.1:{running.port}")
            await gone.send('{"command": "START"}')
            gone.transport.abort()
            flooding = [asyncio.ensure_future(flood(running.port)) for _ in range(3)]
            loop = asyncio.get_running_loop()
            slowest = 0.0
            while not all(task.done() for task in flooding):
                before = loop.time()
                await ask(calm, {"command": "SERVER_STATUS"})
                slowest = max(slowest, loop.time() - before)
            await asyncio.gather(*flooding)
            assert slowest < 1.0

    asyncio.run(scenario())


@pytest.mark.process
def test_the_same_request_starts_one_instance(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path, slots=3) as running:
            start = {"command": "START", "session": "one", "request_id": "r1", "fence": 1}
            replies = await asyncio.gather(*(command(running.port, start) for _ in range(5)))
            assert replies == [start | {"error": "none", "id": 0}] * 5
            assert (await command(running.port, {"command": "SERVER_STATUS"}))["running"] == 1
            assert (await command(running.port, start | {"request_id": "r2"}))["id"] == 1

    asyncio.run(scenario())


@pytest.mark.process
def test_a_start_that_found_no_slot_is_tried_again_when_repeated(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path, slots=1) as running:
            await command(running.port, {"command": "START", "session": "first"})
            start = {"command": "START", "session": "second", "request_id": "r"}
            assert (await command(running.port, start))["id"] == -1
            await command(running.port, {"command": "STOP", "id": 0})
            await until_status(running.port, 0, "IDLE")
            assert (await command(running.port, start))["id"] == 0

    asyncio.run(scenario())


@pytest.mark.process
def test_a_late_stop_does_not_end_a_newer_session(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            port = running.port
            await start_running(port, "mine", fence=5)
            assert (await command(port, {"command": "STOP", "id": 0, "session": "mine", "fence": 4}))["error"] == (
                "stale fence"
            )
            await command(port, {"command": "STATUS", "id": 0, "session": "mine", "fence": 7})
            stale = await command(port, {"command": "STOP", "id": 0, "session": "mine", "fence": 6})
            assert (stale["error"], stale["fence"], stale["session"]) == ("stale fence", 6, "mine")
            other = await command(port, {"command": "STOP", "id": 0, "session": "the one before", "fence": 9})
            assert other["error"] == "not running"
            assert (await status(port, 0))["status"] == "RUNNING"
            assert (await command(port, {"command": "STOP", "id": 0, "session": "mine", "fence": 7}))["error"] == "none"

    asyncio.run(scenario())


@pytest.mark.process
def test_status_names_session_engine_and_size_of_a_busy_slot_and_no_secret(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            start = {"session": "s", "engine": "web", "width": 320, "height": 240, "token": "hush"}
            reply = await command(running.port, {"command": "START", **start})
            assert "token" not in reply
            found = await until_status(running.port, 0, "RUNNING")
            assert found == {
                "command": "STATUS", "error": "none", "id": 0, "status": "RUNNING", "reason": "",
                "session": "s", "engine": "web", "width": 320, "height": 240, "fence": 0,
            }  # fmt: skip
            configuration = next((tmp_path / "logs").glob("instance-0-*.log")).read_text()
            assert '"width": 320' in configuration
            assert "hush" not in configuration

    asyncio.run(scenario())


@pytest.mark.process
def test_a_resolution_sent_right_after_start_is_not_lost(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running, websockets.connect(f"ws://127.0.0.1:{running.port}") as socket:
            await socket.send('{"command": "START"}')
            await socket.send('{"command": "RESOLUTION", "id": 0, "width": 400, "height": 300}')
            await socket.recv()
            assert json.loads(await socket.recv())["error"] == "none"
            found = await until_status(running.port, 0, "RUNNING")
            assert (found["width"], found["height"]) == (400, 300)

    asyncio.run(scenario())


def test_a_secret_is_demanded_and_browsers_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path, secret="sesame") as running:
            say = {"command": "SERVER_STATUS"}
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic sesame"}):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await command(running.port, say, additional_headers=headers)
                assert refused.value.response.status_code == 401
            right = {"Authorization": "Bearer sesame"}
            assert (await command(running.port, say, additional_headers=right))["error"] == "none"
            own = f"http://127.0.0.1:{running.port}"  # even "same origin": a rebinding page says that
            with pytest.raises(websockets.InvalidStatus) as refused:
                await command(running.port, say, additional_headers=right, origin=websockets.Origin(own))
            assert refused.value.response.status_code == 403

    asyncio.run(scenario())


@pytest.mark.process
def test_an_instance_that_is_killed_leaves_an_idle_slot_with_the_reason(tmp_path: Path, started: Started) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            await start_running(running.port, "victim")
            (instance,) = started()
            os.kill(instance.pid, signal.SIGKILL)
            found = await until_status(running.port, 0, "IDLE")
            assert found["reason"].startswith("the instance ended: killed by SIGKILL: stand-in")
            assert "session" not in found
            await start_running(running.port, "next")
            assert (await status(running.port, 0))["reason"] == ""

    asyncio.run(scenario())


@pytest.mark.process
@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("crash", "the instance ended: exit code 7: Traceback: something went wrong"),
        ("fail", "the instance ended: exit code 1: no renderer found"),
    ],
)
def test_an_instance_that_fails_says_why(tmp_path: Path, manner: str, reason: str) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            assert (await command(running.port, {"command": "START", "session": manner}))["error"] == "none"
            assert (await until_status(running.port, 0, "IDLE"))["reason"] == reason

    asyncio.run(scenario())


@pytest.mark.process
def test_a_program_that_is_not_there_is_a_reason(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path, instance_command=(str(tmp_path / "nothing"),)) as running:
            assert (await command(running.port, {"command": "START"}))["error"] == "none"
            assert "could not be started" in (await until_status(running.port, 0, "IDLE"))["reason"]

    asyncio.run(scenario())


@pytest.mark.process
def test_an_instance_that_never_runs_is_ended_with_a_reason(tmp_path: Path, started: Started) -> None:
    from openspace_server.render_host.settings import Timings

    async def scenario() -> None:
        async with host(tmp_path, timings=Timings(start=1.5, stop=0.5)) as running:
            await command(running.port, {"command": "START", "session": "hang"})
            assert (await status(running.port, 0))["status"] == "INITIALIZING"
            found = await until_status(running.port, 0, "IDLE")
            assert found["reason"].startswith("not running within 1.5 s")
            assert not started()

    asyncio.run(scenario())


@pytest.mark.process
def test_an_instance_that_ignores_everything_is_killed(tmp_path: Path, started: Started) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            await start_running(running.port, "deaf")
            await command(running.port, {"command": "STOP", "id": 0})
            assert (await status(running.port, 0))["status"] == "DEINITIALIZING"
            assert (await command(running.port, {"command": "STOP", "id": 0}))["error"] == "none"
            resize = {"command": "RESOLUTION", "id": 0, "width": 640, "height": 480}
            assert (await command(running.port, resize))["error"] == "not running"
            await until_status(running.port, 0, "IDLE")
            assert not started()

    asyncio.run(scenario())


@pytest.mark.process
def test_what_an_instance_started_goes_with_it(tmp_path: Path, started: Started) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            for how in (signal.SIGKILL, None):
                await start_running(running.port, "parent")
                family = started(recursive=True)
                assert len(family) == 2
                if how is None:
                    await command(running.port, {"command": "STOP", "id": 0})
                else:
                    started()[0].send_signal(how)
                await until_status(running.port, 0, "IDLE")
                await until(lambda gone=family: not alive(gone), "all gone")

    asyncio.run(scenario())


@pytest.mark.process
def test_rubbish_from_an_instance_is_ignored(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            await start_running(running.port, "noise")

    asyncio.run(scenario())


def test_old_logs_are_deleted(tmp_path: Path) -> None:
    from openspace_server.render_host.logs import KEPT, new_log

    for _ in range(KEPT + 5):
        newest = new_log(tmp_path / "logs", 3)
    kept = list((tmp_path / "logs").iterdir())
    assert len(kept) == KEPT
    assert newest in kept
