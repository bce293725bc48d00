"""Long messages in chunks over one ordered, reliable channel, with credits so that memory stays bounded at both ends.

A chunk is a binary message of its own: magic ``OSC1``, transfer (uint32), offset (uint64), total (uint64), all little
endian, then bytes ``offset ..`` of the ``total`` that the transfer carries (an ``OSA1`` array message). A sender has
one transfer under way at a time, its chunks in order; a chunk at offset 0 of another transfer abandons an unfinished
one. The transfer's number is the id that ``reply`` or ``error`` answers.

A sender may have :data:`WINDOW` bytes of chunks (prefixes left out) on their way; the receiver gives back what it has
taken by ``{"type": "credit", "bytes"}``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from openspace_server.protocols import arrays
from openspace_server.protocols.cutting import cut
from openspace_server.protocols.fields import ProtocolError, describe, integer

MAGIC = b"OSC1"
PREFIX = struct.Struct("<4sIQQ")
WINDOW = 8 * 1024 * 1024
CHUNK_BYTES = 512 * 1024
"""A good size on WebSockets; data channels want :data:`CHANNEL_CHUNK_BYTES`."""
CHANNEL_CHUNK_BYTES = 64 * 1024 - PREFIX.size
CREDIT_BYTES = WINDOW // 16
"""Credits are given back in pieces of at least this many bytes."""
MAX_CHUNK_BYTES = 1024 * 1024
MAX_TOTAL_BYTES = arrays.MAX_BUFFER_BYTES + arrays.MAX_HEADER_BYTES


class TransferError(ProtocolError):
    """A transfer that cannot be accepted; ``transfer`` is its number, None where that is unknown."""

    def __init__(self, reason: str, transfer: int | None) -> None:
        super().__init__(reason)
        self.transfer = transfer


def is_chunk(message: bytes | bytearray | memoryview) -> bool:
    return bytes(message[:4]) == MAGIC


def chunks(transfer: int, parts: Sequence[bytes | memoryview], size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The chunks of one message, made one at a time. ``parts`` are the message's bytes in order."""
    return cut(parts, size, lambda offset, total: PREFIX.pack(MAGIC, transfer, offset, total))


def credit(size: int) -> str:
    """The message that lets the sender send ``size`` more bytes."""
    return json.dumps({"type": "credit", "bytes": size})


def read_credit(message: dict[str, Any]) -> int:
    """Raises ProtocolError."""
    return integer(message, "bytes", 0, 2**40)


class Window:
    """The sender's side of the credits: how many bytes may go now."""

    def __init__(self) -> None:
        self.left = WINDOW

    def take(self, size: int) -> bool:
        """Whether ``size`` bytes may go; they are taken off if so."""
        if size > self.left:
            return False
        self.left -= size
        return True

    def grant(self, size: int) -> None:
        self.left = min(self.left + size, WINDOW)


class Ledger:
    """The receiver's side of the credits: what it took and has not given back yet."""

    def __init__(self) -> None:
        self._allowed = WINDOW
        self._owed = 0

    def took(self, chunk: bytes | bytearray | memoryview) -> bool:
        """Book one chunk; False if its sender is far beyond its credits and should be cut off."""
        size = max(0, len(chunk) - PREFIX.size)
        self._allowed -= size
        self._owed += size
        return self._allowed >= -WINDOW

    def due(self, *, idle: bool) -> int:
        """Credits to give back now: in pieces of :data:`CREDIT_BYTES`, the rest when no transfer is under way."""
        if self._owed < (1 if idle else CREDIT_BYTES):
            return 0
        owed, self._owed = self._owed, 0
        self._allowed += owed
        return owed


class Incoming:
    """The receiver's side: puts one sender's chunks together. Holds one message at a time, at most ``limit`` bytes."""

    def __init__(self, limit: int = MAX_TOTAL_BYTES) -> None:
        self._limit = limit
        self._transfer: int | None = None
        self._refused: int | None = None
        self._buffer = np.empty(0, np.uint8)
        self._filled = 0
        self._checked = False

    @property
    def transfer(self) -> int | None:
        """The number of the unfinished transfer."""
        return self._transfer

    def receive(self, chunk: bytes | bytearray | memoryview) -> memoryview | None:
        """Take one chunk; the whole message once it is complete.

        Raises:
            TransferError: what is wrong; the rest of that transfer is then ignored, other transfers are not affected.
        """
        view = memoryview(chunk).cast("B")
        if len(view) <= PREFIX.size:
            raise TransferError(f"a chunk of {len(view)} bytes holds nothing beyond its prefix", None)
        magic, transfer, offset, total = PREFIX.unpack_from(view)
        if magic != MAGIC:
            raise TransferError(f"a chunk starts with {describe(magic)}, expected {MAGIC!r}", None)
        if transfer == self._refused and offset:
            return None
        try:
            return self._take(transfer, offset, total, view[PREFIX.size :])
        except ProtocolError as problem:
            self.abandon()
            self._refused = transfer
            raise TransferError(str(problem), transfer) from None

    def abandon(self) -> None:
        """Forget the unfinished transfer and free its memory."""
        self._transfer, self._buffer, self._filled = None, np.empty(0, np.uint8), 0

    def _take(self, transfer: int, offset: int, total: int, body: memoryview) -> memoryview | None:
        if len(body) > MAX_CHUNK_BYTES:
            raise ProtocolError(f"a chunk of {len(body)} bytes is larger than the {MAX_CHUNK_BYTES} allowed")
        if offset == 0:
            self._begin(transfer, total)
        if transfer != self._transfer or total != len(self._buffer):
            raise ProtocolError(f"a chunk of transfer {transfer} at {offset} of {total} bytes, which was never begun")
        if offset != self._filled or offset + len(body) > total:
            raise ProtocolError(
                f"a chunk of bytes {offset} to {offset + len(body)} of {total}, expected one from {self._filled}"
            )
        self._buffer[offset : offset + len(body)] = np.frombuffer(body, np.uint8)
        self._filled += len(body)
        self._check_header(total)
        if self._filled < total:
            return None
        message = self._buffer.data
        self.abandon()
        return message

    def _begin(self, transfer: int, total: int) -> None:
        if total > self._limit:
            raise ProtocolError(f"a message of {total} bytes is announced, at most {self._limit} are allowed")
        self._transfer, self._refused = transfer, None
        # The pages of an empty array cost nothing until they are written.
        self._buffer, self._filled, self._checked = np.empty(total, np.uint8), 0, False

    def _check_header(self, total: int) -> None:
        """Refuse a header that lies before the rest of the message comes."""
        if self._checked:
            return
        read = arrays.read_header(self._buffer.data[: self._filled])
        if read is None:
            if self._filled == total:
                raise ProtocolError(f"array message of {total} bytes is shorter than its header")
            return
        self._checked = True
        if read[2] != total:
            raise ProtocolError(f"array message of {total} bytes, its header needs {read[2]}")
