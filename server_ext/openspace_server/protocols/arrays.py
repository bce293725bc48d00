"""Binary array messages: magic ``OSA1``, header length (uint32, little endian), JSON header, raw buffers.

The header is padded with spaces so that the first buffer starts at a multiple of 8 bytes. It always has ``kind``
(``"frame"``, ``"points"``, …), ``dtype`` (NumPy array-interface string such as ``"|u1"`` or ``"<f4"``: type and byte
order) and ``shape``. It may have ``encoding`` (``protocols/encodings.py``) and ``columns``: further arrays, a list of
``{"name", "dtype", "shape", "encoding"?}`` whose buffers follow, each at a multiple of 8 bytes. Other fields belong to
the kind. A buffer is C-contiguous and exactly as long as dtype and shape, or the encoding, say. See docs/points.md.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from openspace_server.protocols import encodings
from openspace_server.protocols.fields import ProtocolError, describe, parse_object, text

MAGIC = b"OSA1"
MAX_HEADER_BYTES = 64 * 1024
MAX_BUFFER_BYTES = 512 * 1024 * 1024
MAX_COLUMNS = 32
DTYPES = ("|u1", "<u2", "<i4", "<u4", "<f4", "<f8")
PREFIX = struct.Struct("<4sI")
_ALIGN = 8


@dataclass(frozen=True)
class Encoding:
    """Encoding of arrays: ``codec`` of ``encodings.CODECS``, and whether they are ``quantised`` to 16 bits."""

    codec: str = encodings.RAW
    quantised: bool = False


PLAIN = Encoding()


def encode_header(array: np.ndarray, kind: str, **fields: Any) -> bytes:
    """The bytes that precede the buffer of ``array``, for senders that do not copy the buffer."""
    return _pack_header({"kind": kind, **_described(array), **fields})


def encode(array: np.ndarray, kind: str, **fields: Any) -> bytes:
    """One whole message for ``array`` (any layout; sent C-contiguous)."""
    array = np.ascontiguousarray(array)
    return b"".join((encode_header(array, kind, **fields), array.reshape(-1).view(np.uint8).data))


def encode_columns(
    array: np.ndarray,
    columns: Mapping[str, np.ndarray],
    kind: str,
    encoding: Encoding = PLAIN,
    **fields: Any,
) -> tuple[list[bytes | memoryview], list[float] | None]:
    """A message with several arrays, as parts to be sent one after the other; plain buffers are not copied.

    Only ``array`` is quantised; each array is compressed only if that makes it smaller.

    Returns:
        the parts, and the error bound of each column of ``array`` (None: it is exact).

    Raises:
        ProtocolError: a dtype that cannot be sent, too many columns, or values that cannot be quantised.
    """
    if len(columns) > MAX_COLUMNS:
        raise ProtocolError(f"columns: at most {MAX_COLUMNS}, got {len(columns)}")
    about, body, bound = _encode_array(np.ascontiguousarray(array), encoding)
    header: dict[str, Any] = {"kind": kind, **about, **fields}
    bodies, listed = [body], []
    exact = Encoding(encoding.codec)
    for name, column in columns.items():
        about, body, _ = _encode_array(np.ascontiguousarray(column), exact)
        listed.append({"name": name, **about})
        bodies.append(body)
    if listed:
        header["columns"] = listed
    parts: list[bytes | memoryview] = [_pack_header(header)]
    for index, body in enumerate(bodies):
        parts.append(body)
        padding = -len(body) % _ALIGN
        if padding and index < len(bodies) - 1:
            parts.append(bytes(padding))
    return parts, bound


def decode(message: bytes | bytearray | memoryview) -> tuple[dict[str, Any], np.ndarray]:
    """Header and array of one message; the array is a read-only view of ``message`` where it is stored plainly.

    Raises:
        ProtocolError: bad magic, header, dtype or shape, or a buffer of another length than announced.
    """
    header, array, columns = decode_columns(message)
    if columns:
        raise ProtocolError("columns: not expected here")
    return header, array


def decode_columns(
    message: bytes | bytearray | memoryview,
) -> tuple[dict[str, Any], np.ndarray, dict[str, np.ndarray]]:
    """Header, array and columns of one message, read-only. Raises ProtocolError as :func:`decode` does."""
    view = memoryview(message).cast("B")
    read = read_header(view)
    if read is None:
        raise ProtocolError(f"array message of {len(view)} bytes is shorter than its header")
    header, blocks, total = read
    if len(view) != total:
        announced = ", ".join(f"{block.dtype} {block.shape}" for block in blocks)
        raise ProtocolError(f"array message has {len(view)} bytes, its header ({announced}) needs {total}")
    first, *rest = (_decode_array(view, block) for block in blocks)
    return header, first, {block.name: array for block, array in zip(blocks[1:], rest, strict=True)}


@dataclass(frozen=True)
class Block:
    """The part of a message that stores one array."""

    name: str
    dtype: str
    shape: list[int]
    codec: str
    stored: str
    start: int
    length: int
    low: tuple[float, ...]
    high: tuple[float, ...]


def read_header(view: memoryview) -> tuple[dict[str, Any], list[Block], int] | None:
    """The header at the beginning of ``view``, its arrays, and how long the whole message must be.

    None when ``view`` does not hold all of the header yet. Raises ProtocolError as soon as something is wrong.
    """
    if len(view) < PREFIX.size:
        return None
    magic, length = PREFIX.unpack_from(view)
    if magic != MAGIC:
        raise ProtocolError(f"array message starts with {describe(magic)}, expected {MAGIC!r}")
    if length > MAX_HEADER_BYTES:
        raise ProtocolError(f"array header announces {length} bytes, at most {MAX_HEADER_BYTES} are allowed")
    start = PREFIX.size + length
    if len(view) < start:
        return None
    header = parse_object(bytes(view[PREFIX.size : start]))
    text(header, "kind", limit=64)
    listed = header.get("columns", [])
    if not isinstance(listed, list) or len(listed) > MAX_COLUMNS:
        raise ProtocolError(f"columns: expected a list of at most {MAX_COLUMNS}, got {describe(listed)}")
    blocks = [_read_block(header, "", start)]
    size = _size(blocks[0])
    for column in listed:
        if not isinstance(column, dict):
            raise ProtocolError(f"columns: expected objects, got {describe(column)}")
        end = blocks[-1].start + blocks[-1].length
        blocks.append(_read_block(column, text(column, "name", limit=64), end + (-(end - start) % _ALIGN)))
        size += _size(blocks[-1])
        if size > MAX_BUFFER_BYTES:
            raise ProtocolError(f"arrays of {size} bytes are larger than the {MAX_BUFFER_BYTES} allowed")
    if len({block.name for block in blocks}) < len(blocks):
        raise ProtocolError("columns: each needs a name of its own")
    return header, blocks, blocks[-1].start + blocks[-1].length


def _read_block(fields: dict[str, Any], name: str, start: int) -> Block:
    dtype = text(fields, "dtype", limit=8)
    if dtype not in DTYPES:
        raise ProtocolError(f"dtype: expected one of {', '.join(DTYPES)}, got {describe(dtype)}")
    shape = fields.get("shape")
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= 4
        or not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**31 for n in shape)
    ):
        raise ProtocolError(f"shape: expected 1 to 4 non-negative integers, got {describe(shape)}")
    # NumPy also multiplies the sides of an empty array, without the zeros.
    extent = math.prod(side or 1 for side in shape) * np.dtype(dtype).itemsize
    if extent > MAX_BUFFER_BYTES:
        raise ProtocolError(f"array of {extent} bytes is larger than the {MAX_BUFFER_BYTES} allowed")
    codec, stored, length, low, high = encodings.read_encoding(fields.get("encoding"), dtype, shape)
    if length > MAX_BUFFER_BYTES:
        raise ProtocolError(f"array of {length} bytes is larger than the {MAX_BUFFER_BYTES} allowed")
    return Block(name, dtype, shape, codec, stored, start, length, low, high)


def _size(block: Block) -> int:
    return math.prod(block.shape) * np.dtype(block.dtype).itemsize


def _decode_array(view: memoryview, block: Block) -> np.ndarray:
    body = view[block.start : block.start + block.length]
    item = np.dtype(block.stored)
    if block.codec == encodings.RAW:
        array = np.frombuffer(body, item)
    else:
        size = math.prod(block.shape) * item.itemsize
        array = encodings.decompress(body, block.codec, size, item.itemsize).view(item)
    array = array.reshape(block.shape)
    if block.stored != block.dtype:
        array = encodings.restore(array, block.dtype, block.low, block.high)
    array.flags.writeable = False
    return array


def _encode_array(
    array: np.ndarray, encoding: Encoding
) -> tuple[dict[str, Any], bytes | memoryview, list[float] | None]:
    about, bound = _described(array), None
    how: dict[str, Any] = {}
    if encoding.quantised and array.dtype.kind == "f":
        quantised = encodings.quantise(array)
        how = {"stored": "<u2", "low": list(quantised.low), "high": list(quantised.high)}
        bound = encodings.error_bound(about["dtype"], quantised.low, quantised.high)
        array = quantised.stored
    body: bytes | memoryview = array.reshape(-1).view(np.uint8).data
    if encoding.codec != encodings.RAW and encodings.worth_compressing(array):
        packed = encodings.compress(array, encoding.codec)
        if len(packed) < array.nbytes:
            body, how = packed, {**how, "codec": encoding.codec, "bytes": len(packed)}
    if how:
        about["encoding"] = how
    return about, body, bound


def _described(array: np.ndarray) -> dict[str, Any]:
    if array.dtype.str not in DTYPES:
        raise ProtocolError(f"dtype: expected one of {', '.join(DTYPES)}, got {array.dtype.str}")
    return {"dtype": array.dtype.str, "shape": list(array.shape)}


def _pack_header(header: dict[str, Any]) -> bytes:
    body = json.dumps(header, separators=(",", ":")).encode()
    if len(body) > MAX_HEADER_BYTES - _ALIGN:
        raise ProtocolError(f"array header of {len(body)} bytes, at most {MAX_HEADER_BYTES} are allowed")
    body += b" " * (-(len(body) + PREFIX.size) % _ALIGN)
    return PREFIX.pack(MAGIC, len(body)) + body
