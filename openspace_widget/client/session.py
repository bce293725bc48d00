"""Session as the kernel sees it: created or rejoined over REST, watched over ``events``, used over ``bulk``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

from openspace_server.protocols.sessions import SessionState
from openspace_widget.client.bulk_socket import Arrays, BulkSocket
from openspace_widget.client.server import Connection
from openspace_widget.errors import NotReadyError, ServerError, SessionError

LOSS_GRACE = 4.0
"""Seconds to wait for the reason of a lost connection before the loss itself is reported."""

UNREACHED = "the instance does not answer"

Change = Callable[[SessionState, str], None]


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
    live = [s for s in listed["sessions"] if s["name"] == name and not SessionState(s["state"]).is_ended]
    return max(live, key=lambda s: str(s["created"]), default=None)


async def open_session(
    connection: Connection,
    id: str | None,
    name: str,
    engine: str | None,
    size: tuple[int, int],
    timeout: float,
    on_change: Change,
) -> Session:
    """The session ``id``; without one, the live session of this name, or else a new one. Raises ServerError."""
    if id is not None:
        info = dict(await connection.request("GET", f"sessions/{id}"))
    else:
        info = await rejoin(connection, name) or await create(connection, name, engine, size, timeout)
    return Session(connection, info, timeout, on_change)


class _RefusedError(Exception):
    """The instance was not reached; the message says why."""


class Session:
    """Requests and frames of one session. All coroutines run on the background loop."""

    def __init__(self, connection: Connection, info: dict[str, Any], timeout: float, on_change: Change) -> None:
        self.connection = connection
        self.info = info
        self.timeout = timeout
        self._on_change = on_change
        self.on_state: Callable[[dict[str, Any]], None] = lambda state: None
        """Called with each state message of the instance, on the background loop: it must not run users' functions."""
        self._news = asyncio.Condition()
        self._bulk: BulkSocket | None = None
        self.on_event: dict[str, Callable[[dict[str, Any]], None]] = {}
        """Called with other messages that are no answers, by type, on the background loop."""
        self.on_restart: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """Started when the session runs again, on an instance that has lost what it was sent."""
        self.on_reconnect: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """Started when the bulk socket was opened, or lost: subscriptions have to be repeated."""
        self._connecting = asyncio.Lock()
        self._tasks = {asyncio.create_task(self._watch(), name=f"watch session {self.id}")}

    @property
    def id(self) -> str:
        return str(self.info["id"])

    @property
    def state(self) -> SessionState:
        return SessionState(self.info["state"])

    # ---- life

    async def wait_running(self, timeout: float | None = None) -> None:
        """Wait until the session runs. Raises SessionError with the reason, NotReadyError after ``timeout`` seconds."""
        timeout = self.timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(lambda: self.state.has_instance or self.state.is_ended)
        except TimeoutError:
            raise NotReadyError(
                f"the session is still {self.state} after {timeout:g} s; `space.session` keeps its id, "
                "and a longer `timeout=` waits longer"
            ) from None
        if self.state.is_ended:
            raise SessionError(self.end_message())

    def end_message(self) -> str:
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
        """Close the sockets of the session without ending it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._drop("the session was closed")

    def start_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` in parallel, until it or the session ends."""
        task = asyncio.create_task(work, name=f"task of session {self.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self) -> None:
        """Follow the session's state until it ends, through lost connections and server restarts."""
        pause = 0.2
        while not self.state.is_ended:
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
            if not self.state.is_ended:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _become(self, info: dict[str, Any]) -> None:
        before = self.state
        async with self._news:
            self.info = info
            self._news.notify_all()
        if self.state.has_instance and not before.has_instance:
            for again in self.on_restart:
                self.start_task(again())
        self._on_change(self.state, str(info.get("reason") or ""))
        if self.state.is_ended:
            self._drop(self.end_message())

    # ---- requests

    async def ask(self, verb: str, timeout: float | None = None, **arguments: Any) -> Any:
        """Send one request and wait for its answer.

        Raises:
            RequestError: the instance refused, with its reason.
            SessionError: the session ended. NotReadyError: no answer within ``timeout`` seconds.
        """
        bulk = await self._bulk_socket()
        return await bulk.ask(verb, arguments, self.timeout if timeout is None else timeout)

    async def ask_arrays(self, verb: str, timeout: float | None = None, **arguments: Any) -> Arrays:
        """As :meth:`ask`, for verbs that answer with array messages: through shared memory where there is any."""
        bulk = await self._bulk_socket()
        limit = self.timeout if timeout is None else timeout
        return cast(Arrays, await bulk.ask(verb, arguments, limit, arrays=True))

    async def send_array(self, parts: Sequence[bytes | memoryview], timeout: float | None = None) -> dict[str, Any]:
        """Send one array message and wait for its answer. Raises as :meth:`ask` does."""
        bulk = await self._bulk_socket()
        return dict(cast(dict[str, Any], await bulk.send_array(parts, self.timeout if timeout is None else timeout)))

    @property
    def upload_rate(self) -> float | None:
        """Bytes per second of recent uploads; infinite through shared memory, None before the first."""
        return self._bulk.rate if self._bulk is not None else None

    async def _bulk_socket(self) -> BulkSocket:
        """The bulk socket, once the instance has said hello. Waits for an instance that is being started again."""
        refusals = 0
        while True:
            await self.wait_running()
            try:
                return await self._connected()
            except _RefusedError as problem:
                refusals += 1
                if not await self.wait_not_running(LOSS_GRACE) and refusals > 1:
                    raise SessionError(str(problem)) from None

    async def _connected(self) -> BulkSocket:
        async with self._connecting:
            if self._bulk is None:
                socket = await self.connection.websocket(f"sessions/{self.id}/bulk")
                first = await socket.read_message()
                hello: dict[str, Any] = {"type": "error", "reason": UNREACHED}
                if isinstance(first, str):
                    hello = json.loads(first)
                if hello.get("type") != "hello":
                    socket.close()
                    raise _RefusedError(hello.get("reason", UNREACHED))
                self._bulk = BulkSocket(socket, self._on_event)
                self.on_state(dict(hello.get("state") or {}))
                self.start_task(self._read(self._bulk))
                for again in self.on_reconnect:
                    self.start_task(again())
            return self._bulk

    async def _read(self, bulk: BulkSocket) -> None:
        reason = await bulk.read()
        lost = self._bulk is bulk
        if lost:
            self._bulk = None
            await self.wait_not_running(LOSS_GRACE)
        bulk.fail(self.end_message() if self.state.is_ended else self.info.get("reason") or reason)
        if lost:
            for again in self.on_reconnect:
                self.start_task(again())

    def _on_event(self, event: dict[str, Any]) -> None:
        type = event.get("type")
        if type == "state":
            self.on_state(event)
        elif type in self.on_event:
            self.on_event[type](event)

    async def wait_not_running(self, seconds: float) -> bool:
        """Whether the session stops running within ``seconds``: its state follows a lost socket only after a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: not self.state.has_instance)
        return not self.state.has_instance

    def _drop(self, reason: str) -> None:
        bulk, self._bulk = self._bulk, None
        if bulk is not None:
            bulk.close()
            bulk.fail(reason)
