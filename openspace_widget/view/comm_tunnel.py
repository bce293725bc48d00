"""Comm tunnel: sockets of a view through the kernel, where its page cannot reach the Jupyter server.

The page opens sockets by messages on the widget's comm; the kernel opens the real ones and forwards what they receive,
frames as binary buffers. Only what a view needs of this one session can be reached. One frame is under way at a time:
the instance sends the next when the page has acknowledged the last (``protocols/media.py``).

Messages, all with ``"road": "openspace"`` and the ``socket`` that the page named: ``{"do": "open", "channel": "events"
| "media"}``, ``{"do": "send", "text"}``, ``{"do": "close"}``; back come ``{"do": "opened"}``,
``{"do": "message", "text"}`` (or one buffer) and ``{"do": "closed", "code", "reason"}``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from typing import Any, Protocol

from tornado.websocket import WebSocketClientConnection, WebSocketClosedError

from openspace_widget.client.event_loop import background
from openspace_widget.client.server import Connection
from openspace_widget.errors import ServerError

log = logging.getLogger(__name__)

CHANNELS = ("events", "media")
MAX_SOCKETS = 16
MAX_TEXT = 64 * 1024
SILENCE = 60.0
"""Seconds without a message after which a page counts as gone; while a cell runs, some front ends delay messages."""
UNREACHED, UNKNOWN = 1011, 4404


class View(Protocol):
    """The part of the widget that is used."""

    def send(self, content: Any, buffers: Any = None) -> None: ...

    def on_msg(self, callback: Any, remove: bool = False) -> None: ...


class CommTunnel:
    """The sockets that pages have opened through one widget, whose callback keeps this."""

    def __init__(self, widget: View, connection: Connection, session: str) -> None:
        self._widget = weakref.ref(widget)
        self._connection = connection
        self._session = session
        self._sockets: dict[str, _Socket] = {}
        widget.on_msg(self._on_message)

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Called on the thread of the front end's messages."""
        if isinstance(content, dict) and content.get("road") == "openspace":
            background().loop.call_soon_threadsafe(self._act, content)

    def _act(self, content: dict[str, Any]) -> None:
        name, do = content.get("socket"), content.get("do")
        if not isinstance(name, str) or len(name) > 64:
            return
        socket = self._sockets.get(name)
        if do == "open" and socket is None:
            channel = content.get("channel")
            if channel not in CHANNELS or len(self._sockets) >= MAX_SOCKETS:
                self.send(name, do="closed", code=UNREACHED, reason="this cannot be opened through the kernel")
                return
            self._sockets[name] = _Socket(self, name, f"sessions/{self._session}/{channel}")
        elif do == "send" and socket is not None and isinstance(text := content.get("text"), str):
            if len(text) <= MAX_TEXT:
                socket.send(text)
        elif do == "close" and socket is not None:
            socket.close()

    async def connect(self, path: str) -> WebSocketClientConnection:
        return await self._connection.websocket(path)

    def send(self, socket: str, buffer: bytes | None = None, **message: Any) -> None:
        widget = self._widget()
        if widget is not None:
            buffers = None if buffer is None else [buffer]
            widget.send({"road": "openspace", "socket": socket, **message}, buffers)

    def forget(self, socket: str) -> None:
        self._sockets.pop(socket, None)


class _Socket:
    """One socket of a page, from its opening to its end, on the background loop."""

    def __init__(self, tunnel: CommTunnel, name: str, path: str) -> None:
        self._tunnel = tunnel
        self._name = name
        self._waiting: asyncio.Queue[str] = asyncio.Queue(maxsize=1000)
        self._received_at = asyncio.get_running_loop().time()
        self._end = 1000, ""
        self._task = asyncio.create_task(self._serve(path), name=f"{path} through the comm")
        self._task.add_done_callback(self._on_end)

    def send(self, text: str) -> None:
        self._received_at = asyncio.get_running_loop().time()
        with contextlib.suppress(asyncio.QueueFull):  # so many only wait when the instance hangs
            self._waiting.put_nowait(text)

    def close(self) -> None:
        self._task.cancel()

    async def _serve(self, path: str) -> None:
        connection: WebSocketClientConnection | None = None
        helpers: list[asyncio.Task[None]] = []
        try:
            connection = await self._tunnel.connect(path)
            self._tunnel.send(self._name, do="opened")
            helpers = [asyncio.create_task(self._write(connection)), asyncio.create_task(self._watch(connection))]
            while (message := await connection.read_message()) is not None:
                if isinstance(message, bytes):
                    self._tunnel.send(self._name, message, do="message")
                else:
                    self._tunnel.send(self._name, do="message", text=message)
            self._end = connection.close_code or UNREACHED, connection.close_reason or ""
        except ServerError as problem:
            # As the page's own socket would be refused: the page decides what to do.
            self._end = (UNKNOWN if problem.status == 404 else UNREACHED), str(problem)
        finally:
            for helper in helpers:
                helper.cancel()
            if connection is not None:
                connection.close()

    def _on_end(self, task: asyncio.Task[None]) -> None:
        """Also called when it was closed before it had begun."""
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=problem)
            self._end = UNREACHED, "the kernel could not carry it"
        code, reason = self._end
        self._tunnel.forget(self._name)
        self._tunnel.send(self._name, do="closed", code=code, reason=reason)

    async def _write(self, connection: WebSocketClientConnection) -> None:
        with contextlib.suppress(WebSocketClosedError):
            while True:
                await connection.write_message(await self._waiting.get())

    async def _watch(self, connection: WebSocketClientConnection) -> None:
        while True:
            silent = asyncio.get_running_loop().time() - self._received_at
            if silent >= SILENCE:
                connection.close()
                return
            await asyncio.sleep(SILENCE - silent)
