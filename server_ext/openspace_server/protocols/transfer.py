"""Transfer of long array messages in chunks over one ordered, reliable channel, with credits that bound the memory.

A chunk is a binary message of its own: magic, number of the transfer (uint32), offset and total (uint64), all little
endian, then the bytes from ``offset`` of the ``total`` that the message has. There are two layouts, both on the wire
since their releases: :data:`UPLOAD` (``OSC1``, offset before total), sent to instances and described in docs/points.md,
and :data:`DOWNLOAD` (``OSP1``, total before offset), in which instances answer the kernel, so that relays pass on the
first chunk while the last is still being made, and none has to hold a whole 8K frame.

An uploading sender has one transfer in flight at a time, its chunks in order; a chunk at offset 0 of another transfer
abandons an unfinished one. The transfer's number is the id that ``reply`` or ``error`` answers. It may have
:data:`WINDOW` bytes of chunks (prefixes excluded) in flight; the receiver returns credits for what it has consumed:
``{"type": "credit", "bytes"}``. Answers of several requests may be interleaved and need no credits.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from openspace_server.protocols import arrays
from openspace_server.protocols.fields import ProtocolError, describe, integer

_PREFIX = struct.Struct("<4sIQQ")
PREFIX_BYTES = _PREFIX.size
WINDOW = 8 * 1024 * 1024
CHUNK_BYTES = 512 * 1024
"""A good size on WebSockets; data channels need :data:`CHANNEL_CHUNK_BYTES`."""
CHANNEL_CHUNK_BYTES = 64 * 1024 - PREFIX_BYTES
CREDIT_BYTES = WINDOW // 16
"""The smallest credit while a transfer is in flight."""
MAX_CHUNK_BYTES = 1024 * 1024
MAX_TOTAL_BYTES = arrays.MAX_BUFFER_BYTES + arrays.MAX_HEADER_BYTES
MAX_INTERLEAVED = 64
"""Unfinished messages that the receiver of interleaved ones holds at most."""


class TransferError(ProtocolError):
    """A transfer that cannot be accepted; ``transfer`` is its number, None where that is unknown."""

    def __init__(self, reason: str, transfer: int | None) -> None:
        super().__init__(reason)
        self.transfer = transfer


@dataclass(frozen=True)
class Layout:
    """Magic and field order of a chunk's prefix."""

    magic: bytes
    is_offset_first: bool

    def is_chunk(self, message: bytes | bytearray | memoryview) -> bool:
        return bytes(message[:4]) == self.magic

    def pack(self, number: int, offset: int, total: int) -> bytes:
        return _PREFIX.pack(self.magic, number, *((offset, total) if self.is_offset_first else (total, offset)))

    def unpack(self, chunk: memoryview) -> tuple[int, int, int]:
        """Number, offset and total. Raises TransferError."""
        if len(chunk) <= PREFIX_BYTES:
            raise TransferError(f"a chunk of {len(chunk)} bytes holds nothing beyond its prefix", None)
        magic, number, first, second = _PREFIX.unpack_from(chunk)
        if magic != self.magic:
            raise TransferError(f"a chunk starts with {describe(magic)}, expected {self.magic!r}", None)
        return (number, first, second) if self.is_offset_first else (number, second, first)


UPLOAD = Layout(b"OSC1", is_offset_first=True)
DOWNLOAD = Layout(b"OSP1", is_offset_first=False)


def chunks(
    number: int, parts: Sequence[bytes | memoryview], size: int = CHUNK_BYTES, layout: Layout = UPLOAD
) -> Iterator[bytes]:
    """The chunks of one message, ``size`` bytes each, made one at a time. ``parts`` are its bytes in order."""
    rest = [memoryview(part).cast("B") for part in reversed(parts)]
    total = sum(len(part) for part in rest)
    for offset in range(0, total, size):
        chunk: list[bytes | memoryview] = [layout.pack(number, offset, total)]
        room = size
        while room and rest:
            part = rest.pop()
            chunk.append(part[:room])
            if len(part) > room:
                rest.append(part[room:])
            room -= len(chunk[-1])
        yield b"".join(chunk)


def number_of(chunk: bytes | bytearray | memoryview) -> int:
    """The number of the chunk's transfer, in either layout. Raises TransferError."""
    if len(chunk) < PREFIX_BYTES:
        raise TransferError(f"a chunk of {len(chunk)} bytes is shorter than its prefix", None)
    return int(_PREFIX.unpack_from(chunk)[1])


def credit(size: int) -> str:
    """The message that lets the sender send ``size`` more bytes."""
    return json.dumps({"type": "credit", "bytes": size})


def read_credit(message: dict[str, Any]) -> int:
    """Raises ProtocolError."""
    return integer(message, "bytes", 0, 2**40)


class SendCredits:
    """The sender's side: how many bytes may be sent now."""

    def __init__(self) -> None:
        self.left = WINDOW

    def take(self, size: int) -> bool:
        """Whether ``size`` bytes may be sent; they are deducted if so."""
        if size > self.left:
            return False
        self.left -= size
        return True

    def grant(self, size: int) -> None:
        self.left = min(self.left + size, WINDOW)


class ReceiveCredits:
    """The receiver's side: what it has received and not returned credits for."""

    def __init__(self) -> None:
        self._allowed = WINDOW
        self._owed = 0

    def receive(self, chunk: bytes | bytearray | memoryview) -> bool:
        """Count one chunk; False if its sender is far beyond its credits and should be cut off."""
        size = max(0, len(chunk) - PREFIX_BYTES)
        self._allowed -= size
        self._owed += size
        return self._allowed >= -WINDOW

    def due(self, *, idle: bool) -> int:
        """Credits to return now: at least :data:`CREDIT_BYTES` at a time; the rest when no transfer is in flight."""
        if self._owed < (1 if idle else CREDIT_BYTES):
            return 0
        owed, self._owed = self._owed, 0
        self._allowed += owed
        return owed


class _Message:
    """One unfinished message."""

    def __init__(self, total: int) -> None:
        # The pages of an empty array cost nothing until they are written.
        self.buffer = np.empty(total, np.uint8)
        self.filled = 0
        self._is_header_checked = False

    @property
    def is_complete(self) -> bool:
        return self.filled == len(self.buffer)

    def add(self, offset: int, body: memoryview) -> None:
        """Raises ProtocolError."""
        total = len(self.buffer)
        if offset != self.filled or offset + len(body) > total:
            raise ProtocolError(
                f"a chunk of bytes {offset} to {offset + len(body)} of {total}, expected one from {self.filled}"
            )
        self.buffer[offset : offset + len(body)] = np.frombuffer(body, np.uint8)
        self.filled += len(body)
        if not self._is_header_checked:
            self._check_header()

    def _check_header(self) -> None:
        """Refuse a message with a wrong header before the rest of it is received."""
        total = len(self.buffer)
        header = arrays.read_header(self.buffer.data[: self.filled])
        if header is None:
            if self.is_complete:
                raise ProtocolError(f"array message of {total} bytes is shorter than its header")
            return
        self._is_header_checked = True
        if header[2] != total:
            raise ProtocolError(f"array message of {total} bytes, its header needs {header[2]}")


class Reassembler:
    """Reassembles the messages of one channel, each of at most ``limit`` bytes.

    Up to ``max_unfinished`` messages may be interleaved. With one, the first chunk of another message abandons the
    unfinished one.
    """

    def __init__(self, layout: Layout = UPLOAD, max_unfinished: int = 1, limit: int = MAX_TOTAL_BYTES) -> None:
        self._layout = layout
        self._max_unfinished = max_unfinished
        self._limit = limit
        self._unfinished: dict[int, _Message] = {}
        self._refused: int | None = None

    @property
    def transfer(self) -> int | None:
        """The number of the unfinished transfer; of the oldest, if there are several."""
        return next(iter(self._unfinished), None)

    def receive(self, chunk: bytes | bytearray | memoryview) -> memoryview | None:
        """Add one chunk; the whole message once it is complete.

        Raises:
            TransferError: what is wrong; the rest of that transfer is then ignored, other transfers are not affected.
        """
        view = memoryview(chunk).cast("B")
        number, offset, total = self._layout.unpack(view)
        if number == self._refused and offset:
            return None
        try:
            return self._add(number, offset, total, view[PREFIX_BYTES:])
        except ProtocolError as problem:
            self._unfinished.pop(number, None)
            self._refused = number
            raise TransferError(str(problem), number) from None

    def abandon(self) -> None:
        """Forget all unfinished transfers and free their memory."""
        self._unfinished.clear()

    def _add(self, number: int, offset: int, total: int, body: memoryview) -> memoryview | None:
        if len(body) > MAX_CHUNK_BYTES:
            raise ProtocolError(f"a chunk of {len(body)} bytes is larger than the {MAX_CHUNK_BYTES} allowed")
        if offset == 0:
            self._begin(number, total)
        message = self._unfinished.get(number)
        if message is None or total != len(message.buffer):
            raise ProtocolError(f"a chunk of transfer {number} at {offset} of {total} bytes, which was never begun")
        message.add(offset, body)
        if not message.is_complete:
            return None
        del self._unfinished[number]
        return message.buffer.data

    def _begin(self, number: int, total: int) -> None:
        if total > self._limit:
            raise ProtocolError(f"a message of {total} bytes is announced, at most {self._limit} are allowed")
        self._unfinished.pop(number, None)
        if self._max_unfinished == 1:
            self._unfinished.clear()
        elif len(self._unfinished) >= self._max_unfinished:
            raise ProtocolError(f"more than {self._max_unfinished} messages are unfinished")
        self._refused = None
        self._unfinished[number] = _Message(total)
