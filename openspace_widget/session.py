"""One session as the kernel sees it: created or rejoined over REST, watched over ``events``, used over ``bulk``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

import numpy as np
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError

from openspace_server.protocols import arrays, pieces, shared_memory, transfer
from openspace_server.protocols.sessions import SessionState
from openspace_server.protocols.viewer import Request
from openspace_widget.connection import Connection
from openspace_widget.errors import NotReadyError, OpenSpaceError, RequestError, ServerError, SessionError
from openspace_widget.sending import ArraySender
from openspace_widget.shelf import Shelf, share

LOSS_GRACE = 4.0
"""Seconds to wait for the reason of a lost connection before the loss itself is reported."""

UNREACHED = "the instance does not answer"

Change = Callable[[SessionState, str], None]
Arrays = list[tuple[dict[str, Any], np.ndarray]]
"""The array messages of one answer: header and array of each."""
Answer = Arrays | Any


async def create(
    connection: Connection, name: str, engine: str | None, size: tuple[int, int], timeout: float
) -> dict[str, Any]:
    """Start a session; asking again after a lost answer finds the same one. Raises ServerError."""
    body: dict[str, Any] = {"name": name, "width": size[0], "height": size[1]}
    if engine is not None:
        body["engine"] = engine
    key = {"Idempotency-Key": str(uuid.uuid4())}
    return dict(await connection.request("POST", "sessions", body, key, timeout))


async def rejoin(connection: Connection, name: str) -> dict[str, Any] | None:
    """The newest live session of this name that is mine, or None."""
    listed = await connection.request("GET", "sessions")
    live = [s for s in listed["sessions"] if s["name"] == name and not SessionState(s["state"]).ended]
    return max(live, key=lambda s: str(s["created"]), default=None)


class _RefusedError(Exception):
    """The instance was not reached; the message is why."""


class Session:
    """Requests and frames of one session. All coroutines run on the background loop."""

    def __init__(self, connection: Connection, info: dict[str, Any], timeout: float, changed: Change) -> None:
        self.connection = connection
        self.info = info
        self.timeout = timeout
        self._changed = changed
        self.heard: Callable[[dict[str, Any]], None] = lambda state: None
        """Told each state message of the instance, on the background thread."""
        self._news = asyncio.Condition()
        self._socket: WebSocketClientConnection | None = None
        self._sender: ArraySender | None = None
        self._shelf: Shelf | None = None
        self._asked_to_share = False
        self.listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        """What to do with other messages that nobody asked for, by type; called on the background loop."""
        self.restarted: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """What to do when the session runs again, on an instance that has forgotten what it was given."""
        self.reconnected: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """What to do when the bulk socket was opened, or lost: whoever listens has to say so again."""
        self._connecting = asyncio.Lock()
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._last_id = 0
        self._tasks = {asyncio.create_task(self._watch(), name=f"watch session {self.id}")}

    @property
    def id(self) -> str:
        return str(self.info["id"])

    @property
    def state(self) -> SessionState:
        return SessionState(self.info["state"])

    # ---- life

    async def running(self, timeout: float | None = None) -> None:
        """Wait until the session runs. Raises SessionError with the reason, NotReadyError after ``timeout`` seconds."""
        timeout = self.timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(lambda: self.state.runs or self.state.ended)
        except TimeoutError:
            raise NotReadyError(
                f"the session is still {self.state} after {timeout:g} s; `space.session` keeps its id, "
                "and a longer `timeout=` waits longer"
            ) from None
        if self.state.ended:
            raise SessionError(self.ended_because())

    def ended_because(self) -> str:
        reason = self.info.get("reason") or "it was closed"
        return f"this session is {self.state.lower()}: {reason}. `OpenSpace()` starts a new one."

    async def close(self) -> None:
        """End the session and its instance; no error if it has ended already."""
        try:
            await self.connection.request("DELETE", f"sessions/{self.id}")
        except ServerError as problem:
            if problem.status != 404:
                raise
        await self._become({**self.info, "state": SessionState.STOPPED.value, "reason": ""})
        await self.detach()

    async def detach(self) -> None:
        """Let go of the session without ending it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._drop("the session was closed")

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Let ``work`` run beside the session, until it ends or is let go of."""
        task = asyncio.create_task(work, name=f"beside session {self.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self) -> None:
        """Follow the session's state until it ends, through lost connections and server restarts."""
        pause = 0.2
        while not self.state.ended:
            try:
                socket = await self.connection.websocket(f"sessions/{self.id}/events")
                while (message := await socket.read_message()) is not None:
                    pause = 0.2
                    event = json.loads(message)
                    if event.get("type") == "session":
                        event.pop("type")
                        await self._become(event)
                    elif event.get("type") == "error":
                        await self._become({**self.info, "state": SessionState.LOST.value, "reason": event["reason"]})
            except ServerError as problem:
                if problem.status == 404:
                    await self._become(
                        {**self.info, "state": SessionState.LOST.value, "reason": "the server no longer knows it"}
                    )
            if not self.state.ended:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _become(self, info: dict[str, Any]) -> None:
        before = self.state
        async with self._news:
            self.info = info
            self._news.notify_all()
        if self.state.runs and not before.runs:
            for again in self.restarted:
                self.keep(again())
        self._changed(self.state, str(info.get("reason") or ""))
        if self.state.ended:
            self._drop(self.ended_because())

    # ---- requests

    async def ask(self, verb: str, timeout: float | None = None, **arguments: Any) -> Any:
        """Send one request and wait for its answer.

        Raises:
            RequestError: the instance refused, with its reason.
            SessionError: the session ended. NotReadyError: no answer within ``timeout`` seconds.
        """
        socket = await self._joined()
        return await self._exchange(socket, Request(self._next_id(), verb, arguments), timeout)

    async def ask_arrays(self, verb: str, timeout: float | None = None, **arguments: Any) -> Arrays:
        """As :meth:`ask`, for verbs that answer with array messages: through shared memory where there is any."""
        socket = await self._joined()
        number = self._next_id()
        self._offer_to_share(socket)
        if self._shelf is not None:
            arguments["slot"] = self._shelf.take(number)
        return cast(Arrays, await self._exchange(socket, Request(number, verb, arguments), timeout))

    def _offer_to_share(self, socket: WebSocketClientConnection) -> None:
        """Beside what is under way; it serves what comes after."""
        if not self._asked_to_share:
            self._asked_to_share = True
            self.keep(self._share(socket))

    async def _share(self, socket: WebSocketClientConnection) -> None:
        with contextlib.suppress(OpenSpaceError):
            shelf = await share(self.ask)
            if self._socket is socket:
                self._shelf = shelf
            elif shelf is not None:
                shelf.close()

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    async def _exchange(self, socket: WebSocketClientConnection, request: Request, timeout: float | None) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[request.id] = answer
        try:
            with contextlib.suppress(WebSocketClosedError):  # the reader tells why
                await socket.write_message(request.encode())
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await answer
        except TimeoutError:
            raise NotReadyError(f"the instance did not answer {request.verb!r} in time") from None
        finally:
            self._answers.pop(request.id, None)

    async def give(self, parts: Sequence[bytes | memoryview], timeout: float | None = None) -> dict[str, Any]:
        """Send one array message, in chunks if not through shared memory, and wait for its answer.

        Raises as :meth:`ask` does.
        """
        socket = await self._joined()
        self._offer_to_share(socket)
        sender = self._sender
        assert sender is not None
        number = self._next_id()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                told = self._shelf.put(number, parts) if self._shelf is not None else None
                with contextlib.suppress(WebSocketClosedError):  # the reader tells why
                    if told is not None:
                        await socket.write_message(told, binary=True)
                    else:
                        await sender.send(number, parts, answer.done)
                return dict(cast(dict[str, Any], await answer))
        except TimeoutError:
            raise NotReadyError("the instance did not take an array in time") from None
        finally:
            self._answers.pop(number, None)

    @property
    def link_rate(self) -> float | None:
        """Bytes per second that arrays went at lately; without end through shared memory."""
        if self._shelf is not None:
            return math.inf
        return self._sender.rate if self._sender is not None else None

    async def _joined(self) -> WebSocketClientConnection:
        """The bulk socket, once the instance has said hello. Waits for an instance that is being started again."""
        refusals = 0
        while True:
            await self.running()
            try:
                return await self._bulk()
            except _RefusedError as problem:
                refusals += 1
                if not await self.stops_running(LOSS_GRACE) and refusals > 1:
                    raise SessionError(str(problem)) from None

    async def _bulk(self) -> WebSocketClientConnection:
        async with self._connecting:
            if self._socket is None:
                socket = await self.connection.websocket(f"sessions/{self.id}/bulk")
                first = await socket.read_message()
                said: dict[str, Any] = {"type": "error", "reason": UNREACHED}
                if isinstance(first, str):
                    said = json.loads(first)
                if said.get("type") != "hello":
                    socket.close()
                    raise _RefusedError(said.get("reason", UNREACHED))
                self._socket, self._sender = socket, ArraySender(socket)
                self.heard(dict(said.get("state") or {}))
                self.keep(self._read(socket, self._sender))
                for again in self.reconnected:
                    self.keep(again())
            return self._socket

    async def _read(self, socket: WebSocketClientConnection, sender: ArraySender) -> None:
        reason = "the connection to the instance was lost; the next call opens it again"
        with contextlib.suppress(WebSocketClosedError):
            joiner, incomplete = pieces.Joiner(), dict[Any, Arrays]()
            while (message := await socket.read_message()) is not None:
                if isinstance(message, bytes):
                    whole: bytes | bytearray | memoryview | None = message
                    if pieces.is_piece(message):
                        whole = joiner.add(message)
                    elif self._shelf is not None and shared_memory.is_told(message):
                        whole = self._shelf.read(message)
                    if whole is not None:
                        header, array = arrays.decode(whole)
                        answer = incomplete.setdefault(header.get("request"), [])
                        answer.append((header, array))
                        if not header.get("more"):
                            self._settle(header.get("request"), incomplete.pop(header.get("request")))
                    continue
                event: dict[str, Any] = json.loads(message)
                match event.get("type"):
                    case "reply":
                        self._settle(event["id"], event["result"])
                    case "state":
                        self.heard(event)
                    case "error" if event.get("id") is not None:
                        self._settle(event["id"], RequestError(event["reason"]))
                    case "error":
                        reason = event["reason"]
                    case "credit":
                        sender.credited(transfer.read_credit(event))
                    case type if type in self.listeners:
                        self.listeners[type](event)
        sender.closed()
        if self._socket is socket:
            self._socket = None
            self._forget_shelf()
            await self.stops_running(LOSS_GRACE)
            self._drop(self.ended_because() if self.state.ended else self.info.get("reason") or reason)
            for again in self.reconnected:
                self.keep(again())

    async def stops_running(self, seconds: float) -> bool:
        """A lost socket often means that the instance is gone; the session's state is polled and tells it later."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: not self.state.runs)
        return not self.state.runs

    def _settle(self, id: Any, result: Answer) -> None:
        if self._shelf is not None:
            self._shelf.free(id)
        answer = self._answers.get(id)
        if answer is None or answer.done():
            return
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)

    def _forget_shelf(self) -> None:
        shelf, self._shelf, self._asked_to_share = self._shelf, None, False
        if shelf is not None:
            shelf.close()

    def _drop(self, reason: str) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()
        self._forget_shelf()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(SessionError(reason))
                with contextlib.suppress(asyncio.CancelledError, OpenSpaceError):
                    answer.exception()
