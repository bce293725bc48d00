"""Point files for OpenSpace: CSV with a header, and colour maps (``.cmap``).

CSV and not speck, which leaves out points that are zero in everything; both are text, and OpenSpace keeps numbers as
float32. Every number is written with nine digits, which give a float32 back exactly, and in 15 characters, which
OpenSpace's strings hold without asking for memory.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

COLUMN = "values"
"""The column that is coloured."""
MOST_COLORS = 16_384
"""Of a colour map: it becomes a texture of one row, and OpenGL 4 promises that size."""

_ROWS = 65_536
"""Written at a time."""
_WIDTH = 15
_LEAST, _MOST = 1e-37, 3.4028235e38
"""OpenSpace cannot read numbers that float32 has not, nor its denormal ones: those become 0, and too large ones
infinity's neighbour."""
_FOUR = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint8).reshape(-1, 4)
_EXPONENTS = np.frombuffer(b"".join(b"e%+03d" % e for e in range(-38, 39)), np.uint8).reshape(-1, 4)
_SCALES = np.array([float(f"1e{8 - e}") for e in range(-38, 39)])
_NOT_A_NUMBER = np.frombuffer(b"nan".rjust(_WIDTH), np.uint8)


def write_points(file: Path, positions: np.ndarray, values: np.ndarray | None = None) -> None:
    """Write ``positions`` ``(n, 3)`` and ``values`` ``(n,)`` as CSV; NaN among the values hides a point.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    columns = [positions[:, 0], positions[:, 1], positions[:, 2], *([values] if values is not None else [])]
    header = ["x", "y", "z", COLUMN][: len(columns)]
    try:
        with file.open("wb") as out:
            out.write(f"{','.join(header)}\n".encode())
            for start in range(0, len(positions), _ROWS):
                out.write(_rows([column[start : start + _ROWS] for column in columns]))
    except OSError:
        file.unlink(missing_ok=True)
        raise


def write_color_map(file: Path, colors: np.ndarray) -> None:
    """Write ``colors`` uint8 ``(m, 4)``, RGBA, as a ``.cmap`` file. Raises OSError."""
    # OpenSpace cuts 255 times the number down to a whole one: a quarter more keeps it what it was.
    shares = np.minimum((colors + 0.25) / 255, 1.0)
    lines = [" ".join(f"{share:.6f}" for share in row) for row in shares.tolist()]
    file.write_text("\n".join([str(len(lines)), *lines, ""]), "utf-8")


def palette(colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """RGBA uint8 ``(n, 4)`` as a colour map ``(m, 4)``, m at most :data:`MOST_COLORS`, and each point's row of it
    ``(n,)``. More colours than that are rounded to fewer bits, and the mean of those that fall together is taken."""
    exact = np.ascontiguousarray(colors)
    for bits in range(8, 0, -1):
        kept = exact >> (8 - bits) << (8 - bits)
        codes, rows = np.unique(kept.view("<u4")[:, 0], return_inverse=True)
        if len(codes) <= MOST_COLORS:
            break
    counts = np.bincount(rows, minlength=len(codes))
    means = [np.bincount(rows, weights=exact[:, k], minlength=len(codes)) / counts for k in range(4)]
    return np.rint(np.stack(means, axis=1)).astype(np.uint8), rows


def _rows(columns: list[np.ndarray]) -> memoryview:
    text = np.empty((len(columns[0]), len(columns), _WIDTH + 1), np.uint8)
    for index, column in enumerate(columns):
        _spell(column, text[:, index, :_WIDTH])
    text[:, :, _WIDTH] = ord(",")
    text[:, -1, _WIDTH] = ord("\n")
    return text.reshape(-1).data


def _spell(numbers: np.ndarray, text: np.ndarray) -> None:
    """Write ``numbers`` ``(n,)`` into ``text`` ``(n, 15)`` as ``-d.dddddddde-dd``."""
    values = numbers.astype(np.float64)
    known = np.isfinite(values)
    size = np.where(known, np.minimum(np.abs(values), _MOST), 0.0)
    size[size < _LEAST] = 0.0
    exponents = np.floor(np.log10(size, where=size > 0, out=np.zeros_like(size))).astype(np.intp)
    digits = np.rint(size * _SCALES[exponents + 38]).astype(np.int64)
    # Next to a power of ten the logarithm, or rounding, may be one off.
    exponents += (digits >= 10**9).astype(np.intp) - ((digits < 10**8) & (size > 0))
    digits = np.rint(size * _SCALES[exponents + 38]).astype(np.int64)
    text[:, 0] = np.where(values < 0, ord("-"), ord(" "))
    text[:, 1] = digits // 10**8 + ord("0")
    text[:, 2] = ord(".")
    text[:, 3:7] = _FOUR[digits // 10**4 % 10**4]
    text[:, 7:11] = _FOUR[digits % 10**4]
    text[:, 11:15] = _EXPONENTS[exponents + 38]
    text[~known] = _NOT_A_NUMBER
