"""A server with a draw thread of its own, and plain clients of both transports."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from tornado.websocket import WebSocketClientConnection, websocket_connect

from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api import ApiServer, ApiSettings
from tests.engines.fake_engine import FakeSceneEngine
from tests.handover import Handover

T = TypeVar("T")
PATIENCE = 10.0
HANDSHAKE = {"type": "apiHandshake", "apiVersion": {"major": 1, "minor": 0, "patch": 0}}


class DrawThread(Handover):
    """Draws up to 30 times a second."""

    def __init__(self, engine: FakeSceneEngine) -> None:
        super().__init__(engine)
        self.before_draw: Callable[[float], None] = lambda now: None
        self.stopping = False
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.stopping = True
        self.commands.put(lambda now: None)
        self._thread.join(PATIENCE)

    def _main(self) -> None:
        self._engine.open(64, 36)
        drawn = 0.0
        while not self.stopping:
            with suppress(queue.Empty):
                self.commands.get(timeout=1 / 30)(time.monotonic())
            now = time.monotonic()
            if now - drawn >= 1 / 30:
                self.before_draw(now)
                self._engine.draw(now)
                drawn = now


class Api:
    """A running server, and what is behind it."""

    def __init__(self, server: ApiServer, script_host: ScriptHost, engine: FakeSceneEngine, thread: DrawThread) -> None:
        self.server, self.script_host, self.engine, self.thread = server, script_host, engine, thread
        self.port = server.listen(0)
        self.tcp_port = server.listen_tcp(0)

    async def on_script_host(self, command: Callable[[ScriptHost], T]) -> T:
        return await self.thread.call(lambda engine, now: command(self.script_host.at(now)))

    async def client(self, kind: str = "1.0", transport: str = "ws") -> Client:
        link: Link = await (WebSocketLink.open(self.port) if transport == "ws" else TcpLink.open(self.tcp_port))
        client = Client(link, legacy=kind == "legacy")
        if kind == "1.0":
            await link.send(json.dumps(HANDSHAKE))
        return client


@asynccontextmanager
async def api(tmp: Path | None = None, **settings: Any) -> AsyncIterator[Api]:
    engine = FakeSceneEngine()
    thread = DrawThread(engine)
    script_host = ScriptHost(engine, tmp)
    thread.before_draw = script_host.advance
    server = ApiServer(thread, script_host, ApiSettings(**settings))
    try:
        yield Api(server, script_host, engine, thread)
    finally:
        await server.close()
        thread.stop()
        script_host.close()


class Link:
    async def send(self, text: str) -> None:
        raise NotImplementedError

    async def receive(self) -> str | None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class WebSocketLink(Link):
    def __init__(self, connection: WebSocketClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, port: int) -> WebSocketLink:
        return cls(await websocket_connect(f"ws://127.0.0.1:{port}/any/path", max_message_size=64 * 1024 * 1024))

    async def send(self, text: str) -> None:
        await self._connection.write_message(text)

    async def receive(self) -> str | None:
        message = await self._connection.read_message()
        return message if message is None or isinstance(message, str) else message.decode()

    def close(self) -> None:
        self._connection.close()


class TcpLink(Link):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> TcpLink:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=64 * 1024 * 1024))

    async def send(self, text: str) -> None:
        self.writer.write(text.encode() + b"\n")
        await self.writer.drain()

    async def receive(self) -> str | None:
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        assert line.isascii()
        return line.decode() or None

    def close(self) -> None:
        self.writer.close()


class Client:
    """Sorts messages by topic."""

    def __init__(self, link: Link, legacy: bool) -> None:
        self.link, self.legacy = link, legacy
        self._queues: dict[int, asyncio.Queue[Any]] = {}
        self._next = 0
        self.gone = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while (text := await self.link.receive()) is not None:
            message = json.loads(text)
            self._queue(message["topic"]).put_nowait(message.get("payload", message))
        self.gone.set()

    def _queue(self, topic: int) -> asyncio.Queue[Any]:
        return self._queues.setdefault(topic, asyncio.Queue())

    async def start(self, type: str, payload: dict[str, Any]) -> int:
        self._next += 1
        await self.link.send(json.dumps({"topic": self._next, "type": type, "payload": payload}))
        return self._next

    async def send(self, topic: int, payload: dict[str, Any]) -> None:
        await self.link.send(json.dumps({"topic": topic, "payload": payload}))

    async def next(
        self, topic: int, fits: Callable[[Any], bool] = lambda payload: True, patience: float = PATIENCE
    ) -> Any:
        """The next payload of ``topic`` that fits; others are dropped."""
        async with asyncio.timeout(patience):
            while True:
                payload = await self._queue(topic).get()
                if fits(payload):
                    return payload

    async def ask(self, type: str, payload: dict[str, Any]) -> Any:
        return await self.next(await self.start(type, payload))

    async def lua(self, script: str) -> Any:
        return await self.ask("luascript", {"script": script, "return": True})

    async def settled(self) -> None:
        """Everything sent before this has been handled."""
        await self.ask("version", {})

    def nothing_for(self, topic: int) -> bool:
        return self._queue(topic).empty()

    async def close(self) -> None:
        self.link.close()
        await asyncio.wait_for(self.gone.wait(), PATIENCE)
