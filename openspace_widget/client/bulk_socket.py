"""One bulk socket of a session, from the instance's hello to its end: requests and their answers, arrays both ways."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError

from openspace_server.protocols import arrays, shared_memory, transfer
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.transfer import Reassembler
from openspace_server.protocols.viewer import Request
from openspace_widget.client.shared_memory import Shelf, share
from openspace_widget.client.uploads import ArraySender
from openspace_widget.errors import NotReadyError, OpenSpaceError, RequestError, SessionError

REST_AFTER = 20.0
"""Seconds without arrays after which shared memory is given back to the system until the next."""
LOST = "the connection to the instance was lost; the next call opens it again"

SHARE_TIMEOUT = 30.0
"""Seconds to wait for an answer about shared memory, which may stand behind a still."""

Arrays = list[tuple[dict[str, Any], np.ndarray]]
"""The array messages of one answer: header and array of each."""
Answer = Arrays | Any
Event = dict[str, Any]


class Bulk:
    """Its coroutines run on the background loop. ``hear`` is told the messages that nobody asked for."""

    def __init__(self, socket: WebSocketClientConnection, hear: Callable[[Event], None]) -> None:
        self._socket = socket
        self._hear = hear
        self._sender = ArraySender(socket)
        self._shelf: Shelf | None = None
        self._sharing: asyncio.Task[None] | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._last_id = 0
        self._ended = ""

    @property
    def rate(self) -> float | None:
        """Bytes per second that arrays went at lately; without end through shared memory."""
        return math.inf if self._shelf is not None else self._sender.rate

    async def ask(self, verb: str, arguments: dict[str, Any], timeout: float, *, arrays: bool = False) -> Answer:
        """Send one request and wait for its answer.

        Args:
            arrays: array messages are the answer, which may come through shared memory.

        Raises:
            RequestError: the instance refused, with its reason.
            SessionError: the session ended. NotReadyError: no answer within ``timeout`` seconds.
        """
        number = self._next_id()
        if arrays:
            self._offer_to_share()
            if self._shelf is not None:
                arguments = {**arguments, "slot": self._shelf.take(number)}
        try:
            message = Request(number, verb, arguments).encode()
        except BaseException:
            self._free(number)
            raise
        with self._answer(number) as answer:
            try:
                with contextlib.suppress(WebSocketClosedError):  # the reader tells why
                    await self._socket.write_message(message)
                async with asyncio.timeout(timeout):
                    return await answer
            except TimeoutError:
                raise NotReadyError(f"the instance did not answer {verb!r} in time") from None

    async def give(self, parts: Sequence[bytes | memoryview], timeout: float) -> Answer:
        """Send one array message, in chunks if not through shared memory, and wait for its answer.

        Raises as :meth:`ask` does.
        """
        self._offer_to_share()
        number = self._next_id()
        with self._answer(number) as answer:
            try:
                async with asyncio.timeout(timeout):
                    told = self._shelf.put(number, parts) if self._shelf is not None else None
                    with contextlib.suppress(WebSocketClosedError):  # the reader tells why
                        if told is not None:
                            await self._socket.write_message(told, binary=True)
                        else:
                            await self._sender.send(number, parts, answer.done)
                    return await answer
            except TimeoutError:
                raise NotReadyError("the instance did not take an array in time") from None

    async def read(self) -> str:
        """Take what the instance sends until the socket is closed; why it was, as far as the instance told."""
        reason = LOST
        reassembler = Reassembler(transfer.DOWNLOAD, transfer.MAX_INTERLEAVED)
        incomplete = dict[Any, Arrays]()
        try:
            while (message := await self._socket.read_message()) is not None:
                if isinstance(message, bytes):
                    self._take(message, reassembler, incomplete)
                    continue
                event: Event = json.loads(message)
                match event.get("type"):
                    case "reply":
                        self._settle(event["id"], event["result"])
                    case "error" if event.get("id") is not None:
                        self._settle(event["id"], RequestError(event["reason"]))
                    case "error":
                        reason = event["reason"]
                    case "credit":
                        self._sender.credited(transfer.read_credit(event))
                    case _:
                        self._hear(event)
        except WebSocketClosedError:
            pass
        except ProtocolError as problem:
            reason = f"the instance sent what cannot be read: {problem}"
        finally:
            self._sender.closed()
            self.close()
        return reason

    def fail(self, reason: str) -> None:
        """Whoever still waits for an answer hears that none will come."""
        self._ended = reason
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(SessionError(reason))
                with contextlib.suppress(asyncio.CancelledError, OpenSpaceError):
                    answer.exception()

    def close(self) -> None:
        """Nothing is sent or taken any more."""
        self._socket.close()
        for pending in (self._sharing, self._resting):
            if pending is not None:
                pending.cancel()
        if self._shelf is not None:
            self._shelf.close()
            self._shelf = None

    def _take(self, message: bytes, reassembler: Reassembler, incomplete: dict[Any, Arrays]) -> None:
        whole: bytes | bytearray | memoryview | None = message
        if transfer.DOWNLOAD.is_chunk(message):
            whole = reassembler.receive(message)
        elif shared_memory.is_told(message):
            whole = self._shelf.read(message) if self._shelf is not None else None
        if whole is None:
            return
        header, array = arrays.decode(whole)
        request = header.get("request")
        incomplete.setdefault(request, []).append((header, array))
        if not header.get("more"):
            self._settle(request, incomplete.pop(request))

    def _offer_to_share(self) -> None:
        """Beside what is under way; it serves what comes after."""
        if self._sharing is None:
            self._sharing = asyncio.create_task(self._share(), name="share memory")
        if self._resting is not None:
            self._resting.cancel()
        self._resting = asyncio.get_running_loop().call_later(REST_AFTER, self._rest)

    def _rest(self) -> None:
        if self._shelf is not None and not self._shelf.rest():
            self._resting = asyncio.get_running_loop().call_later(REST_AFTER, self._rest)

    async def _share(self) -> None:
        with contextlib.suppress(OpenSpaceError):
            self._shelf = await share(lambda **arguments: self.ask("share_memory", arguments, SHARE_TIMEOUT))

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    @contextlib.contextmanager
    def _answer(self, number: int) -> Iterator[asyncio.Future[Answer]]:
        if self._ended:
            raise SessionError(self._ended)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            yield answer
        finally:
            del self._answers[number]

    def _settle(self, number: Any, result: Answer) -> None:
        self._free(number)
        answer = self._answers.get(number)
        if answer is None or answer.done():
            return
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)

    def _free(self, number: Any) -> None:
        if self._shelf is not None:
            self._shelf.free(number)
