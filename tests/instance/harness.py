"""A real instance process, and viewers of it: bulk and media sockets, aiortc peers. Every wait has a timeout."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from openspace_server.protocols import arrays
from openspace_server.protocols.media import MediaHeader, decode_media

ROOT = Path(__file__).parents[2]
SECRET = "a secret for the tests"
TIMEOUT = 15.0
MEASURED = "COVERAGE_PROCESS_CONFIG" in os.environ
"""Coverage is measured: a process that is killed keeps no account of it."""


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Run one test's coroutine, at most a minute."""
    asyncio.run(asyncio.wait_for(scenario, 60))


async def soon(coroutine: Any, timeout: float = TIMEOUT) -> Any:
    return await asyncio.wait_for(coroutine, timeout)


class Process:
    """An instance as seen by its host."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.port = 0

    @property
    def stdin(self) -> asyncio.StreamWriter:
        assert self.process.stdin is not None
        return self.process.stdin

    def send(self, **message: Any) -> None:
        self.stdin.write(json.dumps(message).encode() + b"\n")

    async def event(self) -> dict[str, Any]:
        """The next event but ``api``, whose time varies."""
        assert self.process.stdout is not None
        line = await soon(self.process.stdout.readline())
        assert line, "the instance ended"
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "listening":
            self.port = event["port"]
        return await self.event() if event["event"] == "api" else event

    async def wait_event(self, name: str) -> dict[str, Any]:
        """The next event called ``name``; others are dropped."""
        while (event := await self.event())["event"] != name:
            pass
        return event

    async def wait_exit(self) -> int:
        code: int = await soon(self.process.wait())
        return code

    def descriptors(self) -> int:
        """How many files and sockets the process has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))


@contextlib.asynccontextmanager
async def spawned(
    engine: str = "MovingEngine", env: dict[str, str] | None = None, **more: Any
) -> AsyncIterator[Process]:
    """A started process that has its configuration and is killed in the end."""
    environment = (
        os.environ | {"PYTHONPATH": f"{ROOT / 'server_ext'}:{ROOT}", "OPENSPACE_TEST_ENGINES": "1"} | (env or {})
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "openspace_server.instance",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    instance = Process(process)
    configuration = {
        "id": 0,
        "engine": f"tests.instance.engines:{engine}" if engine.endswith("Engine") and ":" not in engine else engine,
        "width": 640,
        "height": 360,
        "frame_rate": 30,
        "bit_rate": None,
        "api_port": 0,
        "session": "s",
        "secret": SECRET,
        "stamp": False,
    }
    instance.send(**configuration | more)
    try:
        yield instance
    finally:
        if MEASURED and process.stdin is not None and process.returncode is None:
            process.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 5)
        if process.returncode is None:
            process.kill()
        await process.communicate()  # which empties the pipes: a full one would hide its end


@contextlib.asynccontextmanager
async def running(engine: str = "MovingEngine", **more: Any) -> AsyncIterator[Process]:
    """A process that is listening and has drawn."""
    async with spawned(engine, **more) as instance:
        assert (await instance.event())["event"] == "listening"
        assert (await instance.event())["event"] == "running"
        yield instance


async def socket(instance: Process, channel: str, secret: str = SECRET) -> WebSocketClientConnection:
    request = HTTPRequest(f"ws://127.0.0.1:{instance.port}/{channel}", headers={"Authorization": f"Bearer {secret}"})
    connection: WebSocketClientConnection = await soon(websocket_connect(request, max_message_size=2**30))
    return connection


def join_message(role: str = "controller", viewer: str = "test") -> str:
    """``role`` may also be ``guest``: a controller who is not the owner."""
    join = {"type": "join", "session": "s", "viewer": viewer, "owner": role == "controller"}
    return json.dumps({**join, "role": "controller" if role == "guest" else role})


class ViewerClient:
    """A viewer's ``control`` channel: answers by request id, and unrequested messages by type."""

    def __init__(self) -> None:
        self.inbox: list[dict[str, Any] | bytes] = []
        self.arrived = asyncio.Condition()
        self.next_id = 1

    def send_text(self, text: str) -> None:
        raise NotImplementedError

    async def take(self, fits: Callable[[Any], bool], timeout: float = TIMEOUT) -> Any:
        """The first message, received already or not, that ``fits``; it is removed."""

        async def wait() -> Any:
            async with self.arrived:
                while True:
                    for message in self.inbox:
                        if fits(message):
                            self.inbox.remove(message)
                            return message
                    await self.arrived.wait()

        return await soon(wait(), timeout)

    async def message(self, type: str, **fields: Any) -> dict[str, Any]:
        """The first message of ``type`` with these ``fields``."""
        message: dict[str, Any] = await self.take(
            lambda m: isinstance(m, dict) and m["type"] == type and all(m.get(k) == v for k, v in fields.items())
        )
        return message

    def request(self, verb: str, **arguments: Any) -> int:
        id, self.next_id = self.next_id, self.next_id + 1
        self.send_text(json.dumps({"type": "request", "id": id, "verb": verb, "arguments": arguments}))
        return id

    async def answer(self, id: int, timeout: float = TIMEOUT) -> Any:
        """The result, or the reason of an error as a string after ``error: ``."""
        message = await self.take(lambda m: isinstance(m, dict) and m.get("id") == id, timeout)
        return message["result"] if message["type"] == "reply" else f"error: {message['reason']}"

    async def ask(self, verb: str, **arguments: Any) -> Any:
        return await self.answer(self.request(verb, **arguments))

    async def _received(self, message: str | bytes) -> None:
        async with self.arrived:
            self.inbox.append(json.loads(message) if isinstance(message, str) else message)
            self.arrived.notify_all()


class Bulk(ViewerClient):
    """A headless viewer."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        super().__init__()
        self.connection = connection
        self.reading = asyncio.ensure_future(self._read())

    def send_text(self, text: str) -> None:
        self.connection.write_message(text)

    async def frame(self) -> tuple[dict[str, Any], np.ndarray]:
        id = self.request("frame")
        message = await self.take(lambda m: isinstance(m, bytes) and arrays.decode(m)[0]["request"] == id)
        return arrays.decode(message)

    async def _read(self) -> None:
        while (message := await self.connection.read_message()) is not None:
            await self._received(message)


@contextlib.asynccontextmanager
async def bulk(instance: Process, role: str = "controller", viewer: str = "test") -> AsyncIterator[Bulk]:
    connection = await socket(instance, "bulk")
    connection.write_message(join_message(role, viewer))
    talking = Bulk(connection)
    try:
        yield talking
    finally:
        connection.close()
        talking.reading.cancel()


class Media(Bulk):
    """A viewer over the media socket. ``frames`` are headers and data, in order of arrival."""

    def __init__(self, connection: WebSocketClientConnection, acks: bool) -> None:
        self.frames: list[tuple[MediaHeader, bytes]] = []
        self.acks = acks
        self.seq = 0
        super().__init__(connection)

    def request_media(self, mode: str, format: str = "jpeg") -> None:
        self.send_text(json.dumps({"type": "media", "mode": mode, "format": format}))

    def acknowledge(self, number: int) -> None:
        self.send_text(json.dumps({"type": "ack", "number": number}))

    def steer(self, held: bool = True, seq: int | None = None, **axes: float) -> None:
        self.seq = self.seq + 1 if seq is None else seq
        self.send_text(json.dumps({"type": "input", "seq": self.seq, "held": held, "axes": axes}))

    async def next_frame(self) -> tuple[MediaHeader, bytes]:
        """The first frame not taken yet."""

        async def wait() -> tuple[MediaHeader, bytes]:
            async with self.arrived:
                await self.arrived.wait_for(lambda: self.frames)
                return self.frames.pop(0)

        header, data = await soon(wait())
        return header, data

    async def _received(self, message: str | bytes) -> None:
        if isinstance(message, str):
            return await super()._received(message)
        async with self.arrived:
            self.frames.append(decode_media(message))
            if self.acks:
                with contextlib.suppress(WebSocketClosedError):  # the instance has disconnected this viewer
                    self.acknowledge(self.frames[-1][0].number)
            self.arrived.notify_all()
        return None


@contextlib.asynccontextmanager
async def media(
    instance: Process, role: str = "controller", mode: str = "h264", format: str = "jpeg", acks: bool = True
) -> AsyncIterator[Media]:
    """A viewer over the media socket that has requested ``mode``; it acknowledges at once if ``acks``."""
    connection = await socket(instance, "media")
    connection.write_message(join_message(role))
    viewer = Media(connection, acks)
    viewer.request_media(mode, format)
    try:
        yield viewer
    finally:
        connection.close()
        viewer.reading.cancel()


class Peer(ViewerClient):
    """A WebRTC viewer. ``frames`` are the decoded ones, in order of arrival."""

    def __init__(self, signaling: WebSocketClientConnection) -> None:
        super().__init__()
        self.signaling = signaling
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.offer = ""
        self.channels: dict[str, Any] = {}
        self.frames: list[av.VideoFrame] = []
        self.seq = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.connection.on("datachannel", self._opened)
        self.connection.on("track", lambda track: self._start(self._watch(track)))

    def send_text(self, text: str) -> None:
        self.channels["control"].send(text)

    def steer(self, held: bool = True, seq: int | None = None, **axes: float) -> None:
        self.seq = self.seq + 1 if seq is None else seq
        self.channels["input"].send(json.dumps({"type": "input", "seq": self.seq, "held": held, "axes": axes}))

    async def connect(
        self, change: Callable[[str], str] = lambda sdp: sdp, changed: Callable[[str], str] = lambda sdp: sdp
    ) -> None:
        """Answer the offer; ``changed`` is applied to its SDP, ``change`` to the answer's."""
        message = json.loads(await soon(self.signaling.read_message()))
        assert message["type"] == "offer", message
        self.offer = message["sdp"]
        await self.connection.setRemoteDescription(RTCSessionDescription(changed(self.offer), "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        sdp = change(self.connection.localDescription.sdp)
        self.signaling.write_message(json.dumps({"type": "answer", "sdp": sdp}))

    async def next_frame(self, fits: Callable[[av.VideoFrame], bool] = lambda frame: True) -> av.VideoFrame:
        """The first decoded frame not taken yet that ``fits``."""

        async def wait() -> av.VideoFrame:
            async with self.arrived:
                while True:
                    while self.frames:
                        frame = self.frames.pop(0)
                        if fits(frame):
                            return frame
                    await self.arrived.wait()

        frame: av.VideoFrame = await soon(wait())
        return frame

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.connection.close()
        self.signaling.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _opened(self, channel: Any) -> None:
        self.channels[channel.label] = channel
        if channel.label == "control":
            channel.on("message", lambda message: self._start(self._received(message)))

    async def _watch(self, track: Any) -> None:
        with contextlib.suppress(Exception):
            while True:
                frame = await track.recv()
                async with self.arrived:
                    self.frames.append(frame)
                    self.arrived.notify_all()


@contextlib.asynccontextmanager
async def peer(instance: Process, role: str = "controller", **options: Any) -> AsyncIterator[Peer]:
    """A WebRTC viewer that has answered the offer."""
    signaling = await socket(instance, "signaling")
    signaling.write_message(join_message(role))
    viewer = Peer(signaling)
    try:
        await viewer.connect(**options)
        yield viewer
    finally:
        await viewer.close()
