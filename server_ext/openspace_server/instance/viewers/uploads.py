"""What one viewer sends in binary: chunks in, frames of points to the scene, answers and credits out.

Memory is bounded per viewer: one message that is still coming, those that wait (together at most a window beyond the
first), and the one being shown. While a message waits no credits are given back, so a slow scene slows the sender.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.protocols import arrays, shared_memory, transfer
from openspace_server.protocols import viewer as messages
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.points import KIND, LATEST, PointFrame
from openspace_server.protocols.transfer import Reassembler, ReceiveCredits, TransferError

if TYPE_CHECKING:
    from openspace_server.instance.viewers.viewer import Conversation

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Waiting:
    transfer: int
    message: memoryview
    replaceable: str | None
    """The name of points of which only the latest frame counts."""
    began: float
    arrived: float


class Intake:
    """The binary half of a conversation. Ends with :meth:`close`."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk
        self._reassembler = Reassembler()
        self._began = 0.0
        self._waiting: deque[_Waiting] = deque()
        self._working: asyncio.Task[None] | None = None
        self._credits = ReceiveCredits()
        self._slots: dict[int, int] = {}
        """Transfer → the slot of shared memory that its message lies in."""
        self.senders: set[str] = set()

    def receive(self, message: bytes) -> None:
        """One binary message from the viewer."""
        self._talk.heard_at = time.monotonic()
        if shared_memory.is_notice(message):
            self._find(message)
            return
        if not transfer.UPLOAD.is_chunk(message):
            self._refuse(None, "expected a chunk of an array message (OSC1): no other array is expected here")
            return
        if not self._credits.receive(message):
            self._talk.carrier.cut_off("more was sent than credits were given for")
            return
        try:
            self._take(message)
        except TransferError as problem:
            self._refuse(problem.transfer, str(problem))
        self._give_back()

    def close(self) -> None:
        """The viewer is gone: forget what came of a frame and what waits."""
        self._reassembler.abandon()
        self._waiting.clear()
        if self._working is not None:
            self._working.cancel()
        self._talk.instance.points.left(self)

    def _take(self, message: bytes) -> None:
        before = self._reassembler.transfer
        if not self._talk.steers:
            reason = f"points: {self._talk.instance.control.refusal(self._talk)}"
            raise TransferError(reason, transfer.number_of(message))
        now = time.monotonic()
        whole = self._reassembler.receive(message)
        number = transfer.number_of(message)
        if before is not None and number != before:
            self._refuse(before, "left off in the middle: nothing of it is shown")
        if number != before:
            self._began = now
        if whole is not None:
            self._queue(_Waiting(number, whole, _replaceable(whole), self._began, now))

    def _find(self, told: bytes) -> None:
        """A whole message in shared memory. There are few slots, so nothing else has to slow the sender."""
        memory = self._talk.memory
        if memory is None or not memory.proven:
            self._refuse(shared_memory.number_of(told), "no memory is shared")
            return
        try:
            slot, number, message = memory.find(told)
        except ProtocolError as problem:
            self._refuse(shared_memory.number_of(told), str(problem))
            return
        if not self._talk.steers:
            self._refuse(number, f"points: {self._talk.instance.control.refusal(self._talk)}")
        elif slot in self._slots.values() or number in self._slots:
            self._refuse(number, f"slot {slot} of the shared memory is still in use")
        else:
            now = time.monotonic()
            try:
                waiting = _Waiting(number, message, _replaceable(message), now, now)
            except ProtocolError as problem:
                self._refuse(number, str(problem))
                return
            self._slots[number] = slot
            self._queue(waiting)

    def _queue(self, new: _Waiting) -> None:
        for old in list(self._waiting):
            if new.replaceable is not None and old.replaceable == new.replaceable:
                self._waiting.remove(old)
                self._slots.pop(old.transfer, None)
                self._reply(old, {"shown": False, "reason": "replaced by a newer frame"})
        self._waiting.append(new)
        if self._working is None:
            self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._waiting:
                next = self._waiting.popleft()
                self._give_back()
                try:
                    frame = await asyncio.to_thread(_decoded, next.message, next.transfer in self._slots)
                    self._reply(next, await self._talk.instance.points.show(frame, self))
                except (ProtocolError, EngineError) as problem:
                    self._refuse(next.transfer, str(problem))
                except Exception:
                    log.exception("points were not shown")
                    self._refuse(next.transfer, "points: internal error, see the instance's log")
                finally:
                    self._slots.pop(next.transfer, None)
        finally:
            self._working = None

    def _reply(self, done: _Waiting, result: dict[str, object]) -> None:
        now = time.monotonic()
        result |= {
            "bytes": len(done.message),
            "receive_ms": round(1e3 * (done.arrived - done.began), 2),
            "show_ms": round(1e3 * (now - done.arrived), 2),
        }
        self._talk.carrier.post(messages.reply(done.transfer, result))

    def _refuse(self, number: int | None, reason: str) -> None:
        self._talk.carrier.post(messages.error(number, reason))

    def _give_back(self) -> None:
        if self._waiting:
            return
        due = self._credits.due(idle=self._reassembler.transfer is None)
        if due:
            self._talk.carrier.post(transfer.credit(due))


def _decoded(message: memoryview, shared: bool) -> PointFrame:
    """What lies in shared memory could still be changed there."""
    return PointFrame.decode(np.frombuffer(message, np.uint8).copy().data if shared else message)


def _replaceable(message: memoryview) -> str | None:
    read = arrays.read_header(message)
    if read is None or read[0]["kind"] != KIND or read[0].get("keep") != LATEST:
        return None
    return str(read[0].get("name"))
