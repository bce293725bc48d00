"""Uploads of one viewer: chunks of array messages in, frames of points to the scene, answers and credits out.

Memory is bounded per viewer: one message that is still arriving, those that wait (together at most a window beyond the
first), and the one being shown. While a message waits no credits are returned, so a slow scene slows the sender.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.instance.viewers.point_clouds import PointClouds
from openspace_server.instance.viewers.viewer import Viewer
from openspace_server.protocols import arrays, shared_memory, transfer
from openspace_server.protocols import viewer as messages
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.points import KIND, LATEST, PointFrame
from openspace_server.protocols.transfer import Reassembler, ReceiveCredits, TransferError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upload:
    """A complete message. ``replaceable``: the name of points of which only the latest frame counts."""

    transfer: int
    message: memoryview
    replaceable: str | None
    began: float
    arrived: float


class Uploads:
    """Ends with :meth:`close`."""

    def __init__(self, viewer: Viewer, points: PointClouds) -> None:
        self._viewer = viewer
        self._points = points
        self._reassembler = Reassembler()
        self._began = 0.0
        self._waiting: deque[Upload] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._credits = ReceiveCredits()
        self._slots: dict[int, int] = {}
        """Slots of shared memory that are in use, by transfer."""
        self.senders: set[str] = set()

    def receive(self, message: bytes) -> None:
        """Handle one binary message of the viewer."""
        if shared_memory.is_notice(message):
            self._receive_shared(message)
            return
        if not transfer.UPLOAD.is_chunk(message):
            self._refuse(None, "expected a chunk of an array message (OSC1): no other array is expected here")
            return
        if not self._credits.receive(message):
            self._viewer.transport.disconnect("more bytes were sent than the credits allow")
            return
        try:
            self._receive_chunk(message)
        except TransferError as problem:
            self._refuse(problem.transfer, str(problem))
        self._return_credits()

    def close(self) -> None:
        """The viewer is gone: drop its unfinished and waiting messages."""
        self._reassembler.abandon()
        self._waiting.clear()
        if self._worker is not None:
            self._worker.cancel()
        self._points.remove_sender(self)

    def _receive_chunk(self, message: bytes) -> None:
        before = self._reassembler.transfer
        if not self._viewer.is_steering:
            raise TransferError(f"points: {self._viewer.refusal()}", transfer.number_of(message))
        now = time.monotonic()
        whole = self._reassembler.receive(message)
        number = transfer.number_of(message)
        if before is not None and number != before:
            self._refuse(before, "abandoned by the next transfer: nothing of it is shown")
        if number != before:
            self._began = now
        if whole is not None:
            self._queue(Upload(number, whole, _replaceable(whole), self._began, now))

    def _receive_shared(self, notice: bytes) -> None:
        """A complete message in shared memory. There are few slots, which is enough to slow the sender."""
        memory = self._viewer.memory
        if memory is None or not memory.proven:
            self._refuse(shared_memory.number_of(notice), "no memory is shared")
            return
        try:
            slot, number, message = memory.find(notice)
        except ProtocolError as problem:
            self._refuse(shared_memory.number_of(notice), str(problem))
            return
        if not self._viewer.is_steering:
            self._refuse(number, f"points: {self._viewer.refusal()}")
        elif slot in self._slots.values() or number in self._slots:
            self._refuse(number, f"slot {slot} of the shared memory is still in use")
        else:
            now = time.monotonic()
            try:
                upload = Upload(number, message, _replaceable(message), now, now)
            except ProtocolError as problem:
                self._refuse(number, str(problem))
                return
            self._slots[number] = slot
            self._queue(upload)

    def _queue(self, new: Upload) -> None:
        for old in list(self._waiting):
            if new.replaceable is not None and old.replaceable == new.replaceable:
                self._waiting.remove(old)
                self._slots.pop(old.transfer, None)
                self._reply(old, {"shown": False, "reason": "replaced by a newer frame"})
        self._waiting.append(new)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._waiting:
                upload = self._waiting.popleft()
                self._return_credits()
                try:
                    frame = await asyncio.to_thread(_decoded, upload.message, upload.transfer in self._slots)
                    self._reply(upload, await self._points.show(frame, self))
                except (ProtocolError, EngineError) as problem:
                    self._refuse(upload.transfer, str(problem))
                except Exception:
                    log.exception("points were not shown")
                    self._refuse(upload.transfer, "points: internal error, see the instance's log")
                finally:
                    self._slots.pop(upload.transfer, None)
        finally:
            self._worker = None

    def _reply(self, upload: Upload, result: dict[str, object]) -> None:
        now = time.monotonic()
        result |= {
            "bytes": len(upload.message),
            "receive_ms": round(1e3 * (upload.arrived - upload.began), 2),
            "show_ms": round(1e3 * (now - upload.arrived), 2),
        }
        self._viewer.send(messages.reply(upload.transfer, result))

    def _refuse(self, number: int | None, reason: str) -> None:
        self._viewer.send(messages.error(number, reason))

    def _return_credits(self) -> None:
        if self._waiting:
            return
        due = self._credits.due(idle=self._reassembler.transfer is None)
        if due:
            self._viewer.send(transfer.credit(due))


def _decoded(message: memoryview, is_shared: bool) -> PointFrame:
    """Of a copy if the message is in shared memory, where it could still be changed."""
    return PointFrame.decode(np.frombuffer(message, np.uint8).copy().data if is_shared else message)


def _replaceable(message: memoryview) -> str | None:
    header = arrays.read_header(message)
    if header is None or header[0]["kind"] != KIND or header[0].get("keep") != LATEST:
        return None
    return str(header[0].get("name"))
