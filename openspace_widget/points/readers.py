"""Readers of point files: CSV, speck, VOTable and FITS (with astropy), Parquet (with pyarrow), ``.npy``, ``.npz``.

Each reader returns columns by name. The error for a row that cannot be read names its line and quotes it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from openspace_widget.errors import PointsError

LARGEST = 4_000_000_000
"""Size limit of files in bytes."""
DELIMITERS = ",;\t| "


@dataclass
class Rows:
    """Columns ``(n,)`` by name, and their units where the file has them."""

    path: Path
    columns: dict[str, np.ndarray]
    units: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> Rows:
    """The columns of a file, by its ending.

    Raises:
        PointsError: no such file, an unknown ending, a package that is missing, or a row that cannot be read.
    """
    if not path.is_file():
        raise PointsError(f"{path}: there is no such file")
    ending = path.suffix.casefold()
    reader = READERS.get(ending)
    if reader is None:
        raise PointsError(
            f"{path.name}: expected a file ending with {', '.join(READERS)}, got {ending or 'no ending'!r}"
        )
    if path.stat().st_size > LARGEST:
        raise PointsError(f"{path.name}: larger than {LARGEST / 1e9:g} GB")
    try:
        rows = reader(path)
    except (OSError, UnicodeDecodeError) as problem:
        raise PointsError(f"{path.name}: cannot be read: {problem}") from None
    if not any(len(column) for column in rows.columns.values()):
        raise PointsError(f"{path.name}: there is not a single row")
    return rows


def plain_column(column: Any) -> np.ndarray:
    """One column of an astropy table as a plain array; masked numbers become NaN."""
    if hasattr(column, "filled") and getattr(column, "dtype", np.dtype("O")).kind in "fiu":
        return np.asarray(column.astype(float).filled(np.nan))
    return np.asarray(getattr(column, "value", column))


def _csv(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        head = _first_line(lines)
        if head is None:
            raise PointsError(f"{path.name}: there is no header")
        number, text = head
        delimiter = max(DELIMITERS, key=text.count) if any(d in text for d in DELIMITERS) else ","
        names = [name.strip() for name in next(csv.reader([text], delimiter=delimiter, skipinitialspace=True))]
        if len(set(names)) < len(names):
            raise PointsError(f"{path.name}: two columns have the same name: {', '.join(names)}")
        rows: list[list[str]] = []
        numbers: list[int] = []
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        for row in reader:
            if not row or row[0].startswith("#"):
                continue
            if len(row) != len(names):
                raise PointsError(
                    f"{path.name}, line {number + reader.line_num}: {len(row)} fields, the header has {len(names)}: "
                    f"{delimiter.join(row)[:80]!r}"
                )
            rows.append(row)
            numbers.append(number + reader.line_num)
    columns = {}
    for index, name in enumerate(names):
        texts = [row[index].strip() for row in rows]
        columns[name] = _column(path, name, texts, numbers)
    return Rows(path, columns)


def _first_line(lines: Any) -> tuple[int, str] | None:
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            return number, line.rstrip("\r\n")
    return None


def _column(path: Path, name: str, texts: list[str], numbers: list[int]) -> np.ndarray:
    """Numbers if most fields are numbers (empty ones are NaN): one that is not is an error then. Else texts."""
    try:
        return np.array([text or "nan" for text in texts], np.float64)
    except ValueError:
        pass
    bad = [(line, text) for line, text in zip(numbers, texts, strict=True) if not _is_number(text)]
    if 2 * len(bad) <= len(texts):
        line, text = bad[0]
        raise PointsError(f"{path.name}, line {line}: column {name!r}: {text[:40]!r} is not a number")
    return np.array(texts)


def _is_number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True


def _speck(path: Path) -> Rows:
    """Lines that begin with a letter belong to the head (``datavar 0 name``); rows may end in ``# comment``."""
    names: dict[int, str] = {}
    rows: list[list[float]] = []
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            text = line.split("#", 1)[0].strip()
            if not text:
                continue
            words = text.split()
            if text[0].isalpha() and not _is_number(words[0]):
                if words[0] == "datavar" and len(words) >= 3 and words[1].isdecimal():
                    names[int(words[1])] = words[2]
                continue
            try:
                row = [float(word) for word in words]
            except ValueError:
                raise PointsError(f"{path.name}, line {number}: not all numbers: {text[:80]!r}") from None
            if len(row) < 3:
                raise PointsError(
                    f"{path.name}, line {number}: {len(row)} numbers, expected x y z at least: {text[:80]!r}"
                )
            if rows and len(row) != len(rows[0]):
                raise PointsError(
                    f"{path.name}, line {number}: {len(row)} numbers, those before have {len(rows[0])}: {text[:80]!r}"
                )
            rows.append(row)
    table = np.array(rows, float).reshape(len(rows), -1)
    extra = [names.get(k, f"column{k}") for k in range(table.shape[1] - 3)] if rows else []
    return Rows(path, dict(zip(["x", "y", "z", *extra], table.T, strict=False)))


def _numpy(path: Path) -> Rows:
    try:
        loaded = np.load(path, allow_pickle=False)
    except ValueError as problem:
        raise PointsError(f"{path.name}: not an array that can be read safely: {problem}") from None
    if isinstance(loaded, np.ndarray):
        return Rows(path, _columns_of(path, loaded))
    with loaded:
        arrays = {name: loaded[name] for name in loaded.files}
    for name in ("xyz", "positions", "points", "coordinates"):
        if name in arrays:
            columns = _columns_of(path, arrays.pop(name))
            count = len(columns["x"])
            return Rows(path, columns | {key: each for key, each in arrays.items() if each.shape == (count,)})
    if len(arrays) == 1:
        return Rows(path, _columns_of(path, next(iter(arrays.values()))))
    return Rows(path, {name: each for name, each in arrays.items() if each.ndim == 1})


def _columns_of(path: Path, array: np.ndarray) -> dict[str, np.ndarray]:
    if array.dtype.names:
        return {name: array[name] for name in array.dtype.names}
    if array.ndim != 2 or array.shape[1] < 3 or array.dtype.kind not in "fiu":
        raise PointsError(
            f"{path.name}: expected numbers of shape (n, 3) or more columns, got {array.dtype} {array.shape}"
        )
    names = ["x", "y", "z", *(f"column{k}" for k in range(array.shape[1] - 3))]
    return dict(zip(names, array.T, strict=True))


def _astropy(path: Path) -> Rows:
    try:
        from astropy.table import Table
    except ImportError:
        raise PointsError(f"{path.name}: VOTable and FITS files need astropy: pip install astropy") from None
    format = "fits" if path.name.casefold().endswith((".fits", ".fit", ".fits.gz")) else "votable"
    try:
        table = Table.read(path, format=format)
    except Exception as problem:  # astropy's readers raise whatever their parsers do
        raise PointsError(f"{path.name}: no table that astropy can read: {str(problem)[:200]}") from None
    columns = {name: plain_column(table[name]) for name in table.colnames}
    return Rows(path, columns, {name: str(table[name].unit) for name in table.colnames if table[name].unit})


def _parquet(path: Path) -> Rows:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise PointsError(f"{path.name}: Parquet files need pyarrow: pip install pyarrow") from None
    try:
        table = parquet.read_table(path)
    except ArrowException as problem:
        raise PointsError(f"{path.name}: no Parquet file that pyarrow can read: {str(problem)[:200]}") from None
    return Rows(path, {name: table[name].to_numpy() for name in table.column_names})


READERS: dict[str, Callable[[Path], Rows]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".txt": _csv,
    ".speck": _speck,
    ".npy": _numpy,
    ".npz": _numpy,
    ".vot": _astropy,
    ".votable": _astropy,
    ".xml": _astropy,
    ".fits": _astropy,
    ".fit": _astropy,
    ".parquet": _parquet,
}
"""Ending → reader."""
