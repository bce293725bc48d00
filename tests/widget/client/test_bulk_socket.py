"""Bulk sockets against a server that misbehaves: pending requests get the reason, and the next socket works."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

from openspace_server.protocols import arrays
from openspace_server.protocols.shared_memory import ANSWERS, OfferedMemory, SharedMemoryUnavailable
from openspace_widget import OpenSpace
from openspace_widget.client.bulk_socket import BulkSocket
from openspace_widget.client.event_loop import background
from openspace_widget.errors import SessionError
from tests.instance.harness import run

Say = Callable[[str | bytes], None]
Script = Callable[[dict[str, Any], Say], None]
PIXELS = np.arange(12, dtype="u1").reshape(2, 2, 3)


class Instance(WebSocketHandler):
    """Answers each request with what ``script`` says."""

    def initialize(self, script: Script) -> None:
        self._script = script

    def on_message(self, message: str | bytes) -> None:
        self._script(json.loads(message), lambda said: self.write_message(said, binary=isinstance(said, bytes)))


@asynccontextmanager
async def connected(script: Script) -> AsyncIterator[tuple[BulkSocket, asyncio.Task[str]]]:
    """A bulk socket that is read, and the task whose result is why it closed."""
    server = HTTPServer(Application([("/", Instance, {"script": script})]))
    (bound, *_) = sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    bulk = BulkSocket(await websocket_connect(f"ws://127.0.0.1:{bound.getsockname()[1]}/"), lambda event: None)
    reading = asyncio.create_task(bulk.read())
    try:
        yield bulk, reading
    finally:
        bulk.close()
        await asyncio.wait([reading], timeout=10)
        server.stop()


class Sharing:
    """An instance that shares memory and answers ``frame`` through it."""

    def __init__(self) -> None:
        self.memory = OfferedMemory()
        self.slots: list[int | None] = []

    def __call__(self, request: dict[str, Any], say: Say) -> None:
        asked, number = request["arguments"], request["id"]
        if request["verb"] == "share_memory":
            result: Any = {"shared": self.memory.prove(asked["proof"])} if "proof" in asked else None
            say(json.dumps({"type": "reply", "id": number, "result": result or {"path": str(self.memory.path)}}))
            return
        self.slots.append(asked.get("slot"))
        message = arrays.encode(PIXELS, "frame", request=number)
        say(self.memory.put(asked["slot"], number, message) if asked.get("slot") is not None else message)


@pytest.fixture
def sharing() -> Sharing:
    try:
        return Sharing()
    except SharedMemoryUnavailable as problem:
        pytest.skip(str(problem))


async def shared(bulk: BulkSocket) -> None:
    """Ask for frames until one comes through memory."""
    async with asyncio.timeout(10):
        while bulk.rate != float("inf"):
            await bulk.ask("frame", {}, 10, arrays=True)


def test_a_request_that_cannot_be_sent_costs_no_slot(sharing: Sharing) -> None:
    async def scenario() -> None:
        async with connected(sharing) as (bulk, _):
            await shared(bulk)
            for _ in range(2 * len(ANSWERS)):
                with pytest.raises(TypeError):
                    await bulk.ask("frame", {"camera": np.zeros(3)}, 10, arrays=True)
            for _ in range(2 * len(ANSWERS)):
                ((_, pixels),) = await bulk.ask("frame", {}, 10, arrays=True)
                assert np.array_equal(pixels, PIXELS)
            assert None not in sharing.slots[-2 * len(ANSWERS) :]

    run(scenario())


def test_what_cannot_be_read_ends_the_socket_with_the_reason() -> None:
    async def scenario() -> None:
        for nonsense in (b"nonsense", b"OSP1" + bytes(3)):
            async with connected(lambda request, say, said=nonsense: say(said)) as (bulk, reading):
                waiting = asyncio.create_task(bulk.ask("frame", {}, 10))
                reason = await asyncio.wait_for(reading, 10)
                assert "cannot be read" in reason
                bulk.fail(reason)
                with pytest.raises(SessionError, match="cannot be read"):
                    await waiting
                with pytest.raises(SessionError, match="cannot be read"):
                    await bulk.ask("state", {}, 10)

    run(scenario())


def test_a_notice_of_memory_that_is_not_shared_is_ignored() -> None:
    async def scenario() -> None:
        def script(request: dict[str, Any], say: Say) -> None:
            say(b"OSM1" + bytes(16))
            say(json.dumps({"type": "reply", "id": request["id"], "result": "still here"}))

        async with connected(script) as (bulk, _):
            assert await bulk.ask("state", {}, 10) == "still here"

    run(scenario())


def test_a_call_right_after_the_connection_was_lost_is_not_hurt_by_that_loss(space: OpenSpace) -> None:
    session = space._client.session
    space.frame()
    lost = session._bulk
    assert lost is not None

    async def lose() -> None:
        lost.close()
        while session._bulk is lost:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    background().run(lose())
    assert space.frame().shape == (180, 320, 3)
    new = session._bulk
    background().run(session.wait_not_running(4.5))  # until the loss has been dealt with
    assert space.frame().shape == (180, 320, 3)
    assert session._bulk is new
