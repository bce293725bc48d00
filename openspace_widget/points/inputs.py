"""Input of points: positions, values and units from NumPy, pandas, astropy, or a file.

pandas and astropy are used only when their objects are passed, so neither is required.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from openspace_server.protocols.points import UNITS
from openspace_server.protocols.suggestions import suggest
from openspace_widget.errors import PointsError
from openspace_widget.points import readers

FRAMES = ("galactic", "icrs", "ecliptic", "supergalactic")
"""Axes of positions around the Sun. Around a body, positions are in the body's own axes."""

ECLIPTIC = np.array(
    [[1.0, 0.0, 0.0], [0.0, 0.9174820620691818, -0.3977771559319137], [0.0, 0.3977771559319137, 0.9174820620691818]]
)
"""Matrix from ecliptic axes of J2000 (obliquity 84381.448 arc seconds) to ICRF axes."""


def _supergalactic() -> np.ndarray:
    """Matrix to galactic axes: the pole is at l = 47.37, b = 6.32 degrees, the origin at l = 137.37, b = 0."""
    lon, lat = np.radians([47.37, 6.32])
    pole = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    origin = np.array([-np.sin(lon), np.cos(lon), 0.0])
    return np.stack([origin, np.cross(pole, origin), pole], axis=1)


SUPERGALACTIC = _supergalactic()


@dataclass
class PointInput:
    """Positions ``(n, 3)`` float, ``unit`` and ``frame`` where the source has them, and its columns by name."""

    positions: np.ndarray
    unit: str | None = None
    frame: str | None = None
    columns: dict[str, np.ndarray] = field(default_factory=dict)


def read(xyz: Any, unit: str | None = None) -> PointInput:
    """The positions in ``xyz``, and what else it has.

    Args:
        xyz: array ``(n, 3)``; astropy ``Quantity`` ``(n, 3)``, ``SkyCoord`` with distances, ``Table``; pandas
            ``DataFrame``; or the path of a file that :mod:`readers` reads. Tables have columns x, y, z, or
            ra and dec in degrees with distance or parallax (milliarcseconds), in any case.
        unit: the user's, for sources without one.

    Raises:
        PointsError: not points, naming what was found.
    """
    if isinstance(xyz, str | Path):
        xyz = readers.read(Path(xyz))
    if isinstance(xyz, PointInput):
        return xyz
    if isinstance(xyz, readers.Rows):
        return _of_columns(xyz.columns, xyz.units, str(xyz.path))
    pandas, units, coordinates, table = map(
        sys.modules.get, ("pandas", "astropy.units", "astropy.coordinates", "astropy.table")
    )
    if pandas is not None and isinstance(xyz, pandas.DataFrame):
        return _of_columns({str(name): xyz[name].to_numpy() for name in xyz.columns}, {}, "the DataFrame")
    if coordinates is not None and isinstance(xyz, coordinates.SkyCoord):
        return _of_sky(xyz)
    if coordinates is not None and isinstance(xyz, coordinates.BaseRepresentation):
        return read(xyz.to_cartesian().xyz.T, unit)
    if table is not None and isinstance(xyz, table.Table):
        return _of_table(xyz)
    if units is not None and isinstance(xyz, units.Quantity):
        return _of_quantity(xyz)
    return PointInput(checked(xyz))


def checked(xyz: Any) -> np.ndarray:
    """``xyz`` as float32 (as it is) or float64 ``(n, 3)``. Raises PointsError."""
    try:
        array = np.asarray(xyz)
    except ValueError as problem:
        raise PointsError(f"xyz: expected an array (n, 3): {problem}") from None
    if array.dtype.kind not in "fiu":
        raise PointsError(f"xyz: expected numbers, got an array of {array.dtype}")
    if array.ndim != 2 or array.shape[1] != 3:
        hint = "; did you mean its transpose, xyz.T?" if array.ndim == 2 and array.shape[0] == 3 else ""
        raise PointsError(f"xyz: expected shape (n, 3), got {array.shape}{hint}")
    if not len(array):
        raise PointsError("xyz: there is not a single point")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def values_of(values: Any, points: PointInput) -> np.ndarray | None:
    """``values`` (an array ``(n,)``, a Quantity, a Series, or the name of a column of ``points``) as floats.

    Raises PointsError.
    """
    count = len(points.positions)
    if values is None:
        return None
    if isinstance(values, str):
        for name, column in points.columns.items():
            if name.casefold() == values.casefold():
                return values_of(column, points)
        raise PointsError(f"values: there is no column {values!r}: {suggest(values, points.columns, alike=0.4)}")
    array = np.asarray(getattr(values, "value", values) if _is_quantity(values) else values)
    if array.dtype.kind not in "fiub":
        raise PointsError(f"values: expected numbers, got an array of {array.dtype}")
    if array.shape != (count,):
        raise PointsError(f"values: expected one number per point, shape ({count},), got {array.shape}")
    return array.astype(np.float32, copy=False)


def colors_of(colors: Any, count: int) -> np.ndarray:
    """uint8 RGBA ``(n, 4)`` of an array ``(n, 3)`` or ``(n, 4)``, uint8 or floats 0 to 1. Raises PointsError."""
    array = np.asarray(colors)
    if array.shape not in ((count, 3), (count, 4)) or array.dtype.kind not in "fiu":
        raise PointsError(f"colors: expected numbers ({count}, 3) or ({count}, 4), got {array.dtype} {array.shape}")
    if array.dtype.kind == "f":
        if not ((array >= 0) & (array <= 1)).all():
            raise PointsError("colors: floats lie between 0 and 1")
        array = np.round(array * 255)
    elif array.min() < 0 or array.max() > 255:
        raise PointsError("colors: whole numbers lie between 0 and 255")
    out = np.full((count, 4), 255, np.uint8)
    out[:, : array.shape[1]] = array
    return out


def mask_of(filter: Any, numbers: np.ndarray | None, count: int) -> np.ndarray | None:
    """Which points to show, bool ``(n,)``: ``filter`` is such an array, ``(low, high)`` of the values (None:
    open), or a function of the values. Raises PointsError."""
    if filter is None:
        return None
    by_value = isinstance(filter, Callable) or (isinstance(filter, tuple) and len(filter) == 2)  # type: ignore[arg-type]
    if by_value and numbers is None:
        raise PointsError("filter: a range or a function needs values=")
    if isinstance(filter, tuple) and len(filter) == 2 and numbers is not None:
        low, high = filter
        kept = np.ones(count, bool)
        if low is not None:
            kept &= numbers >= low
        if high is not None:
            kept &= numbers <= high
        return kept
    array = np.asarray(filter(numbers) if callable(filter) else filter)
    if array.dtype != bool or array.shape != (count,):
        raise PointsError(f"filter: expected {count} of True or False, got {array.dtype} {array.shape}")
    return array


def unit_name(unit: Any) -> str:
    """``unit``, a name in any case or an astropy unit, as the protocol spells it. Raises PointsError."""
    text = str(unit).strip()
    for known in UNITS:
        if known.casefold() == text.casefold():
            return known
    raise PointsError(f"unit: expected one of {', '.join(UNITS)}, got {text!r}")


def frame_matrix(frame: str) -> tuple[str, np.ndarray | None]:
    """The protocol's frame and the matrix to it, None for none, from one of :data:`FRAMES`. Raises PointsError."""
    match str(frame).casefold():
        case "galactic":
            return "Galactic", None
        case "icrs" | "icrf":
            return "ICRF", None
        case "ecliptic":
            return "ICRF", ECLIPTIC
        case "supergalactic":
            return "Galactic", SUPERGALACTIC
    raise PointsError(f"frame: expected one of {', '.join(FRAMES)}, got {frame!r}")


def _of_columns(columns: dict[str, np.ndarray], units: dict[str, str], what: str) -> PointInput:
    folded = {name.casefold().strip(): name for name in columns}

    def column(*names: str) -> str | None:
        return next((folded[name] for name in names if name in folded), None)

    def numbers(name: str) -> np.ndarray:
        array = np.asarray(columns[name])
        if array.dtype.kind not in "fiu":
            raise PointsError(f"{what}: column {name!r} holds {array.dtype}, not numbers")
        return array

    axes = [column(axis) for axis in "xyz"]
    if all(axes):
        named = [name for name in axes if name]
        own = {units[name] for name in named if units.get(name)}
        if len(own) > 1:
            raise PointsError(f"{what}: x, y and z have different units: {', '.join(sorted(own))}")
        positions = np.stack([numbers(name) for name in named], axis=1)
        return PointInput(checked(positions), own.pop() if own else None, None, columns)
    ra, dec = column("ra", "raj2000", "ra_icrs"), column("dec", "de", "dej2000", "de_icrs")
    distance, parallax = column("distance", "dist", "r"), column("parallax", "plx")
    if ra and dec and (distance or parallax):
        return _of_angles(columns, units, numbers, ra, dec, distance, parallax)
    raise PointsError(
        f"{what} has no columns x, y, z, nor ra, dec with distance or parallax: "
        f"it has {', '.join(list(columns)[:20]) or 'none'}"
    )


def _of_angles(
    columns: dict[str, np.ndarray],
    units: dict[str, str],
    numbers: Callable[[str], np.ndarray],
    ra: str,
    dec: str,
    distance: str | None,
    parallax: str | None,
) -> PointInput:
    for name in (ra, dec):
        if units.get(name) not in (None, "", "deg", "degree", "degrees"):
            raise PointsError(f"column {name!r} is in {units[name]}, expected degrees")
    if distance:
        far, unit = np.asarray(numbers(distance), float), units.get(distance)
    else:
        assert parallax is not None
        with np.errstate(divide="ignore", invalid="ignore"):
            far = 1000 / np.asarray(numbers(parallax), float)
        far[~(far > 0)] = np.nan  # no distance follows from a parallax that is zero or negative
        unit = "pc"
    lon, lat = np.radians(np.asarray(numbers(ra), float)), np.radians(np.asarray(numbers(dec), float))
    directions = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    return PointInput(directions * far[:, None], unit, "icrs", columns)


def _of_quantity(quantity: Any) -> PointInput:
    for unit in ("m", "km", "au", "pc", "kpc", "Mpc", "Gpc"):
        if str(quantity.unit) == unit or (unit == "au" and str(quantity.unit) == "AU"):
            return PointInput(checked(quantity.value), unit)
    if quantity.unit.physical_type != "length":
        raise PointsError(f"xyz: expected lengths, got a quantity in {quantity.unit or 'no unit'}")
    return PointInput(checked(quantity.to_value("pc")), "pc")


def _of_sky(sky: Any) -> PointInput:
    sky = sky.flatten() if sky.shape != () else sky.reshape(1)
    if not sky.distance.unit.is_equivalent("m"):
        raise PointsError("SkyCoord: it has no distances, so its points are directions; give distance= to SkyCoord")
    points = _of_quantity(sky.galactic.cartesian.xyz.T)
    points.frame = "galactic"
    return points


def _of_table(table: Any) -> PointInput:
    from astropy.coordinates import SkyCoord

    for name in table.colnames:
        if isinstance(table[name], SkyCoord):
            points = _of_sky(table[name])
            points.columns = {other: np.asarray(table[other]) for other in table.colnames if other != name}
            return points
    columns = {name: readers.plain_column(table[name]) for name in table.colnames}
    units = {name: str(table[name].unit) for name in table.colnames if getattr(table[name], "unit", None)}
    return _of_columns(columns, units, "the table")


def _is_quantity(value: Any) -> bool:
    units = sys.modules.get("astropy.units")
    return units is not None and isinstance(value, units.Quantity)


def each_frame(frames: Any) -> Iterator[Any]:
    """The frames of an array ``(t, n, 3)``, or of whatever can be iterated over."""
    if isinstance(frames, np.ndarray) and frames.ndim != 3:
        raise PointsError(f"frames: expected an array (t, n, 3) or a series of frames, got an array {frames.shape}")
    try:
        return iter(frames)
    except TypeError:
        raise PointsError(f"frames: expected an array (t, n, 3) or a series of frames, got {frames!r}") from None
