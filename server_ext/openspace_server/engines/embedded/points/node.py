"""The scene graph node of a point cloud: OpenSpace's ``RenderablePointCloud`` table as properties and points.

Supported fields: Identifier, Parent (a body or Root), Transform.Translation (static), Tag, GUI, and of the
renderable File, Unit, Frame, Enabled, Opacity, DataMapping, Coloring (FixedColor, ColorMapping) and SizeSettings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError, UnknownTarget
from openspace_server.engines.embedded.graphics.view import View
from openspace_server.engines.embedded.points import colors as coloring
from openspace_server.engines.embedded.points import files as point_files
from openspace_server.engines.embedded.points.chunks import PointChunks, make_chunks, set_colors
from openspace_server.engines.embedded.points.cloud import Cloud
from openspace_server.engines.embedded.points.colors import ColorMap
from openspace_server.engines.embedded.scene_graph.nodes import make_node, strength
from openspace_server.engines.embedded.sky.bodies import BODIES, INDEX, find
from openspace_server.engines.embedded.sky.reference_frames import frame_axes
from openspace_server.engines.properties import Property, PropertyOwner
from openspace_server.engines.user_files import UserFile, admitted
from openspace_server.protocols.units import LIGHT_YEAR, POINT_UNITS

UNITS: dict[str, float] = {
    "m": POINT_UNITS["m"],
    "km": POINT_UNITS["km"],
    "au": POINT_UNITS["au"],
    "ly": POINT_UNITS["ly"],
    "kly": 1e3 * LIGHT_YEAR,
    "mly": 1e6 * LIGHT_YEAR,
    "gly": POINT_UNITS["Gly"],
    "pc": POINT_UNITS["pc"],
    "kpc": POINT_UNITS["kpc"],
    "mpc": POINT_UNITS["Mpc"],
    "gpc": POINT_UNITS["Gpc"],
}
"""Metres per unit, by its folded name; OpenSpace's tables know more units than the wire."""
_WHITE = (1.0, 1.0, 1.0)
_FRAMES = {"": "", "galactic": "Root", "icrf": "ICRF", "icrs": "ICRF"}


@dataclass(frozen=True)
class PointArrays:
    """The arrays of a point cloud.

    Attributes:
        positions: ``(n, 3)`` in the table's unit.
        columns: numbers ``(n,)`` by name.
        colors: packed RGBA ``(n,)``; they win over every other colouring.
        shown: bool ``(n,)``; None for all.
        of_file: they were read from a file, which messages do not quote.
    """

    positions: np.ndarray
    columns: dict[str, np.ndarray]
    colors: np.ndarray | None = None
    shown: np.ndarray | None = None
    of_file: bool = False

    def column(self, name: str) -> np.ndarray:
        """Raises EngineError when there is no such column."""
        for known, values in self.columns.items():
            if known.casefold() == name.casefold():
                return values
        hint = f"there are {', '.join(self.columns) or 'none'}"
        if self.of_file:
            hint = "see the first lines of their file"
        raise EngineError(f"the points have no column {name[:60]!r}: {hint}")


def metres_per_unit(name: Any) -> float:
    """Metres per unit. Raises EngineError."""
    if str(name).casefold() not in UNITS:
        raise EngineError(f"a unit of points is one of {', '.join(UNITS)}, not {str(name)[:40]!r}")
    return UNITS[str(name).casefold()]


class PointNode:
    """Points, their properties, and the cloud that draws them. Raises EngineError, UnknownTarget.

    Args:
        on_stale: called when points or properties have changed, so that the cloud must be made again.

    Attributes:
        arrays: the points; None while a file is being read.
    """

    def __init__(
        self,
        root: Any,
        software: bool,
        table: Mapping[str, Any],
        arrays: PointArrays | None,
        on_stale: Callable[[PointNode], None],
    ) -> None:
        self.identifier = str(table["Identifier"])
        self.parent = parent_index(table.get("Parent"))
        renderable = inner_table(table, "Renderable")
        frame = str(renderable.get("Frame") or "").casefold()
        if frame not in _FRAMES:
            raise EngineError(f"a frame of points is Galactic or ICRF, not {frame[:40]!r}")
        self._frame = _FRAMES[frame]
        self._metres = metres_per_unit(renderable.get("Unit", "m"))
        self._shift = _vector(
            inner_table(inner_table(table, "Transform"), "Translation").get("Position", (0.0, 0.0, 0.0))
        )
        self.arrays = arrays
        mapping = inner_table(inner_table(renderable, "Coloring"), "ColorMapping")
        self._map = coloring.read_map(mapping) if mapping else None
        if self._map is not None and arrays is not None:
            arrays.column(self._map.parameter)
        self._on_stale = on_stale
        self._quiet = False
        self.owner = self._make_owner(table, renderable)
        self.cloud = Cloud(root, self.identifier, software)

    # -- properties -----------------------------------------------------------------------------------------------

    def _make_owner(self, table: Mapping[str, Any], renderable: Mapping[str, Any]) -> PropertyOwner:
        tags = table.get("Tag") or ()
        tags = (tags,) if isinstance(tags, str) else tuple(str(tag) for tag in tags)
        name = str(inner_table(table, "GUI").get("Name") or self.identifier)
        owner = make_node(self.identifier, name, tags, bool(renderable.get("Enabled", True)), "RenderablePointCloud")
        below = owner.child("Renderable")
        assert below is not None
        opacity = below.find("Opacity")
        assert isinstance(opacity, Property)
        opacity.set(renderable.get("Opacity", 1.0))
        below.add(self._coloring_owner(renderable))
        sizes, settings = PropertyOwner("SizeSettings", "Size settings"), inner_table(renderable, "SizeSettings")
        self._exponent = Property("ScaleExponent", "Float", float(settings.get("ScaleExponent", 0.0)), low=-60, high=60)
        self._factor = Property("ScaleFactor", "Float", float(settings.get("ScaleFactor", 1.0)), low=0, high=1000)
        self._largest = Property("MaxSize", "Float", float(settings.get("MaxSize", 4.0)), low=1, high=32)
        self._pixels = Property(
            "Pixels", "Float", float(settings.get("Pixels", 0.0)), low=0, high=32,
            description="Size in pixels at a frame height of 720; 0 takes ScaleExponent and ScaleFactor.",
        )  # fmt: skip
        for each in (self._exponent, self._factor, self._largest, self._pixels):
            sizes.add(each)
        below.add(sizes)
        self._number = Property("NumberOfPoints", "Int", self.count, read_only=True)
        self.problem = Property("Problem", "String", "", read_only=True, description="Why there are no points.")
        below.add(self._number)
        below.add(self.problem)
        return owner

    def _coloring_owner(self, renderable: Mapping[str, Any]) -> PropertyOwner:
        owner, mapping = PropertyOwner("Coloring"), PropertyOwner("ColorMapping", "Color mapping")
        fixed = inner_table(renderable, "Coloring").get("FixedColor", _WHITE)
        self._fixed = Property("FixedColor", "Vec3", _three(fixed), low=0, high=1, view_options={"Color": True})
        self._mapped = Property("Enabled", "Bool", self._map is not None)
        self._parameter = Property("Parameter", "String", "", accept=lambda value: self._column(str(value)))
        self._range = Property("ValueRange", "Vec2", (0.0, 0.0), accept=lambda value: self._fix_range())
        self._hides = Property("HideValuesOutsideRange", "Bool", False)
        self._logarithmic = Property("Logarithmic", "Bool", False)
        owner.add(self._fixed)
        for each in (self._mapped, self._parameter, self._range, self._hides, self._logarithmic):
            mapping.add(each)
        owner.add(mapping)
        self._show_map()
        for each in (self._fixed, self._mapped, self._parameter, self._range, self._hides, self._logarithmic):
            each.watch(lambda changed: self._stale())
        return owner

    def _column(self, name: str) -> None:
        if self.arrays is not None:
            self.arrays.column(name)

    def _fix_range(self) -> None:
        self._own_range = False

    def _show_map(self) -> None:
        """Make the properties say what the colour map says."""
        color_map = self._map
        self._own_range = color_map is None or math.isnan(color_map.low)
        self._quiet = True
        if color_map is not None:
            self._mapped.update(True)
            self._parameter.update(color_map.parameter)
            self._hides.update(color_map.hides)
            self._logarithmic.update(color_map.logarithmic)
            if not self._own_range:
                self._range.update((color_map.low, color_map.high))
        else:
            self._mapped.update(False)
        self._quiet = False

    def _stale(self) -> None:
        if not self._quiet:
            self._on_stale(self)

    # -- points ---------------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        return len(self.arrays.positions) if self.arrays is not None else 0

    def set_arrays(self, arrays: PointArrays) -> None:
        """Replace the points."""
        if self._map is not None and self._mapped.value and arrays.colors is None:
            arrays.column(str(self._parameter.value))
        self.arrays = arrays
        self._quiet = True
        self._number.update(self.count)
        self._quiet = False
        self._stale()

    def set_color_mapping(self, mapping: Mapping[str, Any] | None) -> None:
        """Another colour map; None for the fixed colour. Points with colours of their own keep those.

        Raises EngineError."""
        color_map = coloring.read_map(mapping) if mapping is not None else None
        if color_map is not None and self.arrays is not None:
            self.arrays.column(color_map.parameter)
        self._map = color_map
        self._show_map()
        self._stale()

    def chunk_job(self) -> Callable[[], PointChunks]:
        """A job that makes the chunks of the points as they are now; may run on another thread."""
        assert self.arrays is not None
        arrays, color_map = self.arrays, self._color_map()
        metres, shift = self._metres, self._shift
        fixed = coloring.pack(np.array([self._fixed.value], float))

        def work() -> PointChunks:
            colors, shown = arrays.colors, arrays.shown
            if colors is None:
                colors = fixed
                if color_map is not None:
                    colors, inside = coloring.map_colors(color_map, arrays.column(color_map.parameter))
                    shown = inside if shown is None else shown if inside is None else shown & inside
            made = make_chunks(arrays.positions, shown, metres, shift)
            set_colors(made.vertices, made.order, colors)
            return made

        return work

    def _color_map(self) -> ColorMap | None:
        if self._map is None or not self._mapped.value:
            return None
        low, high = (math.nan, math.nan) if self._own_range else coloring.read_range(self._range.value)
        return replace(
            self._map,
            parameter=str(self._parameter.value),
            low=low,
            high=high,
            hides=bool(self._hides.value),
            logarithmic=bool(self._logarithmic.value),
        )

    # -- drawing --------------------------------------------------------------------------------------------------

    @property
    def level(self) -> float:
        """How clearly it is drawn, 0..1."""
        return strength(self.owner.child("Renderable"))

    def view_transform(self, view: View) -> tuple[np.ndarray, np.ndarray]:
        """Matrix from the cloud's axes to view axes, and its origin in them, metres."""
        name = self._frame or (BODIES[self.parent].identifier if self.parent >= 0 else "")
        offset = -view.camera if self.parent < 0 else view.offsets[self.parent]
        return view.axes @ frame_axes(name, view.ephemeris), view.axes @ offset

    def pixels(self, view: View, axes: np.ndarray, offset: np.ndarray) -> float:
        """Size of a point."""
        if self._pixels.value:
            return float(self._pixels.value) * view.height / 720  # type: ignore[arg-type]
        size = 10.0 ** float(self._exponent.value) * float(self._factor.value)  # type: ignore[arg-type]
        away = max(float(np.linalg.norm(offset + axes @ self.cloud.centre)), self.cloud.reach * 0.1)
        return min(view.focal * size / away, float(self._largest.value))  # type: ignore[arg-type]

    def value_of(self, index: int) -> tuple[float | None, dict[str, float]]:
        """The value that colours a point, and its values in all columns."""
        assert self.arrays is not None
        values = {name: float(column[index]) for name, column in self.arrays.columns.items()}
        color_map = self._color_map()
        value = float(self.arrays.column(color_map.parameter)[index]) if color_map is not None else None
        return value, values


def parent_index(name: Any) -> int:
    """Index of the body, -1 for the root. Raises UnknownTarget."""
    text = str(name or "Root")
    if text.casefold() in ("root", "solarsystembarycenter", "solarsystem", "milkyway"):
        return -1
    try:
        return find(text)
    except UnknownTarget:
        raise UnknownTarget(text, ["Root", *INDEX]) from None


def read_file(renderable: Mapping[str, Any]) -> PointArrays:
    """The points of the table's ``File``. Raises EngineError."""
    data = point_files.read(file_of(renderable), inner_table(renderable, "DataMapping"))
    return PointArrays(data.positions, data.columns, of_file=True)


def file_of(renderable: Mapping[str, Any]) -> UserFile:
    """Raises EngineError."""
    if not renderable.get("File"):
        raise EngineError("the points have no File")
    return admitted(renderable["File"])


def inner_table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table in a table, empty when absent. Raises EngineError."""
    found = table.get(name) or {}
    if not isinstance(found, Mapping):
        raise EngineError(f"{name} must be a table, got {str(found)[:60]!r}")
    return found


def _three(value: Any) -> list[float]:
    items = [value[str(k)] for k in (1, 2, 3)] if isinstance(value, Mapping) and "1" in value else list(value)
    return [float(item) for item in items[:3]]


def _vector(value: Any) -> np.ndarray:
    try:
        vector = np.array(_three(value), float)
    except (TypeError, ValueError, KeyError):
        vector = np.empty(0)
    if vector.shape != (3,) or not all(math.isfinite(item) for item in vector):
        raise EngineError(f"a position must be three finite numbers, got {str(value)[:60]!r}")
    return vector
