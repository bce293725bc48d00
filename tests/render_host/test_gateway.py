"""The gateway: which viewers it admits, and what reaches the other side."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import psutil
import pytest
import websockets

from openspace_server.protocols.signaling import Join
from openspace_server.render_host.gateway import MAX_PENDING
from openspace_server.render_host.settings import Timings
from openspace_server.render_host.slots import Slot
from openspace_server.sockets.endpoints import ClientEndpoint
from tests.helpers import until
from tests.render_host.helpers import WAIT, command, host, start_running, until_status

SECRET = {"additional_headers": {"Authorization": "Bearer sesame"}}


def dial(port: int, channel: str = "bulk", **options: Any) -> Any:
    return websockets.connect(f"ws://127.0.0.1:{port}/{channel}", compression=None, max_size=None, **options)


def join(session: str, **more: Any) -> str:
    return json.dumps({"type": "join", "session": session, "role": "viewer", "viewer": "v1", **more})


UPGRADE = (
    b"GET /bulk HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def masked_frame(text: bytes) -> bytes:
    """A short text message of a client, with a mask of zeros."""
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text


async def refusal(socket: Any, first: str | bytes) -> tuple[str, int]:
    """The reason sent in answer to ``first``, and the code the socket then closes with."""
    await socket.send(first)
    reason = await asyncio.wait_for(socket.recv(), WAIT)
    await asyncio.wait_for(socket.wait_closed(), WAIT)
    return (json.loads(reason)["reason"] if reason.startswith("{") else reason), socket.close_code


@pytest.mark.process
@pytest.mark.parametrize("channel", ["", "signaling", "bulk", "media"])
def test_a_viewer_with_the_token_reaches_its_instance(tmp_path: Path, channel: str) -> None:
    async def scenario() -> None:
        async with host(tmp_path, secret="sesame") as running:
            start = {"command": "START", "session": "mine", "token": "t0ken"}
            assert (await command(running.port, start, **SECRET))["error"] == "none"
            await until(lambda: running.slots[0].state == "RUNNING", "RUNNING")
            async with dial(running.gateway_port, channel) as socket:
                await socket.send(join("mine", token="t0ken"))
                passed_on = json.loads(await socket.recv())
                assert passed_on == {"type": "join", "session": "mine", "role": "viewer", "viewer": "v1"}
                await socket.send("text")
                await socket.send(b"\x00binary")
                assert [await socket.recv(), await socket.recv()] == ["text", b"\x00binary"]

    asyncio.run(scenario())


@pytest.mark.process
@pytest.mark.parametrize(
    ("first", "reason", "code"),
    [
        (join("other", token="t0ken"), "unknown session or wrong token", 4401),
        (join("mine", token="t0kem"), "unknown session or wrong token", 4401),
        (join("mine", token="\udcff"), "unknown session or wrong token", 4401),
        (join("mine"), "unknown session or wrong token", 4401),
        ('{"type": "offer", "sdp": ""}', "expected join as the first message, got 'offer'", 4400),
        ("hello", "json decode error", 4400),
        (b"\x00", "expected join as the first message, got a binary frame", 4400),
    ],
)
def test_who_is_refused_learns_why(tmp_path: Path, first: str | bytes, reason: str, code: int) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            await start_running(running.port, "mine", token="t0ken")
            async with dial(running.gateway_port) as socket:
                assert await refusal(socket, first) == (reason, code)

    asyncio.run(scenario())


@pytest.mark.process
def test_a_session_started_without_token_is_open_only_on_a_host_without_secret(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            await start_running(running.port, "mine")
            async with dial(running.gateway_port) as socket:
                await socket.send(join("mine"))
                assert json.loads(await socket.recv())["session"] == "mine"
        async with host(tmp_path, secret="sesame") as running:
            await command(running.port, {"command": "START", "session": "mine"}, **SECRET)
            async with dial(running.gateway_port) as socket:
                assert (await refusal(socket, join("mine", token="")))[1] == 4401

    asyncio.run(scenario())


@pytest.mark.process
@pytest.mark.parametrize("token", ["t0ken", None])
def test_only_a_token_proves_that_the_orchestrator_joins(tmp_path: Path, token: str | None) -> None:
    async def scenario() -> None:
        proof = {} if token is None else {"token": token}
        async with host(tmp_path) as running:
            await start_running(running.port, "mine", **proof)
            async with dial(running.gateway_port) as socket:
                await socket.send(join("mine", observer=True, **proof))
                assert ("observer" in json.loads(await socket.recv())) is (token is not None)

    asyncio.run(scenario())


@pytest.mark.process
def test_an_instance_that_does_not_run_yet_is_told_as_such(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            await command(running.port, {"command": "START", "session": "hang"})
            async with dial(running.gateway_port) as socket:
                assert await refusal(socket, join("hang")) == ("the instance is not running: INITIALIZING", 4409)

    asyncio.run(scenario())


def test_unknown_channels_browsers_and_silence_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        own = frozenset({"https://hub.example"})
        async with host(tmp_path, allowed_origins=own, timings=Timings(stop=0.5, join=0.3)) as running:
            async with dial(running.gateway_port, "shell") as socket:
                assert (await refusal(socket, join("x")))[0] == "channel shell is not supported"
            with pytest.raises(websockets.InvalidStatus):
                await dial(running.gateway_port, origin="https://evil.example")
            await (await dial(running.gateway_port, origin="https://hub.example")).close()
            async with dial(running.gateway_port) as socket:
                assert json.loads(await asyncio.wait_for(socket.recv(), WAIT))["reason"] == "no join in time"
            async with dial(running.gateway_port) as socket:
                await socket.send("x" * 100_000)
                with pytest.raises(websockets.ConnectionClosed):
                    await socket.recv()
            await until(lambda: not running.gateway.tasks and not running.gateway.pending, "no relay left")

    asyncio.run(scenario())


def test_the_oldest_silent_socket_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openspace_server.render_host.gateway.MAX_PENDING", 3)

    async def scenario() -> None:
        async with host(tmp_path, timings=Timings(join=60, stop=0.5)) as running:
            sockets = [await dial(running.gateway_port) for _ in range(5)]
            for socket in sockets[:2]:
                await asyncio.wait_for(socket.wait_closed(), WAIT)
                assert (socket.close_code, socket.close_reason) == (4400, "no join in time")
            assert len(running.gateway.pending) == 3
            assert await refusal(sockets[2], join("x")) == ("unknown session or wrong token", 4401)
            for socket in sockets[3:]:
                socket.transport.abort()
            await until(lambda: not running.gateway.pending and not running.gateway.unproven, "room again")

    asyncio.run(scenario())


@pytest.mark.process
def test_silent_strangers_keep_nobody_with_a_token_out(tmp_path: Path) -> None:
    streams: list[asyncio.StreamWriter] = []

    async def scenario() -> None:
        async with host(tmp_path, secret="sesame", timings=Timings(join=60, stop=0.5)) as running:
            start = {"command": "START", "session": "mine", "token": "t0ken"}
            assert (await command(running.port, start, **SECRET))["error"] == "none"
            await until(lambda: running.slots[0].state == "RUNNING", "RUNNING")
            strangers = [await dial(running.gateway_port) for _ in range(100)]
            for _ in range(100):  # refused, and silent about it
                reader, writer = await asyncio.open_connection("127.0.0.1", running.gateway_port)
                writer.write(UPGRADE + masked_frame(b"x"))
                await asyncio.wait_for(reader.readuntil(b"reason"), WAIT)
                streams.append(writer)
            assert running.gateway.unproven <= MAX_PENDING
            async with dial(running.gateway_port) as socket:
                await socket.send(join("mine", token="t0ken"))
                assert json.loads(await asyncio.wait_for(socket.recv(), WAIT))["type"] == "join"
            for stranger in (*(each.transport for each in strangers), *(each.transport for each in streams)):
                stranger.abort()

    asyncio.run(scenario())


@pytest.mark.process
def test_sockets_with_a_token_take_no_room_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openspace_server.render_host.gateway.MAX_UNPROVEN", 3)

    async def scenario() -> None:
        async with host(tmp_path, secret="sesame", timings=Timings(join=60, stop=0.5)) as running:
            start = {"command": "START", "session": "mine", "token": "t0ken"}
            assert (await command(running.port, start, **SECRET))["error"] == "none"
            await until(lambda: running.slots[0].state == "RUNNING", "RUNNING")
            sockets = [await dial(running.gateway_port)]
            for _ in range(5):
                sockets.append(await dial(running.gateway_port))
                await sockets[-1].send(join("mine", token="t0ken"))
                await asyncio.wait_for(sockets[-1].recv(), WAIT)
            assert running.gateway.unproven == 1
            sockets.extend([await dial(running.gateway_port) for _ in range(2)])
            await until(lambda: running.gateway.unproven == 3, "three without a token")
            with pytest.raises(websockets.InvalidStatus) as refused:
                await dial(running.gateway_port)
            assert refused.value.response.status_code == 503
            for socket in sockets:
                socket.transport.abort()
            await until(lambda: not running.gateway.unproven and not running.gateway.tasks, "room again")

    asyncio.run(scenario())


@pytest.mark.process
def test_sockets_with_a_token_leave_room_for_others_while_their_instance_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openspace_server.render_host.gateway.MAX_PENDING", 3)
    reached: list[str] = []

    async def connect_slowly(slot: Slot, channel: str, join: Join) -> ClientEndpoint:
        reached.append(join.viewer)
        return await asyncio.Future[ClientEndpoint]()

    monkeypatch.setattr("openspace_server.render_host.gateway._connect", connect_slowly)

    async def scenario() -> None:
        async with host(tmp_path) as running:
            await start_running(running.port, "mine")
            sockets = [await dial(running.gateway_port) for _ in range(3)]
            for socket in sockets:
                await socket.send(join("mine"))
            await until(lambda: len(reached) == 3, "the joins on their way to the instance")
            await (await dial(running.gateway_port)).close()
            for socket in sockets:
                socket.transport.abort()

    asyncio.run(scenario())


@pytest.mark.process
def test_large_frames_pass_whole_and_closing_goes_both_ways(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            await start_running(running.port, "mine")
            async with dial(running.gateway_port) as socket:
                await socket.send(join("mine"))
                await socket.recv()
                points = bytes(range(256)) * 40_000
                await socket.send(points)
                assert await socket.recv() == points
                await socket.send("big 60000000")
                assert len(await socket.recv()) == 60_000_000
                await socket.send("bye")
                await asyncio.wait_for(socket.wait_closed(), WAIT)
                assert (socket.close_code, socket.close_reason) == (4123, "as asked")
            await until(lambda: not running.gateway.tasks, "no relay left")

    asyncio.run(scenario())


@pytest.mark.process
def test_viewers_learn_of_their_instance_s_death_and_leave_nothing_when_they_vanish(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            await start_running(running.port, "mine")
            vanishing = await dial(running.gateway_port)
            await vanishing.send(join("mine"))
            await vanishing.send("big 30000000")
            await vanishing.recv()
            vanishing.transport.abort()
            async with dial(running.gateway_port) as socket:
                await socket.send(join("mine"))
                await socket.recv()
                await socket.send("die")
                await asyncio.wait_for(socket.wait_closed(), WAIT)
                assert socket.close_code == 1011
            await until_status(running.port, 0, "IDLE")
            await until(lambda: not running.gateway.tasks, "no relay left")

    asyncio.run(scenario())


@pytest.mark.process
def test_a_viewer_that_does_not_read_slows_its_instance_instead_of_filling_memory(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            await start_running(running.port, "mine")
            before = psutil.Process().memory_info().rss
            async with dial(running.gateway_port, max_queue=1) as lazy, dial(running.gateway_port) as keen:
                for socket in (lazy, keen):
                    await socket.send(join("mine"))
                    await socket.recv()
                for _ in range(100):
                    await lazy.send("big 4000000")
                for _ in range(20):
                    await keen.send("big 4000000")
                    await asyncio.wait_for(keen.recv(), WAIT)
                assert psutil.Process().memory_info().rss - before < 150_000_000
                lazy.transport.abort()

    asyncio.run(scenario())


@pytest.mark.process
def test_the_end_of_the_host_closes_viewers(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            await start_running(running.port, "mine")
            joined, waiting = await dial(running.gateway_port), await dial(running.gateway_port)
            await joined.send(join("mine"))
            await joined.recv()
            await asyncio.wait_for(running.close(), WAIT)
            for socket in (joined, waiting):
                await asyncio.wait_for(socket.wait_closed(), WAIT)
            assert waiting.close_code in (1001, 4400)

    asyncio.run(scenario())
