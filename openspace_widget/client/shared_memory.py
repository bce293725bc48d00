"""Memory shared with an instance on this machine: large messages in it need not pass through two servers."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np

from openspace_server.protocols.shared_memory import ANSWERS, ARRAYS, OpenedMemory, SharedMemoryUnavailable
from openspace_widget.errors import RequestError


class SharedMemory:
    """Slots of the memory, and the request or transfer that each of them is reserved for. Close it."""

    def __init__(self, memory: OpenedMemory) -> None:
        self._memory = memory
        self._free = {ANSWERS: list(ANSWERS), ARRAYS: list(ARRAYS)}
        self._taken: dict[int, tuple[range, int]] = {}

    def take(self, number: int) -> int | None:
        """A slot for the answer to a request, None when all are taken. It stays reserved until the answer has come."""
        return self._take(number, ANSWERS)

    def put(self, number: int, parts: Sequence[bytes | memoryview]) -> bytes | None:
        """Put an array message into a slot; the notice to send instead, None if the message itself has to be sent."""
        slot = self._take(number, ARRAYS)
        notice = self._memory.put(slot, number, *parts) if slot is not None else None
        if notice is None:
            self.free(number)
        return notice

    def free(self, number: int) -> None:
        """Free the slot of the request ``number``, which was answered."""
        if (taken := self._taken.pop(number, None)) is not None:
            pool, slot = taken
            self._free[pool].append(slot)

    def read(self, notice: bytes) -> memoryview:
        """A copy of the message that ``notice`` names. Raises ProtocolError."""
        _, _, message = self._memory.find(notice)
        return np.frombuffer(message, np.uint8).copy().data

    def release(self) -> bool:
        """Return the memory to the system for now; False, and nothing done, while a slot is taken."""
        if not self._taken:
            self._memory.free_pages()
        return not self._taken

    def close(self) -> None:
        self._memory.close()

    def _take(self, number: int, pool: range) -> int | None:
        if not self._free[pool]:
            return None
        slot = self._free[pool].pop()
        self._taken[number] = pool, slot
        return slot


async def share(ask: Callable[..., Awaitable[Any]]) -> SharedMemory | None:
    """Memory shared with the instance that ``ask`` sends ``share_memory`` to; None where that cannot be."""
    memory: OpenedMemory | None = None
    try:
        path = (await ask()).get("path")
        if not isinstance(path, str):
            return None
        with contextlib.suppress(SharedMemoryUnavailable):
            memory = OpenedMemory(path)
        # A wrong proof also removes the memory's name.
        shared = (await ask(proof=memory.proof if memory else "")).get("shared") is True
        if memory is not None and shared:
            opened, memory = SharedMemory(memory), None
            return opened
        return None
    except RequestError:  # an instance without it
        return None
    finally:
        if memory is not None:
            memory.close()
