"""Memory shared with an instance on this machine: large messages lie in it instead of passing through two servers."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np

from openspace_server.protocols.shared_memory import ANSWERS, ARRAYS, Found, NoSharedMemory
from openspace_widget.errors import RequestError


class Shelf:
    """Its slots, and which request or transfer each of them is kept for. Close it."""

    def __init__(self, memory: Found) -> None:
        self._memory = memory
        self._free = {ANSWERS: list(ANSWERS), ARRAYS: list(ARRAYS)}
        self._taken: dict[int, tuple[range, int]] = {}

    def take(self, number: int) -> int | None:
        """A slot for the answer to a request, None when all are taken. It is the answer's, waited for or not."""
        return self._take(number, ANSWERS)

    def put(self, number: int, parts: Sequence[bytes | memoryview]) -> bytes | None:
        """Put an array message into a slot; what to say of it on the socket, None if it has to go there itself."""
        slot = self._take(number, ARRAYS)
        told = self._memory.put(slot, number, *parts) if slot is not None else None
        if told is None:
            self.free(number)
        return told

    def free(self, number: int) -> None:
        """``number`` was answered."""
        if (taken := self._taken.pop(number, None)) is not None:
            way, slot = taken
            self._free[way].append(slot)

    def read(self, told: bytes) -> memoryview:
        """A copy of the message that ``told`` tells of. Raises ProtocolError."""
        _, _, message = self._memory.find(told)
        return np.frombuffer(message, np.uint8).copy().data

    def rest(self) -> bool:
        """Give the memory back to the system for now; False, and nothing done, while a slot is taken."""
        if not self._taken:
            self._memory.give_back()
        return not self._taken

    def close(self) -> None:
        self._memory.close()

    def _take(self, number: int, way: range) -> int | None:
        if not self._free[way]:
            return None
        slot = self._free[way].pop()
        self._taken[number] = way, slot
        return slot


async def share(ask: Callable[..., Awaitable[Any]]) -> Shelf | None:
    """Memory shared with the instance that ``ask`` sends ``share_memory`` to; None where that cannot be."""
    memory: Found | None = None
    try:
        path = (await ask()).get("path")
        if not isinstance(path, str):
            return None
        with contextlib.suppress(NoSharedMemory):
            memory = Found(path)
        # A wrong proof takes the memory's name away, too.
        shared = (await ask(proof=memory.proof if memory else "")).get("shared") is True
        if memory is not None and shared:
            shelf, memory = Shelf(memory), None
            return shelf
        return None
    except RequestError:  # an instance that knows nothing of it
        return None
    finally:
        if memory is not None:
            memory.close()
