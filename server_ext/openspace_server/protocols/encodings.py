"""Array encodings of a message: raw, losslessly compressed, or quantised to 16 bits with a stated error.

Compression is zstd, by default after a byte shuffle (first bytes of all items, then all second bytes, …), which suits
similar numbers. Quantisation maps each column of an ``(n,)`` or ``(n, k)`` array of floats
linearly onto 0..65535.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import zstandard

from openspace_server.protocols.fields import ProtocolError, describe, integer

RAW, ZSTD, SHUFFLED = "raw", "zstd", "shuffle+zstd"
CODECS = (RAW, ZSTD, SHUFFLED)
LEVEL = 1
STEPS = 65535
SAMPLE_BYTES = 16 * 1024
SAMPLES = 8
WORTH = 1.1
"""Raw size divided by compressed size of a sample from which compression is worthwhile."""


@dataclass(frozen=True)
class Quantised:
    """``stored`` uint16, of the original shape, and the values of 0 and 65535 in each column."""

    stored: np.ndarray
    low: tuple[float, ...]
    high: tuple[float, ...]


def quantise(array: np.ndarray) -> Quantised:
    """Quantise to 16 bits per number; :func:`error_bound` gives the error.

    Raises:
        ProtocolError: not float32 or float64 of shape ``(n,)`` or ``(n, k)``, or NaN or infinity in it.
    """
    if array.dtype.kind != "f" or array.ndim not in (1, 2):
        raise ProtocolError(f"only float arrays (n,) or (n, k) can be quantised, got {array.dtype} {array.shape}")
    columns = array if array.ndim == 2 else array[:, np.newaxis]
    if not columns.size:
        return Quantised(np.zeros(array.shape, "<u2"), (0.0,) * columns.shape[1], (0.0,) * columns.shape[1])
    low, high = columns.min(axis=0), columns.max(axis=0)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ProtocolError(
            "NaN and infinity cannot be quantised: send the points without quantisation, or leave these out"
        )
    with np.errstate(over="ignore"):
        extent = high - low
        factor = np.divide(STEPS, extent, out=np.zeros_like(extent), where=extent > 0)
    if not (np.isfinite(extent).all() and np.isfinite(factor).all()):
        raise ProtocolError(f"the range {low.tolist()} to {high.tolist()} is beyond what 16 bits can divide")
    steps = (columns - low) * factor
    steps += 0.5
    stored = np.minimum(steps, STEPS).astype("<u2").reshape(array.shape)
    return Quantised(stored, tuple(low.tolist()), tuple(high.tolist()))


def restore(stored: np.ndarray, dtype: str, low: tuple[float, ...], high: tuple[float, ...]) -> np.ndarray:
    """The floats that :func:`quantise` stored, each within its column's :func:`error_bound`."""
    step = (np.array(high) - np.array(low)) / STEPS
    # float32 has room for 16 bits and to spare, but not for the step of a huge float64 range.
    work = np.dtype(dtype)
    out = (stored if stored.ndim == 2 else stored[:, np.newaxis]).astype(work)
    out *= step.astype(work)
    out += np.array(low, work)
    return out.reshape(stored.shape)


def error_bound(dtype: str, low: tuple[float, ...], high: tuple[float, ...]) -> list[float]:
    """The most by which a number of each column may be off: half a step, and the rounding of ``dtype`` itself."""
    grain = float(np.finfo(np.dtype(dtype)).eps)
    bounds = []
    for a, b in zip(low, high, strict=True):
        rounding = 4 * grain * max(abs(a), abs(b)) + float(np.finfo(np.dtype(dtype)).tiny)
        bounds.append((b - a) / STEPS * 0.52 + rounding)
    return bounds


def compress(array: np.ndarray, codec: str) -> bytes:
    """The bytes of a C-contiguous ``array`` under ``codec``, one of :data:`ZSTD` and :data:`SHUFFLED`."""
    data = array.reshape(-1).view(np.uint8)
    if codec == SHUFFLED:
        data = np.ascontiguousarray(data.reshape(-1, array.itemsize).T)
    packed: bytes = zstandard.ZstdCompressor(level=LEVEL).compress(data.data)
    return packed


def decompress(data: memoryview, codec: str, size: int, itemsize: int) -> np.ndarray:
    """uint8 ``(size,)``; never makes more than ``size`` bytes, whatever ``data`` claims. Raises ProtocolError."""
    try:
        parameters = zstandard.get_frame_parameters(data)
        if parameters.content_size != size:
            raise ProtocolError(f"compressed array holds {describe(parameters.content_size)} bytes instead of {size}")
        raw = np.frombuffer(zstandard.ZstdDecompressor().decompress(data, max_output_size=size), np.uint8)
    except zstandard.ZstdError as problem:
        raise ProtocolError(f"compressed array cannot be read: {str(problem)[:100]}") from None
    if len(raw) != size:
        raise ProtocolError(f"compressed array gave {len(raw)} bytes instead of {size}")
    return np.ascontiguousarray(raw.reshape(itemsize, -1).T).reshape(-1) if codec == SHUFFLED else raw


def worth_compressing(array: np.ndarray) -> bool:
    """Whether a sample of a C-contiguous ``array`` shrinks by more than :data:`WORTH`. Takes about a millisecond."""
    data = array.reshape(-1)
    items = max(1, SAMPLE_BYTES // array.itemsize)
    if len(data) <= items * SAMPLES:
        return False
    starts = np.linspace(0, len(data) - items, SAMPLES).astype(int)
    sample = np.concatenate([data[start : start + items] for start in starts])
    return sample.nbytes > WORTH * len(compress(sample, SHUFFLED))


def read_encoding(
    value: Any, dtype: str, shape: list[int]
) -> tuple[str, str, int, tuple[float, ...], tuple[float, ...]]:
    """``(codec, stored dtype, stored bytes, low, high)`` of a header's ``encoding``; None is the array as it is.

    Raises ProtocolError that names the field.
    """
    size = math.prod(shape)
    if value is None:
        return RAW, dtype, size * np.dtype(dtype).itemsize, (), ()
    if not isinstance(value, dict):
        raise ProtocolError(f"encoding: expected an object, got {describe(value)}")
    codec = value.get("codec", RAW)
    if codec not in CODECS:
        raise ProtocolError(f"encoding.codec: expected one of {', '.join(CODECS)}, got {describe(codec)}")
    stored, low, high = dtype, (), ()
    if "stored" in value:
        stored, low, high = _read_quantised(value, dtype, shape)
    length = size * np.dtype(stored).itemsize
    if codec != RAW:
        length = integer(value, "bytes", 1, 2**40)
    return codec, stored, length, low, high


def _read_quantised(value: dict[str, Any], dtype: str, shape: list[int]) -> Any:
    if value["stored"] != "<u2" or dtype not in ("<f4", "<f8") or len(shape) > 2:
        raise ProtocolError(
            f"encoding.stored: expected <u2 for a float array (n,) or (n, k), "
            f"got {describe(value['stored'])} for {dtype} {shape}"
        )
    columns = shape[1] if len(shape) == 2 else 1
    ends = []
    for name in ("low", "high"):
        numbers = value.get(name)
        if (
            not isinstance(numbers, list)
            or len(numbers) != columns
            or not all(isinstance(n, float | int) and not isinstance(n, bool) and abs(n) < 1e300 for n in numbers)
        ):
            raise ProtocolError(f"encoding.{name}: expected {columns} finite numbers, got {describe(numbers)}")
        ends.append(tuple(float(n) for n in numbers))
    low, high = ends
    largest = float(np.finfo(np.dtype(dtype)).max)
    if any(a > b or b - a > largest or max(abs(a), abs(b)) > largest for a, b in zip(low, high, strict=True)):
        raise ProtocolError(f"encoding: low {describe(low)} and high {describe(high)} are no range of {dtype}")
    return "<u2", low, high
