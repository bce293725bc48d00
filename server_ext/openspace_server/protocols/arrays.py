"""The binary array message: magic ``OSA1``, header length (uint32, little endian), JSON header, raw buffer.

The header is padded with spaces so that the buffer starts at a multiple of 8 bytes. It always has ``kind``
(``"frame"``, ``"points"``, …), ``dtype`` (NumPy array-interface string such as ``"|u1"`` or ``"<f4"``) and ``shape``;
other fields belong to the kind. The buffer is C-contiguous and exactly as long as dtype and shape say.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np

from openspace_server.protocols.fields import ProtocolError, describe, parse_object, text

MAGIC = b"OSA1"
MAX_HEADER_BYTES = 64 * 1024
MAX_BUFFER_BYTES = 512 * 1024 * 1024
DTYPES = ("|u1", "<u2", "<i4", "<u4", "<f4", "<f8")
_PREFIX = struct.Struct("<4sI")


def encode_header(array: np.ndarray, kind: str, **fields: Any) -> bytes:
    """The bytes that precede ``array``'s own buffer, for senders that do not want the buffer copied."""
    header = {"kind": kind, "dtype": array.dtype.str, "shape": list(array.shape), **fields}
    if header["dtype"] not in DTYPES:
        raise ProtocolError(f"dtype: expected one of {', '.join(DTYPES)}, got {header['dtype']}")
    body = json.dumps(header, separators=(",", ":")).encode()
    body += b" " * (-(len(body) + _PREFIX.size) % 8)
    return _PREFIX.pack(MAGIC, len(body)) + body


def encode(array: np.ndarray, kind: str, **fields: Any) -> bytes:
    """One whole message for ``array`` (any layout; sent C-contiguous)."""
    array = np.ascontiguousarray(array)
    return b"".join((encode_header(array, kind, **fields), array.reshape(-1).view(np.uint8).data))


def decode(message: bytes | bytearray | memoryview) -> tuple[dict[str, Any], np.ndarray]:
    """Header and array of one message; the array is a read-only view of ``message``, not a copy.

    Raises:
        ProtocolError: bad magic, header, dtype or shape, or a buffer of another length than announced.
    """
    view = memoryview(message).cast("B")
    if len(view) < _PREFIX.size:
        raise ProtocolError(f"array message of {len(view)} bytes is shorter than its {_PREFIX.size} byte prefix")
    magic, length = _PREFIX.unpack_from(view)
    if magic != MAGIC:
        raise ProtocolError(f"array message starts with {describe(magic)}, expected {MAGIC!r}")
    if length > MAX_HEADER_BYTES or _PREFIX.size + length > len(view):
        raise ProtocolError(f"array header announces {length} bytes of at most {MAX_HEADER_BYTES}, got {len(view)}")
    start = _PREFIX.size + length
    header = parse_object(bytes(view[_PREFIX.size : start]))
    text(header, "kind", limit=64)
    dtype = text(header, "dtype", limit=8)
    if dtype not in DTYPES:
        raise ProtocolError(f"dtype: expected one of {', '.join(DTYPES)}, got {describe(dtype)}")
    shape = header.get("shape")
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= 4
        or not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**31 for n in shape)
    ):
        raise ProtocolError(f"shape: expected 1 to 4 non-negative integers, got {describe(shape)}")
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    # NumPy multiplies the sides of an empty array, too, leaving out the zeros.
    extent = math.prod(side or 1 for side in shape) * np.dtype(dtype).itemsize
    if extent > MAX_BUFFER_BYTES:
        raise ProtocolError(f"array of {extent} bytes is larger than the {MAX_BUFFER_BYTES} allowed")
    if len(view) - start != expected:
        raise ProtocolError(f"array buffer has {len(view) - start} bytes, {dtype} {shape} needs {expected}")
    array = np.frombuffer(view[start:], dtype=dtype).reshape(shape)
    array.flags.writeable = False
    return header, array
