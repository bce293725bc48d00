"""Chunks of points, ready for drawing.

A chunk holds points that are near each other, shuffled so that its first part stands for all of it. Pure NumPy, so that
it can run on another thread than drawing; the same points always give the same result.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass

import numpy as np

CHUNK = 8192
"""Points of a chunk; the last one has fewer."""
POINT = np.dtype([("position", "<f4", 3), ("color", "<u4")])
"""Position in parts of its chunk's size, from its middle; RGBA as bytes in that order."""
_BLOCK = 1 << 16  # points looked at together where that spares memory
_CELLS = 32  # per axis
_LEAST = 1.0  # metres: size of what has no extent
_SPREAD = np.array([sum((k >> bit & 1) << 3 * bit for bit in range(5)) for k in range(_CELLS)], np.uint16)


@dataclass(frozen=True)
class PointChunks:
    """Points ready to be drawn.

    Attributes:
        order: which point of the arrays each vertex is, int32 ``(m,)``.
        vertices: POINT ``(m,)``; chunk k has those from ``k * CHUNK``.
        middles, sizes: of the chunks, metres ``(c, 3)`` and ``(c,)``: half of the longest side.
        centre, reach: a ball around everything, metres.
    """

    order: np.ndarray
    vertices: np.ndarray
    middles: np.ndarray
    sizes: np.ndarray
    centre: np.ndarray
    reach: float


def make_chunks(positions: np.ndarray, shown: np.ndarray | None, metres: float, shift: np.ndarray) -> PointChunks:
    """Chunks of ``positions`` ``(n, 3)`` in units of ``metres``, moved by ``shift`` metres; those that are not finite,
    or not ``shown``, are left out. :func:`set_colors` fills in the colours."""
    if positions.dtype not in (np.float32, np.float64):
        positions = positions.astype(np.float32 if positions.dtype.itemsize < 4 else np.float64)
    columns = [positions[:, k] for k in range(3)]
    good = np.isfinite(columns[0])
    for column in columns[1:]:
        good &= np.isfinite(column)
    if shown is not None:
        good &= shown
    if good.all():
        rows = None
    else:
        rows = np.flatnonzero(good).astype(np.int32)
        columns = [column[rows] for column in columns]
    count = len(columns[0])
    if not count:
        nothing = np.zeros((0, 3))
        return PointChunks(np.zeros(0, np.int32), np.zeros(0, POINT), nothing, np.zeros(0), np.zeros(3), 1.0)
    order = _shuffled(np.argsort(_codes(columns), kind="stable").astype(np.int32))
    # Straight from the system, so that it also goes back there: the heap would keep it.
    vertices = np.frombuffer(mmap.mmap(-1, count * POINT.itemsize), POINT)
    floats = vertices.view(np.float32).reshape(count, -1)
    low, high = (np.empty(((count - 1) // CHUNK + 1, 3)) for _ in range(2))
    single = positions.dtype == np.float32  # doubles must lose nothing before they are near 0
    found = np.empty(count, positions.dtype)
    for k, column in enumerate(columns):
        column.take(order, out=found, mode="clip")
        low[:, k], high[:, k] = _bounds(found)
        if single:
            floats[:, k] = found
    middles = (low + (high - low) / 2).astype(positions.dtype).astype(float)
    halves = np.maximum(high - middles, middles - low)
    sizes = halves.max(axis=1)
    sizes[sizes <= 0] = _LEAST / metres
    for k, column in enumerate(columns):
        if single:
            _relate(floats[:, k], middles[:, k], sizes)
        else:
            column.take(order, out=found, mode="clip")
            _relate(found, middles[:, k], sizes)
            floats[:, k] = found
    centre = ((middles - halves).min(axis=0) + (middles + halves).max(axis=0)) / 2
    reach = float(np.max(np.linalg.norm(middles - centre, axis=1) + np.linalg.norm(halves, axis=1)))
    return PointChunks(
        order if rows is None else rows.take(order),
        vertices,
        middles * metres + shift,
        sizes * metres,
        centre * metres + shift,
        max(reach * metres, _LEAST),
    )


def _bounds(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest of each chunk."""
    starts = np.arange(0, len(column), CHUNK)
    return np.minimum.reduceat(column, starts), np.maximum.reduceat(column, starts)


def _relate(column: np.ndarray, middles: np.ndarray, sizes: np.ndarray) -> None:
    """Turn positions along one axis, chunk after chunk, into parts of the chunk's size from its middle."""
    for chunk, (middle, size) in enumerate(zip(middles.tolist(), sizes.tolist(), strict=True)):
        part = column[chunk * CHUNK : (chunk + 1) * CHUNK]
        part -= middle
        part /= size


def set_colors(vertices: np.ndarray, order: np.ndarray, colors: np.ndarray) -> None:
    """Give ``vertices`` their ``colors``, packed RGBA ``(n,)`` by point, or ``(1,)`` for all."""
    vertices["color"] = colors[0] if len(colors) == 1 else colors.take(order)


def _codes(columns: list[np.ndarray]) -> np.ndarray:
    """Position along a space-filling (Morton) curve, uint16."""
    codes = np.zeros(len(columns[0]), np.uint16)
    for k, column in enumerate(columns):
        low, high = float(column.min()), float(column.max())
        scale = (_CELLS - 1e-3) / (high - low) if high > low else 0.0
        for start in range(0, len(column), _BLOCK):
            block = slice(start, start + _BLOCK)
            cells = ((column[block] - low) * scale).astype(np.uint8)
            codes[block] |= _SPREAD.take(np.minimum(cells, _CELLS - 1)) << k
    return codes


def _shuffled(order: np.ndarray) -> np.ndarray:
    """Each chunk of ``order`` in a random, but always the same, order."""
    rng = np.random.default_rng(1)
    whole = len(order) // CHUNK * CHUNK
    head = order[:whole].reshape(-1, CHUNK)[:, rng.permutation(CHUNK)].reshape(-1)
    return np.concatenate([head, order[whole:][rng.permutation(len(order) - whole)]])
