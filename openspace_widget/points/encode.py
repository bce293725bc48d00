"""Encoding of the user's points as frames of the protocol: units, axes, colours, filters and precision."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from openspace_server.protocols import encodings
from openspace_server.protocols.arrays import Encoding
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.points import ALL, PointFrame, PointOptions
from openspace_server.protocols.suggestions import suggest
from openspace_server.protocols.units import POINT_UNITS
from openspace_widget.errors import PointsError
from openspace_widget.points import colormaps, inputs
from openspace_widget.points.inputs import PointInput
from openspace_widget.typing import AddPointsOptions, PointStyle

SENDER = uuid.uuid4().hex
"""This process, to instances: a name of points belongs to one sender."""

PRECISIONS = ("float32", "float64", "16 bit")
FAST_ENOUGH = 30e6
"""Bytes per second of a link from which compressing is no longer worth the processor's time."""
OFF_CENTRE = 64.0
"""Centre by extent from which float64 positions are sent relative to their centre, so that float32 loses nothing."""


@dataclass(frozen=True)
class Recipe:
    """What stays the same from frame to frame of one name; the arguments of ``add_points``."""

    name: str
    options: PointOptions
    matrix: np.ndarray | None = None
    values: str | None = None
    range: tuple[float, float] | None = None
    filter: Any = None
    invalid: str = "raise"
    precision: str = "float32"
    compress: bool | None = None

    def encoding(self, upload_rate: float | None) -> Encoding:
        """How arrays are to be stored for an upload of ``upload_rate`` bytes per second (None: not known yet)."""
        pack = self.compress if self.compress is not None else upload_rate is not None and upload_rate < FAST_ENOUGH
        return Encoding(encodings.SHUFFLED if pack else encodings.RAW, self.precision == "16 bit")


@dataclass(frozen=True)
class Prepared:
    """A frame that is ready to be sent.

    Attributes:
        rows: index of each sent point in what the user passed; None if all were sent.
    """

    frame: PointFrame
    rows: np.ndarray | None


def recipe(name: str, xyz: Any, options: AddPointsOptions) -> tuple[Recipe, PointInput]:
    """The arguments of ``add_points``, checked, and the points themselves.

    Raises:
        PointsError: a value that cannot be. TypeError: an unknown option.
    """
    for unknown in options.keys() - AddPointsOptions.__annotations__.keys():
        hint = suggest(unknown, AddPointsOptions.__annotations__, alike=0.5)
        raise TypeError(f"add_points() got an unexpected keyword argument {unknown!r}: {hint}")
    if not str(name).strip():
        raise PointsError(f"name: expected a text, got {name!r}")
    invalid = _one_of("invalid", options.get("invalid", "raise"), ("raise", "drop"))
    precision = _one_of("precision", options.get("precision", "float32"), PRECISIONS)
    points = inputs.read(xyz)
    parent = options.get("parent")
    axes, matrix = _axes(options.get("frame"), points, parent)
    fields = {key: value for key, value in options.items() if key in ("size", "opacity", "visible", "log")} | {
        "unit": _unit(options.get("unit"), points),
        "parent": "Root" if parent is None else str(parent),
        "frame": axes,
        "color": list(colormaps.rgb(options.get("color", (1.0, 1.0, 1.0)))),
        "label": options.get("label") or name,
        "range": [1.0, 1.0],
    }
    colormap_name, colormap = colormaps.colors_of(options.get("colormap", "viridis"))
    try:
        checked = replace(PointOptions.read(fields), colormap=colormap, colormap_name=colormap_name)
    except ProtocolError as problem:
        raise PointsError(str(problem)) from None
    chosen, values = options.get("range"), options.get("values")
    made = Recipe(
        name,
        checked,
        matrix,
        values if isinstance(values, str) else None,
        None if chosen is None else span(chosen, checked.log),
        options.get("filter"),
        invalid,
        precision,
        options.get("compress"),
    )
    return _centred(made, points), points


def style_changes(recipe: Recipe, style: PointStyle) -> dict[str, Any]:
    """The fields of the verb ``style_points`` for ``style``, without ``filter``. Raises PointsError."""
    changes: dict[str, Any] = {name: bool(style[name]) for name in ("visible", "log") if name in style}
    changes |= {name: float(style[name]) for name in ("opacity", "size") if name in style}
    if "color" in style:
        changes["color"] = list(colormaps.rgb(style["color"]))
    if "colormap" in style:
        name, colors = colormaps.colors_of(style["colormap"])
        digits = replace(recipe.options, colormap=colors).as_json()["colormap"]
        changes |= {"colormap": digits, "colormap_name": name}
    if style.get("range") is not None:
        changes["range"] = list(span(style["range"], changes.get("log", recipe.options.log)))
    return changes


def _unit(unit: Any, points: PointInput) -> str:
    name = inputs.unit_name(unit if unit is not None else points.unit or "m")
    if unit is not None and points.unit is not None and inputs.unit_name(points.unit) != name:
        raise PointsError(
            f"unit: {name!r} was asked for, but the points themselves are in {points.unit!r}; leave unit= out"
        )
    return name


def _axes(frame: str | None, points: PointInput, parent: str | None) -> tuple[str, np.ndarray | None]:
    axes, matrix = inputs.frame_matrix(str(frame) if frame is not None else points.frame or "galactic")
    if parent is not None and str(parent).casefold() != "root" and frame is not None:
        raise PointsError(f"frame: points around {parent} are in its own axes; leave frame= out")
    return axes, matrix


def prepare(
    recipe: Recipe,
    points: PointInput,
    values: Any,
    colors: Any,
    sequence: int,
    keep: str = ALL,
    check: bool = False,
    copy: bool = False,
) -> Prepared:
    """One frame. ``copy``: the frame gets arrays of its own, so that the caller may change theirs.

    Raises:
        PointsError: shapes, dtypes, or NaN and infinity unless these are to be dropped.
    """
    count = len(points.positions)
    numbers = inputs.values_of(values if values is not None else recipe.values, points)
    paint = None if colors is None else inputs.colors_of(colors, count)
    positions = _positions(recipe, points.positions)
    kept = inputs.mask_of(recipe.filter, numbers, count)
    if recipe.invalid == "drop":
        good = np.isfinite(positions).all(axis=1)
        if numbers is not None:
            good &= np.isfinite(numbers) & ((numbers > 0) if recipe.options.log else True)
        kept = good if kept is None else kept & good
    rows = None
    if kept is not None and not kept.all():
        rows = np.nonzero(kept)[0]
        if not len(rows):
            raise PointsError("filter: it leaves no point; points.visible = False hides them")
        positions = positions[rows]
        numbers = None if numbers is None else numbers[rows]
        paint = None if paint is None else paint[rows]
    columns = {}
    if numbers is not None:
        columns["values"] = np.ascontiguousarray(numbers, "<f4")
    if paint is not None:
        columns["colors"] = paint
    options = recipe.options
    if numbers is not None:
        options = replace(options, range=recipe.range or span_of(numbers, options.log))
    if copy and np.may_share_memory(positions, points.positions):
        positions = positions.copy()
    frame = PointFrame(recipe.name, sequence, positions, columns, options, keep, SENDER, check)
    try:
        frame.validate()
    except ProtocolError as problem:
        hint = "; invalid='drop' leaves such points out" if "NaN" in str(problem) else ""
        raise PointsError(f"{problem}{hint}") from None
    return Prepared(frame, rows)


def span(range: Any, log: bool) -> tuple[float, float]:
    """``range`` as ``(low, high)``. Raises PointsError."""
    try:
        low, high = (float(each) for each in range)
    except (TypeError, ValueError):
        raise PointsError(f"range: expected (low, high), got {range!r}") from None
    if not low <= high or not np.isfinite([low, high]).all() or (log and low <= 0):
        raise PointsError(f"range: expected {'0 < ' if log else ''}low <= high, got {low:g} and {high:g}")
    return low, high


def span_of(numbers: np.ndarray, log: bool) -> tuple[float, float]:
    """Least and greatest of ``numbers``; of the positive ones for a logarithm. Raises PointsError."""
    good = numbers[np.isfinite(numbers) & ((numbers > 0) if log else True)]
    if not len(good):
        raise PointsError("values: log=True needs values above zero" if log else "values: there is no finite one")
    return float(good.min()), float(good.max())


def _positions(recipe: Recipe, positions: np.ndarray) -> np.ndarray:
    """C-contiguous positions in the recipe's axes, around its offset, in its precision."""
    if recipe.matrix is not None:
        positions = np.asarray(positions, np.float64) @ recipe.matrix.T
    if positions.dtype == np.float64 and any(recipe.options.offset):
        positions = positions - np.array(recipe.options.offset) / POINT_UNITS[recipe.options.unit]
    dtype = "<f8" if recipe.precision == "float64" else "<f4"
    if positions.dtype == np.float64 and dtype == "<f4":
        with np.errstate(over="ignore"):
            positions = positions.astype("<f4")
    return np.ascontiguousarray(positions, dtype)


def _centred(recipe: Recipe, points: PointInput) -> Recipe:
    """Far from the origin float32 is coarse: there the centre goes as an offset in metres of its own."""
    if points.positions.dtype != np.float64 or recipe.precision == "float64":
        return recipe
    good = points.positions[np.isfinite(points.positions).all(axis=1)]
    if not len(good):
        return recipe
    if recipe.matrix is not None:
        good = good @ recipe.matrix.T
    low, high = good.min(axis=0), good.max(axis=0)
    centre, extent = (low + high) / 2, float((high - low).max())
    if not np.isfinite(centre).all() or float(np.abs(centre).max()) < OFF_CENTRE * extent:
        return recipe
    x, y, z = (centre * POINT_UNITS[recipe.options.unit]).tolist()
    return replace(recipe, options=replace(recipe.options, offset=(x, y, z)))


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise PointsError(f"{name}: expected one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value
