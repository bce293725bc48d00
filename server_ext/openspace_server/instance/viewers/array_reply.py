"""Array replies: array messages that answer a request in place of JSON, whole, in chunks or by shared memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from openspace_server.protocols import arrays, transfer
from openspace_server.protocols.fields import boolean, integer
from openspace_server.protocols.shared_memory import ANSWERS, OfferedMemory


@dataclass(frozen=True)
class Delivery:
    """How a viewer receives array messages: whole, in chunks, or in ``slot`` of the ``memory`` shared with it."""

    in_chunks: bool = False
    memory: OfferedMemory | None = None
    slot: int = 0

    @classmethod
    def read(cls, arguments: dict[str, Any], memory: OfferedMemory | None) -> Delivery:
        """From ``pieces`` and ``slot``. Raises ProtocolError naming the argument that is wrong."""
        in_chunks = boolean(arguments, "pieces", False)
        if memory is None or not memory.proven or arguments.get("slot") is None:
            return cls(in_chunks)
        return cls(in_chunks, memory, integer(arguments, "slot", ANSWERS[0], ANSWERS[-1]))

    def messages(self, request: int, header: bytes, body: memoryview) -> Iterator[bytes]:
        """The messages to send for one array message that answers ``request``."""
        if self.memory is not None and (message := self.memory.put(self.slot, request, header, body)) is not None:
            yield message
        elif self.in_chunks:
            yield from transfer.chunks(request, (header, body), layout=transfer.DOWNLOAD)
        else:
            yield b"".join((header, body))


@dataclass(frozen=True)
class ArrayReply:
    """One or more arrays with their kinds; ``fields`` are header fields of the first."""

    arrays: Sequence[tuple[str, np.ndarray]]
    fields: dict[str, Any] = field(default_factory=dict)
    delivery: Delivery = Delivery(in_chunks=True)

    def messages(self, request: int) -> Iterator[bytes]:
        """The messages to send in answer to ``request``, made one at a time."""
        # Several arrays would need a slot each.
        delivery = self.delivery if len(self.arrays) == 1 else replace(self.delivery, memory=None)
        fields = self.fields
        for index, (kind, array) in enumerate(self.arrays, 1):
            header = arrays.encode_header(array, kind, request=request, more=len(self.arrays) - index, **fields)
            body = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
            yield from delivery.messages(request, header, body)
            fields = {}
