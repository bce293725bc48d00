"""Reading point data: CSV with a header, speck, and OpenSpace's colour maps. No drawing.

Columns are looked up by name in any case; places are in the file's own unit.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError

LARGEST = 2_000_000_000
"""Bytes of a file that is still read."""
MOST = 20_000_000
"""Points of one cloud."""


@dataclass(frozen=True)
class PointData:
    """``places`` ``(n, 3)`` float64 in the file's unit, and further numeric columns by name ``(n,)``."""

    places: np.ndarray
    columns: dict[str, np.ndarray]


def read(path: str, mapping: Mapping[str, Any]) -> PointData:
    """Points of a ``.csv`` or ``.speck`` file; ``mapping`` is OpenSpace's DataMapping (X, Y, Z, MissingDataValue).

    Raises EngineError that names the file and what is wrong with it.
    """
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST:
            raise EngineError(f"{file.name} is larger than {LARGEST / 1e9:g} GB")
        data = _speck(file) if file.suffix.casefold() == ".speck" else _csv(file, mapping)
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{file.name} cannot be read: {error}") from None
    except ValueError as error:
        raise EngineError(f"{file.name} does not hold points: {str(error)[:200]}") from None
    good = np.isfinite(data.places).all(axis=1)
    missing = mapping.get("MissingDataValue")
    if isinstance(missing, int | float):
        good &= (data.places != missing).all(axis=1)
    if not good.any():
        raise EngineError(f"{file.name} holds no points")
    if len(data.places) > MOST:
        raise EngineError(f"{file.name} holds {len(data.places)} points; at most {MOST} can be shown")
    return PointData(data.places[good], {name: values[good] for name, values in data.columns.items()})


def _csv(file: Path, mapping: Mapping[str, Any]) -> PointData:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        # Comment lines may stand before the header.
        header: list[str] = next((row for row in csv.reader(lines) if row and not row[0].startswith("#")), [])
        first = next(csv.reader(lines), [])
    names = [name.strip() for name in header]
    folded = [name.casefold() for name in names]
    wanted = [str(mapping.get(axis.upper()) or axis) for axis in "xyz"]
    for name in wanted:
        if name.casefold() not in folded:
            raise ValueError(f"there is no column {name!r}; the header has {', '.join(names[:20]) or 'nothing'}")
    places = [folded.index(name.casefold()) for name in wanted]
    excluded = {str(name).casefold() for name in mapping.get("ExcludeColumns") or ()}
    others = [
        i for i, text in enumerate(first[: len(names)])
        if i not in places and folded[i] not in excluded and _is_number(text)
    ][:16]  # fmt: skip
    skip = _lines_before(file)
    table = np.loadtxt(
        file, delimiter=",", skiprows=skip, usecols=[*places, *others], ndmin=2, encoding="utf-8-sig", quotechar='"'
    )
    return PointData(table[:, :3], {names[i]: table[:, 3 + k] for k, i in enumerate(others)})


def _lines_before(file: Path) -> int:
    """How many lines come before the first row of data."""
    with file.open(encoding="utf-8-sig") as lines:
        for count, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                return count
    return 0


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _speck(file: Path) -> PointData:
    """Lines that begin with a letter belong to the head (``datavar 0 name``); rows may end in ``# comment``."""
    names: dict[int, str] = {}
    rows: list[list[float]] = []
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            text = line.split("#", 1)[0].strip()
            if not text:
                continue
            if text[0].isalpha():
                words = text.split()
                if words[0] == "datavar" and len(words) >= 3 and words[1].isdecimal():
                    names[int(words[1])] = words[2]
                continue
            rows.append([float(word) for word in text.split()])
    width = min((len(row) for row in rows), default=0)
    if width < 3:
        raise ValueError("no rows of x y z")
    table = np.array([row[:width] for row in rows])
    columns = {names.get(k, f"column{k}"): table[:, 3 + k] for k in range(width - 3)}
    return PointData(table[:, :3], columns)


def read_colour_map(path: str) -> np.ndarray:
    """RGB 0..1 ``(n, 3)`` of a ``.cmap`` file: the number of colours, then a line of three or four numbers each.

    Raises EngineError.
    """
    file = Path(path)
    try:
        lines = [line.split("#", 1)[0].split() for line in file.read_text("utf-8")[:10_000_000].splitlines()]
        rows = [[float(word) for word in words[:3]] for words in lines if len(words) >= 3]
        colours = np.array(rows, float).reshape(-1, 3)
    except (OSError, ValueError) as error:
        raise EngineError(f"the colour map {file.name} cannot be read: {error}") from None
    if not len(colours) or not np.isfinite(colours).all():
        raise EngineError(f"the colour map {file.name} has no colours")
    return np.asarray(np.clip(colours, 0, 1))
