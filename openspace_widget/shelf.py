"""Memory shared with an instance on this machine: large answers lie in it instead of passing through two servers."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from openspace_server.protocols.shared_memory import SLOTS, NoSharedMemory, Reader
from openspace_widget.errors import RequestError


class Shelf:
    """Its slots, and which request each of them waits for. Close it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._free = list(range(SLOTS))
        self._taken: dict[int, int] = {}

    def take(self, request: int) -> int | None:
        """A slot for the answer to ``request``, None when all are taken. It is the answer's, waited for or not."""
        if not self._free:
            return None
        self._taken[request] = self._free.pop()
        return self._taken[request]

    def free(self, request: int) -> None:
        """``request`` was answered."""
        if (slot := self._taken.pop(request, None)) is not None:
            self._free.append(slot)

    def read(self, told: bytes) -> bytes:
        """A copy of the message that ``told`` tells of. Raises ProtocolError."""
        return self._reader.read(told)

    def close(self) -> None:
        self._reader.close()


async def share(ask: Callable[..., Awaitable[Any]]) -> Shelf | None:
    """Memory shared with the instance that ``ask`` sends requests to; None where that cannot be."""
    reader: Reader | None = None
    try:
        path = (await ask("share_memory")).get("path")
        if not isinstance(path, str):
            return None
        with contextlib.suppress(NoSharedMemory):
            reader = Reader(path)
        # A wrong proof takes the memory's name away, too.
        shared = (await ask("share_memory", proof=reader.proof if reader else "")).get("shared") is True
        if reader is not None and shared:
            shelf, reader = Shelf(reader), None
            return shelf
        return None
    except RequestError:  # an instance that knows nothing of it
        return None
    finally:
        if reader is not None:
            reader.close()
