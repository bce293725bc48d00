"""Large binary messages in pieces, so that relays pass on the first while the last is still being made, and no relay
has to hold, or allow, a whole 8K picture.

A piece is magic ``OSP1``, then little endian: number of the message on this socket (uint32), length of the whole
message (uint64) and offset of this piece (uint64), then its bytes. Pieces of one message come in order; those of
several may mix.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from openspace_server.protocols.cutting import cut
from openspace_server.protocols.fields import ProtocolError

MAGIC = b"OSP1"
PIECE_BYTES = 512 * 1024
MAX_WHOLE_BYTES = 512 * 1024 * 1024
MAX_OPEN = 64
"""Messages that may be incomplete at a time."""
_PREFIX = struct.Struct("<4sIQQ")


def split(number: int, *parts: bytes | memoryview) -> Iterator[bytes]:
    """The pieces of the message whose bytes are ``parts`` one after the other."""
    return cut(parts, PIECE_BYTES, lambda offset, total: _PREFIX.pack(MAGIC, number, total, offset))


class Joiner:
    """Puts the pieces of one socket's messages together again."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[bytearray, int]] = {}

    def add(self, message: bytes) -> bytearray | None:
        """The whole message that ``message`` completes, None while it is incomplete. Raises ProtocolError."""
        if len(message) < _PREFIX.size or message[:4] != MAGIC:
            raise ProtocolError(f"expected a piece of a message, which starts with {MAGIC!r}")
        _, number, total, offset = _PREFIX.unpack_from(message)
        whole, filled = self._open.pop(number, (None, 0))
        if whole is None:
            if total > MAX_WHOLE_BYTES or len(self._open) >= MAX_OPEN:
                raise ProtocolError(f"a message of {total} bytes is too large, or too many are incomplete")
            whole = bytearray(total)
        size = len(message) - _PREFIX.size
        if total != len(whole) or offset != filled or size > total - offset or (size == 0 and total > 0):
            raise ProtocolError(f"piece of {size} bytes at {offset} does not follow the {filled} of {len(whole)} there")
        whole[offset : offset + size] = memoryview(message)[_PREFIX.size :]
        if offset + size == total:
            return whole
        self._open[number] = (whole, offset + size)
        return None


def is_piece(message: bytes) -> bool:
    """Whether ``message`` is a piece of a larger one."""
    return message[:4] == MAGIC
