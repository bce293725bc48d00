"""Client of OpenSpace's own API, dialect 1.0, over the session's ``api`` WebSocket: topics, Lua, documentation.

It speaks only what OpenSpace itself speaks, so it works with every engine that has an API. All coroutines run on the
background loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

from tornado.websocket import WebSocketClientConnection, WebSocketClosedError

from openspace_widget.client.lua import guarded, plain
from openspace_widget.client.session import LOSS_GRACE, Session
from openspace_widget.errors import LuaError, NotReadyError, ServerError, SessionError

HANDSHAKE = {"type": "apiHandshake", "apiVersion": {"major": 1, "minor": 0, "patch": 0}}
OPENING = 10.0
"""Seconds after which an instance that still refuses has no API."""
MAX_WAITING = 10_000
"""Unread messages kept for one topic; older ones are dropped."""


class Topic:
    """One topic of the API and its unread messages."""

    def __init__(self, connection: _Connection, number: int) -> None:
        self._connection = connection
        self.number = number
        self._messages: deque[Any] = deque(maxlen=MAX_WAITING)
        self._changed = asyncio.Event()
        self._problem: Exception | None = None

    async def next(self) -> Any:
        """The next payload. Raises SessionError when the connection is lost."""
        while not self._messages:
            if self._problem is not None:
                raise self._problem
            self._changed.clear()
            await self._changed.wait()
        return self._messages.popleft()

    async def send(self, payload: dict[str, Any]) -> None:
        await self._connection.send({"topic": self.number, "payload": payload})

    def close(self) -> None:
        """Receive no more messages."""
        self._connection.topics.pop(self.number, None)

    def add(self, payload: Any) -> None:
        self._messages.append(payload)
        self._changed.set()

    def end(self, problem: Exception) -> None:
        self._problem = problem
        self._changed.set()


class _Connection:
    """One WebSocket and its topics."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket
        self.topics: dict[int, Topic] = {}
        self._last = 0
        self.is_open = True

    async def send(self, message: dict[str, Any]) -> None:
        # ASCII only: clients and servers of this protocol split messages between bytes.
        with contextlib.suppress(WebSocketClosedError):  # the reader tells why
            await self._socket.write_message(json.dumps(message))

    async def start(self, type: str, payload: dict[str, Any]) -> Topic:
        self._last += 1
        topic = self.topics[self._last] = Topic(self, self._last)
        await self.send({"topic": topic.number, "type": type, "payload": payload})
        return topic

    async def read(self) -> str:
        """Pass on messages until the socket closes; the reason."""
        reason = "the connection to the instance's OpenSpace API was lost; the next call opens it again"
        while (message := await self._socket.read_message()) is not None:
            with contextlib.suppress(ValueError):
                fields = json.loads(message)
                if fields.get("type") == "error" and "topic" not in fields:
                    reason = str(fields.get("reason"))
                elif (topic := self.topics.get(fields.get("topic"))) is not None:
                    topic.add(fields.get("payload"))
        self.is_open = False
        return reason

    def end(self, problem: Exception) -> None:
        self.is_open = False
        self._socket.close()
        for topic in self.topics.values():
            topic.end(problem)


class OpenSpaceApi:
    """The API of one session, connected on first use and again after a loss."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._connection: _Connection | None = None
        self._log: Topic | None = None
        self._opening = asyncio.Lock()
        self._documentation: list[dict[str, Any]] | None = None

    async def start(self, type: str, payload: dict[str, Any]) -> Topic:
        """Begin a topic. Raises SessionError, NotReadyError."""
        return await (await self._connected()).start(type, payload)

    async def ask(self, type: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        """Begin a topic and wait for its first payload. Raises SessionError, NotReadyError."""
        topic = await self.start(type, payload)
        try:
            async with asyncio.timeout(self._session.timeout if timeout is None else timeout):
                return await topic.next()
        except TimeoutError:
            raise NotReadyError(f"the instance's OpenSpace API did not answer {type!r} in time") from None
        finally:
            topic.close()

    async def follow(self, type: str, payload: dict[str, Any], stop: dict[str, Any]) -> AsyncGenerator[Any, None]:
        """All payloads of a topic, until the generator is closed."""
        topic = await self.start(type, payload)
        try:
            while True:
                yield await topic.next()
        finally:
            topic.close()
            await topic.send(stop)

    # ---- what is asked most

    async def lua(self, script: str, timeout: float | None = None) -> Any:
        """Run a script: None, its value, or the tuple of its values.

        Raises:
            LuaError: it does not compile or failed.
        """
        answer = await self.ask("luascript", {"script": guarded(script), "return": True}, timeout)
        values = [plain(answer.get(str(i))) for i in range(1, 1 + max((int(key) for key in answer), default=0))]
        if not values:
            raise LuaError(await self._complaint(), script)
        if values[0] is not True:
            raise LuaError(str(values[1] if len(values) > 1 else "the script failed without a message"), script)
        results = values[1:]
        return None if not results else results[0] if len(results) == 1 else tuple(results)

    async def documentation(self) -> list[dict[str, Any]]:
        """The libraries of Lua functions, as the instance itself describes them."""
        if self._documentation is None:
            self._documentation = list(await self.ask("documentation", {"type": "lua"}))
        return self._documentation

    async def tree(self) -> dict[str, Any]:
        """The whole tree of properties."""
        answer = await self.ask("get", {"property": "__rootOwner"})
        return dict(answer.get("value", answer))

    # ---- the connection

    async def _connected(self) -> _Connection:
        async with self._opening:
            if self._connection is None or not self._connection.is_open:
                self._connection = await self._connect()
            return self._connection

    async def _connect(self) -> _Connection:
        """A connection that has answered. An instance opens its API a moment after its first frame."""
        await self._session.wait_running()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + OPENING
        while True:
            socket = await self._session.connection.websocket(f"sessions/{self._session.id}/api")
            connection = _Connection(socket)
            await connection.send(HANDSHAKE)
            self._session.start_task(self._read(connection))
            try:
                async with asyncio.timeout(self._session.timeout):
                    await (await connection.start("version", {})).next()
                break
            except TimeoutError:
                raise NotReadyError("the instance's OpenSpace API did not answer in time") from None
            except SessionError:
                if self._session.state.is_ended or loop.time() > deadline:
                    raise
                await asyncio.sleep(0.1)
        settings = {"logLevel": "Error", "timeStamping": False, "dateStamping": False}
        self._log = await connection.start("errorLog", {"event": "start_subscription", "settings": settings})
        return connection

    async def _read(self, connection: _Connection) -> None:
        problem: Exception = SessionError("the session was closed")
        try:
            reason = await connection.read()
            if connection is self._connection:
                await self._session.wait_not_running(LOSS_GRACE)
            problem = SessionError(self._session.end_message() if self._session.state.is_ended else reason)
        except ServerError as error:
            problem = error
        finally:
            connection.end(problem)

    async def _complaint(self) -> str:
        """The last line of the instance's log: why a script that could not even be guarded failed."""
        message = ""
        with contextlib.suppress(TimeoutError, SessionError):
            while self._log is not None:
                async with asyncio.timeout(0.2 if not message else 0.02):
                    message = str((await self._log.next()).get("message"))
        return message or "the script failed; the instance's log says why"
