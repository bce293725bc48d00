"""Readers of point data: CSV with a header, speck, and OpenSpace's colour maps. No drawing.

Columns are looked up by name in any case; positions are in the file's own unit.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.engines.user_files import UserFile

LARGEST = 512 * 2**20
"""Bytes of a file of points."""
LARGEST_MAP = 2**20
"""Bytes of a colour map."""
MOST = 20_000_000
"""Points of one cloud."""
_MOST_LINES = MOST + 10_000  # comments included
_MOST_NUMBERS = 64  # of a row of a speck file


class _Unfit(ValueError):
    """What is wrong with a file, in words that do not quote it."""


@dataclass(frozen=True)
class PointData:
    """``positions`` ``(n, 3)`` float64 in the file's unit, and further numeric columns by name ``(n,)``."""

    positions: np.ndarray
    columns: dict[str, np.ndarray]


def read(file: UserFile, mapping: Mapping[str, Any]) -> PointData:
    """Points of a ``.csv`` or ``.speck`` file; ``mapping`` is OpenSpace's DataMapping (X, Y, Z, MissingDataValue).

    Raises EngineError that names the file and what is wrong with it, and never quotes it.
    """
    try:
        with file.open(LARGEST) as content:
            data = _speck(content) if file.path.suffix.casefold() == ".speck" else _csv(content, mapping)
    except OSError as error:
        raise EngineError(f"{file.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise EngineError(f"{file.name} cannot be read: it is not UTF-8 text") from None
    except _Unfit as problem:
        raise EngineError(f"{file.name} does not hold points: {problem}") from None
    good = np.isfinite(data.positions).all(axis=1)
    missing = mapping.get("MissingDataValue")
    if isinstance(missing, int | float):
        good &= (data.positions != missing).all(axis=1)
    if not good.any():
        raise EngineError(f"{file.name} holds no points")
    if len(data.positions) > MOST:
        raise EngineError(f"{file.name} holds {len(data.positions)} points; at most {MOST} can be shown")
    return PointData(data.positions[good], {name: values[good] for name, values in data.columns.items()})


class _Lines:
    """The lines of a text, counted."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.number += 1
            if self.number > _MOST_LINES:
                raise _Unfit(f"there are more lines than the {MOST} points that can be shown")
            yield line


def _csv(content: BinaryIO, mapping: Mapping[str, Any]) -> PointData:
    text = io.TextIOWrapper(content, "utf-8-sig", newline="")
    try:
        # Comment lines may stand before the header.
        header: list[str] = next((row for row in csv.reader(text) if row and not row[0].startswith("#")), [])
        first = next(csv.reader(text), [])
    except csv.Error:
        raise _Unfit("the header is not CSV") from None
    names = [name.strip() for name in header]
    folded = [name.casefold() for name in names]
    axis_names = [str(mapping.get(axis.upper()) or axis) for axis in "xyz"]
    for name in axis_names:
        if name.casefold() not in folded:
            raise _Unfit(f"there is no column {name[:60]!r}: DataMapping names the columns of positions (X, Y, Z)")
    column_indices = [folded.index(name.casefold()) for name in axis_names]
    excluded = {str(name).casefold() for name in mapping.get("ExcludeColumns") or ()}
    others = [
        i for i, item in enumerate(first[: len(names)])
        if i not in column_indices and folded[i] not in excluded and _is_number(item)
    ][:16]  # fmt: skip
    text.seek(0)
    skip = _lines_before(text)
    text.seek(0)
    lines = _Lines(text)
    try:
        table = np.loadtxt(
            lines, delimiter=",", skiprows=skip, usecols=[*column_indices, *others], ndmin=2, quotechar='"'
        )
    except (UnicodeDecodeError, _Unfit):
        raise
    except ValueError:  # which quotes the file
        raise _Unfit(f"line {lines.number} lacks a number in one of the columns") from None
    return PointData(table[:, :3], {names[i]: table[:, 3 + k] for k, i in enumerate(others)})


def _lines_before(text: TextIO) -> int:
    """How many lines come before the first row of data."""
    for count, line in enumerate(text, 1):
        if line.strip() and not line.startswith("#"):
            return count
    return 0


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _speck(content: BinaryIO) -> PointData:
    """Lines that begin with a letter belong to the head (``datavar 0 name``); rows may end in ``# comment``."""
    names: dict[int, str] = {}
    numbers, width = array("d"), _MOST_NUMBERS
    lines = _Lines(io.TextIOWrapper(content, "utf-8", "replace"))
    for line in lines:
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        if text[0].isalpha():
            words = text.split()
            if words[0] == "datavar" and len(words) >= 3 and words[1].isdecimal():
                names[int(words[1])] = words[2]
            continue
        try:
            row = [float(word) for word in text.split(maxsplit=width)[:width]]
        except ValueError:  # which quotes the file
            raise _Unfit(f"line {lines.number} has something else than numbers") from None
        if len(row) < width:
            numbers, width = _narrowed(numbers, width, len(row)), len(row)
        numbers.extend(row)
    if width < 3 or not numbers:
        raise _Unfit("no rows of x y z")
    table = np.frombuffer(numbers).reshape(-1, width)
    columns = {names.get(k, f"column{k}"): table[:, 3 + k] for k in range(width - 3)}
    return PointData(table[:, :3], columns)


def _narrowed(numbers: array[float], width: int, narrower: int) -> array[float]:
    """Rows of ``width`` numbers cut to fewer."""
    return array("d", np.frombuffer(numbers).reshape(-1, width)[:, :narrower].tobytes() if numbers else b"")


def read_color_map(file: UserFile) -> np.ndarray:
    """RGB 0..1 ``(n, 3)`` of a ``.cmap`` file: the number of colours, then a line of three or four numbers each.

    Raises EngineError that never quotes the file.
    """
    try:
        with file.open(LARGEST_MAP) as content:
            text = content.read(LARGEST_MAP).decode()
        lines = [line.split("#", 1)[0].split() for line in text.splitlines()]
        rows = [[float(word) for word in words[:3]] for words in lines if len(words) >= 3]
    except OSError as error:
        raise EngineError(f"the colour map {file.name} cannot be read: {error.strerror}") from None
    except ValueError:  # which quotes the file
        raise EngineError(f"the colour map {file.name} cannot be read: a colour is three or four numbers") from None
    colors = np.array(rows, float).reshape(-1, 3)
    if not len(colors) or not np.isfinite(colors).all():
        raise EngineError(f"the colour map {file.name} has no colours")
    return np.asarray(np.clip(colors, 0, 1))
