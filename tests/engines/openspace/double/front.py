"""The ports: open from the start, silent until everything is loaded, read once per frame, and of one dialect only.

Scripts run a frame after they were read."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from tests.engines.openspace.double.dialect import Version

LIMIT = 64 * 1024 * 1024
Say = Callable[[str], Awaitable[None]]


class Front:
    """Passes messages on to our own API server, which listens where :meth:`loaded` says."""

    def __init__(self, version: Version) -> None:
        self._version = version
        self._inner: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._frame = asyncio.Event()
        self._unheard = 0
        self._servers: list[object] = []

    def expecting(self) -> bool:
        """Whether messages wait for this frame, or have just been passed on."""
        return self._unheard > 0

    def tick(self) -> None:
        """A frame begins: what has come in is handled now."""
        self._frame.set()
        self._frame = asyncio.Event()

    def loaded(self, port: int) -> None:
        self._inner.set_result(port)

    async def listen(self, port: int, transport: str) -> None:
        if transport == "tcp":
            self._servers.append(await asyncio.start_server(self._tcp, "127.0.0.1", port, limit=LIMIT))
        else:
            self._servers.append(await serve(self._web_socket, "127.0.0.1", port, compression=None, max_size=LIMIT))

    async def _tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def lines() -> AsyncIterator[str]:
            while (line := await reader.readline()).strip():
                yield line.decode()

        async def say(text: str) -> None:
            writer.write(text.encode() + b"\n")
            await writer.drain()

        with contextlib.suppress(ConnectionError):
            await self._converse(lines(), say)
        writer.close()

    async def _web_socket(self, socket: ServerConnection) -> None:
        async def messages() -> AsyncIterator[str]:
            async for message in socket:
                assert isinstance(message, str)
                yield message

        with contextlib.suppress(websockets.ConnectionClosed):
            await self._converse(messages(), socket.send)

    async def _converse(self, categories: AsyncIterator[str], say: Say) -> None:
        port = await asyncio.shield(self._inner)
        types: dict[int, str] = {}
        inbox: asyncio.Queue[str | None] = asyncio.Queue()
        async with connect(f"ws://127.0.0.1:{port}/", compression=None, max_size=LIMIT) as inner:
            tasks: list[asyncio.Task[None]] = [
                asyncio.create_task(self._answer(inner, say, types)),
                asyncio.create_task(self._collect(categories, inbox)),
            ]
            try:
                batch: deque[str | None] = deque()
                first = True
                while (raw := await self._next(inbox, batch)) is not None:
                    message = json.loads(raw)
                    if first and self._version.shakes_hands and message.get("type") != "apiHandshake":
                        print(f"(E) {'Connection':20} Unsupported API version", flush=True)
                        return
                    first = False
                    if not self._understood(message, types):
                        self._unheard -= 1
                    elif types.get(message.get("topic", 0)) == "luascript":
                        tasks.append(asyncio.create_task(self._pass_on_next_frame(raw, inner)))
                    else:
                        await inner.send(raw)
                        self._unheard -= 1
            finally:
                for task in tasks:
                    task.cancel()

    async def _next(self, inbox: asyncio.Queue[str | None], batch: deque[str | None]) -> str | None:
        """The next message of this frame's ``batch``; of the next frame's when that is done."""
        if not batch:
            batch.append(await inbox.get())
            await self._frame.wait()
            while not inbox.empty():
                batch.append(inbox.get_nowait())
        return batch.popleft()

    async def _pass_on_next_frame(self, raw: str, inner: websockets.asyncio.client.ClientConnection) -> None:
        """Scripts are queued when they are read, and run in the frame after."""
        await self._frame.wait()
        await inner.send(raw)
        self._unheard -= 1

    def _understood(self, message: dict[str, Any], types: dict[int, str]) -> bool:
        type = message.get("type")
        if type == "apiHandshake":
            if not self._version.shakes_hands:
                print(f"(E) {'Connection':20} No topic in message", flush=True)
            return self._version.shakes_hands
        if self._version.refuses(type):
            print(f"(E) {'Connection':20} Unknown topic type {type}", flush=True)
            return False
        if type is not None:
            types[message["topic"]] = type
        return True

    async def _answer(self, inner: websockets.asyncio.client.ClientConnection, say: Say, types: dict[int, str]) -> None:
        async for raw in inner:
            message = json.loads(raw)
            if "payload" in message:
                message["payload"] = self._version.spoken(types.get(message["topic"]), message["payload"])
                if message["payload"] is None:
                    continue
            await say(json.dumps(message))

    async def _collect(self, categories: AsyncIterator[str], inbox: asyncio.Queue[str | None]) -> None:
        with contextlib.suppress(ConnectionError, websockets.ConnectionClosed):
            async for raw in categories:
                self._unheard += 1
                inbox.put_nowait(raw)
        inbox.put_nowait(None)
