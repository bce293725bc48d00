"""Point frames: the array message of kind ``points``.

Header fields: ``name``; ``sequence`` (counts up for each name; a frame older than the one shown is dropped);
``keep`` (``"latest"``: a newer frame replaces one that waits; ``"all"``: every frame is shown);
``sender`` (an opaque text, the same for all connections of one process: a name belongs to one sender);
``check`` (whether the answer contains the CRC-32 of the received data); ``options`` (:class:`PointOptions`). The array
is float32 or float64 ``(n, 3)``: positions in ``options.unit``. Columns, all with n rows: ``values`` float ``(n,)``,
to which the color map is applied, or ``colors`` uint8 ``(n, 4)``, RGBA.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from openspace_server.protocols import arrays
from openspace_server.protocols.fields import ProtocolError, boolean, describe, integer, number, text
from openspace_server.protocols.units import POINT_UNITS

KIND = "points"
MAX_POINTS = 20_000_000
LATEST, ALL = "latest", "all"
UNITS = tuple(POINT_UNITS)
FRAMES = ("Galactic", "ICRF")
COLUMNS = ("values", "colors")
MAX_COLORS = 1024


@dataclass(frozen=True)
class PointOptions:
    """Appearance and position of points.

    Attributes:
        unit: of the positions, one of :data:`UNITS`.
        parent: scene graph node around which the positions are, in its axes; "Root" is the world.
        frame: axes of the positions below Root: "Galactic" (OpenSpace's world axes) or "ICRF".
        offset: metres added to the positions, in the parent's axes.
        size: of a point, pixels.
        opacity: 0 to 1.
        visible: drawn or not.
        color: RGB 0 to 1, of points without values and colors.
        colormap: RGB 0 to 255, uint8 triples from low to high; empty without values.
        colormap_name: its name, for people.
        range: values of the first and the last color.
        log: whether colors follow the logarithm of the values.
        label: the points' name, for people.
    """

    unit: str = "m"
    parent: str = "Root"
    frame: str = "Galactic"
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    size: float = 1.0
    opacity: float = 1.0
    visible: bool = True
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    colormap: tuple[tuple[int, int, int], ...] = ()
    colormap_name: str = ""
    range: tuple[float, float] = (0.0, 1.0)
    log: bool = False
    label: str = ""

    def as_json(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return fields | {"colormap": "".join(f"{r:02x}{g:02x}{b:02x}" for r, g, b in self.colormap)}

    @classmethod
    def read(cls, fields: Any) -> PointOptions:
        """Raises ProtocolError naming the field that is wrong."""
        if not isinstance(fields, dict):
            raise ProtocolError(f"options: expected an object, got {describe(fields)}")
        unit = text(fields, "unit", limit=8, default="m")
        if unit not in UNITS:
            raise ProtocolError(f"unit: expected one of {', '.join(UNITS)}, got {describe(unit)}")
        frame = text(fields, "frame", limit=16, default="Galactic")
        if frame not in FRAMES:
            raise ProtocolError(f"frame: expected one of {', '.join(FRAMES)}, got {describe(frame)}")
        low, high = _numbers(fields, "range", 2, (0.0, 1.0))
        log = boolean(fields, "log", False)
        if low > high or (log and low <= 0):
            raise ProtocolError(f"range: expected {'0 < ' if log else ''}low <= high, got {low:g} and {high:g}")
        return cls(
            unit=unit,
            parent=text(fields, "parent", limit=256, default="Root"),
            frame=frame,
            offset=_three(_numbers(fields, "offset", 3, (0.0, 0.0, 0.0))),
            size=_within(fields, "size", 0.1, 64, 1.0),
            opacity=_within(fields, "opacity", 0, 1, 1.0),
            visible=boolean(fields, "visible", True),
            color=_three(_numbers(fields, "color", 3, (1.0, 1.0, 1.0), 0, 1)),
            colormap=_colors(text(fields, "colormap", limit=6 * MAX_COLORS, default="")),
            colormap_name=text(fields, "colormap_name", limit=64, default=""),
            range=(low, high),
            log=log,
            label=text(fields, "label", limit=256, default=""),
        )


@dataclass(frozen=True)
class PointFrame:
    """One frame, see the module's text. ``columns``: those of :data:`COLUMNS` that it has."""

    name: str
    sequence: int
    positions: np.ndarray
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    options: PointOptions = field(default_factory=PointOptions)
    keep: str = ALL
    sender: str = ""
    check: bool = False

    def encode(
        self, encoding: arrays.Encoding = arrays.PLAIN, **fields: Any
    ) -> tuple[list[bytes | memoryview], list[float] | None]:
        """The parts of the message, and the error bound of x, y and z in the unit (None: exact).

        Raises:
            ProtocolError: as :func:`arrays.encode_columns`.
        """
        return arrays.encode_columns(
            self.positions,
            self.columns,
            KIND,
            encoding,
            name=self.name,
            sequence=self.sequence,
            keep=self.keep,
            sender=self.sender,
            check=self.check,
            options=self.options.as_json(),
            **fields,
        )

    @classmethod
    def decode(cls, message: bytes | memoryview) -> PointFrame:
        """Raises ProtocolError for anything that is not a frame of points that can be drawn."""
        header, positions, columns = arrays.decode_columns(message)
        frame = cls(
            name=text(header, "name", limit=128),
            sequence=integer(header, "sequence", 0, 2**53),
            positions=positions,
            columns=columns,
            options=PointOptions.read(header.get("options", {})),
            keep=text(header, "keep", limit=8, default=ALL),
            sender=text(header, "sender", limit=128, default=""),
            check=boolean(header, "check", False),
        )
        if header["kind"] != KIND:
            raise ProtocolError(f"kind: expected {KIND}, got {describe(header['kind'])}")
        frame.validate()
        return frame

    def validate(self) -> None:
        """Raises ProtocolError unless shapes, dtypes and numbers are those of points."""
        if not self.name.strip():
            raise ProtocolError("name: points need a name")
        if self.keep not in (LATEST, ALL):
            raise ProtocolError(f"keep: expected {LATEST} or {ALL}, got {describe(self.keep)}")
        if self.positions.dtype.str not in ("<f4", "<f8") or self.positions.ndim != 2 or self.positions.shape[1] != 3:
            raise ProtocolError(
                f"points: expected float32 or float64 (n, 3), got {self.positions.dtype} {self.positions.shape}"
            )
        count = len(self.positions)
        if not 1 <= count <= MAX_POINTS:
            raise ProtocolError(f"points: expected 1 to {MAX_POINTS} of them, got {count}")
        _finite("points", self.positions)
        for name, column in self.columns.items():
            if name not in COLUMNS:
                raise ProtocolError(f"columns: expected some of {', '.join(COLUMNS)}, got {describe(name)}")
            shape: tuple[int, ...] = (count, 4) if name == "colors" else (count,)
            if column.shape != shape or (name == "colors") != (column.dtype == np.uint8):
                kind = "uint8" if name == "colors" else "float32"
                raise ProtocolError(f"{name}: expected {kind} {shape}, got {column.dtype} {column.shape}")
            _finite(name, column)


def checksum(frame: PointFrame) -> int:
    """CRC-32 of the positions and, in the order of :data:`COLUMNS`, the columns, as C-contiguous bytes."""
    crc = zlib.crc32(np.ascontiguousarray(frame.positions).data)
    for name in COLUMNS:
        if name in frame.columns:
            crc = zlib.crc32(np.ascontiguousarray(frame.columns[name]).data, crc)
    return crc


def identifier(name: str) -> str:
    """The scene graph identifier for points called ``name``: no spaces, dots or other marks of their own meaning."""
    return re.sub(r"[^\w-]+", "_", name.strip())


def _finite(what: str, array: np.ndarray) -> None:
    """Raises ProtocolError that names the first row with NaN or infinity."""
    # The sum is quick and finite only if all are, unless finite numbers overflow it.
    if array.dtype.kind != "f":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum(dtype=np.float64)):
            return
    bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise ProtocolError(
            f"{what}: {int(bad.sum())} of {len(array)} rows hold NaN or infinity, the first is row {row}: "
            f"{np.atleast_1d(array[row]).tolist()}"
        )


def _numbers(
    fields: dict[str, Any], name: str, count: int, default: tuple[float, ...], low: float = -1e300, high: float = 1e300
) -> tuple[float, ...]:
    value = fields.get(name, default)
    if not isinstance(value, list | tuple) or len(value) != count:
        raise ProtocolError(f"{name}: expected {count} numbers, got {describe(value)}")
    numbers = tuple(number({name: each}, name) for each in value)
    if not all(low <= each <= high for each in numbers):
        raise ProtocolError(f"{name}: {describe(value)} is outside {low:g} to {high:g}")
    return numbers


def _three(numbers: tuple[float, ...]) -> tuple[float, float, float]:
    x, y, z = numbers
    return x, y, z


def _within(fields: dict[str, Any], name: str, low: float, high: float, default: float) -> float:
    value = number(fields, name, default)
    if not low <= value <= high:
        raise ProtocolError(f"{name}: {value:g} is outside {low:g} to {high:g}")
    return value


def _colors(hexadecimal: str) -> tuple[tuple[int, int, int], ...]:
    try:
        flat = bytes.fromhex(hexadecimal)
    except ValueError:
        flat = b"?"
    if len(flat) % 3:
        raise ProtocolError("colormap: expected RGB triples as hexadecimal digits")
    return tuple((flat[i], flat[i + 1], flat[i + 2]) for i in range(0, len(flat), 3))
