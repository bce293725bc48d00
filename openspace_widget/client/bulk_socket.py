"""Bulk socket of a session: requests and answers, and arrays in both directions."""

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
from openspace_widget.client.shared_memory import SharedMemory, share
from openspace_widget.client.uploads import ArraySender
from openspace_widget.errors import NotReadyError, OpenSpaceError, RequestError, SessionError

IDLE_AFTER = 20.0
"""Seconds without arrays after which shared memory is returned to the system until the next one."""
LOST = "the connection to the instance was lost; the next call opens it again"

SHARE_TIMEOUT = 30.0
"""Seconds to wait for an answer about shared memory, which may stand behind a still."""

Arrays = list[tuple[dict[str, Any], np.ndarray]]
"""The array messages of one answer: header and array of each."""
Answer = Arrays | Any
Event = dict[str, Any]


class BulkSocket:
    """One bulk socket, from the instance's hello to its end. Its coroutines run on the background loop.

    Args:
        on_event: called with each message that is no answer.
    """

    def __init__(self, socket: WebSocketClientConnection, on_event: Callable[[Event], None]) -> None:
        self._socket = socket
        self._on_event = on_event
        self._sender = ArraySender(socket)
        self._memory: SharedMemory | None = None
        self._sharing: asyncio.Task[None] | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._last_id = 0
        self._end_reason = ""

    @property
    def rate(self) -> float | None:
        """Bytes per second of recent uploads; infinite through shared memory."""
        return math.inf if self._memory is not None else self._sender.rate

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
            self._start_sharing()
            if self._memory is not None:
                arguments = {**arguments, "slot": self._memory.take(number)}
        try:
            message = Request(number, verb, arguments).encode()
        except BaseException:
            self._free_slot(number)
            raise
        with self._answer(number) as answer:
            try:
                with contextlib.suppress(WebSocketClosedError):  # the reader tells why
                    await self._socket.write_message(message)
                async with asyncio.timeout(timeout):
                    return await answer
            except TimeoutError:
                raise NotReadyError(f"the instance did not answer {verb!r} in time") from None

    async def send_array(self, parts: Sequence[bytes | memoryview], timeout: float) -> Answer:
        """Send one array message, in chunks if not through shared memory, and wait for its answer.

        Raises as :meth:`ask` does.
        """
        self._start_sharing()
        number = self._next_id()
        with self._answer(number) as answer:
            try:
                async with asyncio.timeout(timeout):
                    notice = self._memory.put(number, parts) if self._memory is not None else None
                    with contextlib.suppress(WebSocketClosedError):  # the reader tells why
                        if notice is not None:
                            await self._socket.write_message(notice, binary=True)
                        else:
                            await self._sender.send(number, parts, answer.done)
                    return await answer
            except TimeoutError:
                raise NotReadyError("the instance did not take an array in time") from None

    async def read(self) -> str:
        """Process what the instance sends until the socket closes; the reason, as far as the instance gave one."""
        reason = LOST
        reassembler = Reassembler(transfer.DOWNLOAD, transfer.MAX_INTERLEAVED)
        incomplete = dict[Any, Arrays]()
        try:
            while (message := await self._socket.read_message()) is not None:
                if isinstance(message, bytes):
                    self._receive(message, reassembler, incomplete)
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
                        self._on_event(event)
        except WebSocketClosedError:
            pass
        except ProtocolError as problem:
            reason = f"the instance sent what cannot be read: {problem}"
        finally:
            self._sender.closed()
            self.close()
        return reason

    def fail(self, reason: str) -> None:
        """Fail all pending requests, and those to come, with this reason."""
        self._end_reason = reason
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(SessionError(reason))
                with contextlib.suppress(asyncio.CancelledError, OpenSpaceError):
                    answer.exception()

    def close(self) -> None:
        """Close the socket and the shared memory."""
        self._socket.close()
        for pending in (self._sharing, self._idle_timer):
            if pending is not None:
                pending.cancel()
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _receive(self, message: bytes, reassembler: Reassembler, incomplete: dict[Any, Arrays]) -> None:
        whole: bytes | bytearray | memoryview | None = message
        if transfer.DOWNLOAD.is_chunk(message):
            whole = reassembler.receive(message)
        elif shared_memory.is_notice(message):
            whole = self._memory.read(message) if self._memory is not None else None
        if whole is None:
            return
        header, array = arrays.decode(whole)
        request = header.get("request")
        incomplete.setdefault(request, []).append((header, array))
        if not header.get("more"):
            self._settle(request, incomplete.pop(request))

    def _start_sharing(self) -> None:
        """Set up shared memory in parallel to pending requests; later ones use it."""
        if self._sharing is None:
            self._sharing = asyncio.create_task(self._share(), name="share memory")
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._idle_timer = asyncio.get_running_loop().call_later(IDLE_AFTER, self._release_memory)

    def _release_memory(self) -> None:
        if self._memory is not None and not self._memory.release():
            self._idle_timer = asyncio.get_running_loop().call_later(IDLE_AFTER, self._release_memory)

    async def _share(self) -> None:
        with contextlib.suppress(OpenSpaceError):
            self._memory = await share(lambda **arguments: self.ask("share_memory", arguments, SHARE_TIMEOUT))

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    @contextlib.contextmanager
    def _answer(self, number: int) -> Iterator[asyncio.Future[Answer]]:
        if self._end_reason:
            raise SessionError(self._end_reason)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            yield answer
        finally:
            del self._answers[number]

    def _settle(self, number: Any, result: Answer) -> None:
        self._free_slot(number)
        answer = self._answers.get(number)
        if answer is None or answer.done():
            return
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)

    def _free_slot(self, number: Any) -> None:
        if self._memory is not None:
            self._memory.free(number)
