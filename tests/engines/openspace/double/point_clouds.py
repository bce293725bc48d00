"""``RenderablePointCloud`` as OpenSpace has it: its table is checked, its file is read once, in the frame after, and
what is wrong with that only the log tells. Its properties are OpenSpace's; the embedded engine draws the points."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError, Frame
from openspace_server.engines.embedded import EmbeddedEngine
from openspace_server.engines.embedded.points import files as point_files
from openspace_server.engines.embedded.points.node import PointArrays, inner_table
from openspace_server.engines.embedded.scene_graph.nodes import make_node
from openspace_server.engines.properties import Property, PropertyOwner
from openspace_server.engines.scripting.paths import Paths
from openspace_server.engines.user_files import UserFile

UNITS = {"m": "m", "Km": "km", "pc": "pc", "Kpc": "kpc", "Mpc": "Mpc", "Gpc": "Gpc", "Gly": "Gly"}
FLOAT32 = (1.17549435e-38, 3.4028235e38)
HORIZONTAL_VIEW = 80.0
"""Degrees, as in the window file."""


class RuntimeProblem(Exception):
    """What initialising a node throws: it is written to the log, and the node stays as it is."""


class AnyFile(Paths):
    """OpenSpace's own scripts may use any file of its user."""

    def file(self, text: str, folder: Path | None = None, ending: str = "") -> UserFile:
        try:
            return super().file(text, folder, ending)
        except EngineError:
            return UserFile(Path(self.resolve(text + ending)), Path("/"))


@dataclass
class Data:
    positions: np.ndarray
    columns: dict[str, np.ndarray]


class PointCloudEngine(EmbeddedEngine):
    """``log(category, message)`` writes an error."""

    log: Callable[[str, str], None]

    def __init__(self) -> None:
        super().__init__()
        self._clouds: dict[str, Cloud] = {}
        self._known_files: dict[str, Data] = {}

    def add_node(self, node: dict[str, Any]) -> None:
        node = with_paths(node)
        renderable = node.get("Renderable")
        if not isinstance(renderable, Mapping) or renderable.get("Type") != "RenderablePointCloud":
            super().add_node(node)
            return
        identifier, parent = node["Identifier"], node.get("Parent", "Root")
        if self.tree.owner(f"Scene.{parent}") is None:
            self.log("Scene", f"Could not find parent '{parent}' for '{identifier}'")
            raise EngineError("Error loading scene graph node")
        offences = list(wrong(renderable))
        if offences:
            self.log(f"{identifier}: RenderablePointCloud", "Error in specification")
            for reason, offender in offences:
                self.log(reason, offender)
            raise EngineError("Error loading scene graph node: Error in specification")
        self._clouds[identifier] = Cloud(self, node)
        self._nodes.scene.add(self._clouds[identifier].owner)
        self._dirty = True

    def remove_node(self, identifier: str) -> None:
        super().remove_node(identifier)
        self._clouds.pop(identifier, None)

    def resize(self, width: int, height: int) -> None:
        super().resize(width, height)
        for cloud in self._clouds.values():
            cloud.resized()

    def draw(self, now: float) -> Frame:
        for cloud in list(self._clouds.values()):
            try:
                cloud.update()
            except RuntimeProblem as problem:
                self.log("", str(problem))
        self._scene.points.settle()  # OpenSpace shows a node's points whole, in the frame that reads them
        return super().draw(now)

    @property
    def focal(self) -> float:
        """Pixels that a tangent of 1 takes, in the middle of the frame."""
        width = self._size[0]
        return float(width / 2 / math.tan(math.radians(HORIZONTAL_VIEW / 2)))

    def read_cloud(self, renderable: Mapping[str, Any]) -> Data:
        """What is in the file; what was in a file of that name before, if that may be cached."""
        name = str(renderable["File"])
        if not renderable.get("UseCaching", True) or name not in self._known_files:
            self._known_files[name] = self._read_points(Path(name), inner_table(renderable, "DataMapping"))
        return self._known_files[name]

    def _read_points(self, file: Path, mapping: Mapping[str, Any]) -> Data:
        if not file.is_file():
            raise RuntimeProblem(f"Failed to open data file '{file}'")
        if file.suffix.lower() == ".speck":
            read = point_files.read(UserFile(file, file.parent), mapping)
            return Data(read.positions, read.columns)
        if file.suffix.lower() != ".csv":
            self.log("DataLoader", f"Could not read data file '{file}'. File format '{file.suffix}' is not supported")
            return Data(np.empty((0, 3)), {})
        with file.open() as lines:
            header = [name.strip() for name in next(lines, "").split(",")]
        table = np.loadtxt(file, delimiter=",", skiprows=1, ndmin=2)
        size = np.abs(table[np.isfinite(table) & (table != 0)])
        if len(size) and not (size.min() >= FLOAT32[0] and size.max() <= FLOAT32[1]):
            return Data(np.empty((0, 3)), {})  # std::stof has thrown what nobody catches there, nor tells of
        table = table.astype(np.float32)
        axes = [str(mapping.get(axis.upper(), axis)).lower() for axis in "xyz"]
        columns = {name: table[:, k] for k, name in enumerate(header)}
        found = {name.lower(): column for name, column in columns.items() if name.lower() in axes}
        if len(found) < 3:
            self.log("DataLoader: CSV", f"Error loading data file '{file}'. Missing X, Y or Z position column")
        nothing = np.zeros(len(table), np.float32)
        positions = np.stack([found.get(axis, nothing) for axis in axes], axis=1)
        return Data(positions, {name: column for name, column in columns.items() if name.lower() not in axes})


def with_paths(value: Any) -> Any:
    """A table with its files as paths, as OpenSpace keeps them."""
    if isinstance(value, dict):
        return {name: with_paths(item) for name, item in value.items()}
    return str(value.path) if isinstance(value, UserFile) else value


class Cloud:
    """A node: what it was made of, its properties, and what of both has yet to reach the frame."""

    def __init__(self, engine: PointCloudEngine, table: Mapping[str, Any]) -> None:
        self._engine = engine
        self._table = table
        self._renderable = renderable = table["Renderable"]
        self._mapping = inner_table(inner_table(renderable, "Coloring"), "ColorMapping")
        self._data: Data | None = None
        self._drawn: PropertyOwner | None = None
        self._map: np.ndarray | None = None
        self._new_map, self._new_look, self._new_colors = bool(self._mapping), True, True
        name = str(inner_table(table, "GUI").get("Name") or table["Identifier"])
        enabled = bool(renderable.get("Enabled", True))
        self.owner = make_node(table["Identifier"], name, tuple(table.get("Tag", ())), enabled, "RenderablePointCloud")
        self._below = self.owner.child("Renderable") or PropertyOwner("")
        self._value("Opacity").update(float(renderable.get("Opacity", 1.0)))
        self._below.add(Property("NumberOfDataPoints", "UInt", 0, read_only=True))
        self._below.add(Property("UseAdditiveBlending", "Bool", renderable.get("UseAdditiveBlending", True)))
        self._add_sizing(inner_table(renderable, "SizeSettings"))
        self._add_coloring(inner_table(renderable, "Coloring"))
        for each in self._below.walk():
            each.watch(self._changed)

    def _add_sizing(self, table: Mapping[str, Any]) -> None:
        owner = PropertyOwner("Sizing", "Sizing")
        owner.add(Property("ScaleFactor", "Float", table.get("ScaleFactor", 1.0), low=0, high=100))
        owner.add(Property("ScaleExponent", "Float", table.get("ScaleExponent", 1.0), low=0, high=25))
        owner.add(Property("EnableMaxSizeControl", "Bool", table.get("EnableMaxSizeControl", False)))
        owner.add(Property("MaxSize", "Float", table.get("MaxSize", 1.0), low=0, high=45))
        self._below.add(owner)

    def _add_coloring(self, table: Mapping[str, Any]) -> None:
        owner, mapping = PropertyOwner("Coloring", "Coloring"), PropertyOwner("ColorMapping", "Color Mapping")
        owner.add(Property("FixedColor", "Vec3", table.get("FixedColor", (1.0, 1.0, 1.0)), low=0, high=1))
        if self._mapping:
            mapping.add(Property("Enabled", "Bool", self._mapping.get("Enabled", True)))
            mapping.add(Property("File", "String", self._mapping["File"]))
            mapping.add(Property("Parameter", "Option", 0, options={0: ""}))
            mapping.add(Property("ValueRange", "Vec2", (0.0, 0.0)))
            owner.add(mapping)
        self._below.add(owner)

    def _value(self, path: str) -> Property:
        found = self._below.find(path)
        assert isinstance(found, Property), path
        return found

    def _changed(self, property: Property) -> None:
        self._new_look = True
        self._new_colors = self._new_colors or ".Coloring." in property.uri
        if property.uri.endswith("ColorMapping.File"):
            self._new_map = True
            if not Path(str(property.value)).is_file():
                self._engine.log("ColorMappingComponent", f"Could not find cmap file: {property.value}")

    def resized(self) -> None:
        """Sizes are degrees of the view: in pixels they are other ones now."""
        self._new_look = True

    def update(self) -> None:
        """What OpenSpace does with a node before it draws a frame. Raises RuntimeProblem."""
        if self._data is None:
            self._data = Data(np.empty((0, 3)), {})
            self._data = self._engine.read_cloud(self._renderable)
            self._value("NumberOfDataPoints").update(len(self._data.positions))
            if len(self._data.positions):
                self._draw(self._data)
        if self._new_map and len(self._data.positions):
            self._new_map = False
            self._read_map(self._data)
        if self._drawn is not None and self._new_look:
            self._look(self._drawn, self._data)
            self._new_look = self._new_colors = False

    def _draw(self, data: Data) -> None:
        renderable = {"Type": "RenderablePointCloud", "Unit": UNITS[self._renderable.get("Unit", "m")]}
        arrays = PointArrays(np.array(data.positions, np.float64), {})
        self._drawn = self._engine._scene.points.add({**self._table, "Renderable": renderable}, arrays)

    def _read_map(self, data: Data) -> None:
        file = Path(str(self._value("Coloring.ColorMapping.File").value))
        try:
            words = [line.split() for line in file.read_text().splitlines() if line and line[0] != "#"]
        except OSError:
            raise RuntimeProblem(f"Failed to open color map file '{file}'") from None
        self._map = np.array(words[1:], float).reshape(-1, 4)
        parameter = self._mapping.get("Parameter")
        if parameter is not None and parameter not in data.columns:
            self._engine.log(
                "ColorMappingComponent",
                f"Error when reading Parameter. Could not find provided parameter '{parameter}' in list of parameter "
                "options",
            )
            return
        column = data.columns[str(parameter or next(iter(data.columns)))]
        span = self._mapping.get("ValueRange") or (float(np.nanmin(column)), float(np.nanmax(column)))
        self._value("Coloring.ColorMapping.ValueRange").update(tuple(span))

    def _look(self, drawn: PropertyOwner, data: Data) -> None:
        """Have the embedded engine draw what the properties say."""

        def put(path: str, value: Any) -> None:
            found = drawn.find(f"Renderable.{path}")
            assert isinstance(found, Property), path
            found.update(value)

        for name in ("Enabled", "Opacity", "Fade"):
            put(name, self._value(name).value)
        factor = float(self._value("Sizing.ScaleFactor").value)  # type: ignore[arg-type]
        largest = math.radians(float(self._value("Sizing.MaxSize").value))  # type: ignore[arg-type]
        limited = bool(self._value("Sizing.EnableMaxSizeControl").value)
        put("SizeSettings.ScaleExponent", self._value("Sizing.ScaleExponent").value)
        put("SizeSettings.ScaleFactor", factor)
        put("SizeSettings.MaxSize", 2 * self._engine.focal * math.tan(largest / 2) * factor if limited else 1e9)
        if self._new_colors:
            colors, shown = self._colors(data)
            self._engine._scene.points.update(self.owner.identifier, None, None, colors, shown)

    def _colors(self, data: Data) -> tuple[np.ndarray, np.ndarray]:
        """RGBA 0..1 of each point, and whether it is drawn, as OpenSpace's shader has it."""
        count = len(data.positions)
        if self._map is None or not self._value("Coloring.ColorMapping.Enabled").value or not data.columns:
            fixed = np.array([*self._value("Coloring.FixedColor").value, 1.0])  # type: ignore[misc]
            return np.tile(fixed, (count, 1)), np.ones(count, bool)
        column = data.columns[str(self._mapping.get("Parameter") or next(iter(data.columns)))]
        low, high = self._value("Coloring.ColorMapping.ValueRange").value  # type: ignore[misc]
        share = np.clip(np.nan_to_num((column - low) / (high - low)), 0, 1)  # type: ignore[operator]
        return self._map[np.minimum((share * len(self._map)).astype(int), len(self._map) - 1)], ~np.isnan(column)


def wrong(renderable: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with a table: the reason and the key of each offence."""
    sizes, coloring = inner_table(renderable, "SizeSettings"), inner_table(renderable, "Coloring")
    mapping = inner_table(coloring, "ColorMapping")
    found = [
        *_types(renderable, "", {"File": str, "UseCaching": bool, "UseAdditiveBlending": bool, "Enabled": bool}),
        *_types(sizes, "SizeSettings.", {"EnableMaxSizeControl": bool}),
        *_types(mapping, "Coloring.ColorMapping.", {"Enabled": bool, "File": str, "Parameter": str}),
        *_numbers(sizes, "SizeSettings.", ("ScaleExponent", "ScaleFactor", "MaxSize"), math.inf),
        *_numbers(renderable, "", ("Opacity",), 1.0),
        *_vectors(coloring, "Coloring.", {"FixedColor": 3}),
        *_vectors(mapping, "Coloring.ColorMapping.", {"ValueRange": 2}),
    ]
    if renderable.get("Unit", "m") not in UNITS:
        found.append(("Verification failed", "Unit"))
    if mapping and "File" not in mapping:
        found.append(("Missing key", "Coloring.ColorMapping.File"))
    return found


def _types(table: Mapping[str, Any], where: str, types: dict[str, type]) -> list[tuple[str, str]]:
    return [
        ("Wrong type", where + name) for name, kind in types.items() if not isinstance(table.get(name, kind()), kind)
    ]


def _numbers(table: Mapping[str, Any], where: str, names: tuple[str, ...], most: float) -> list[tuple[str, str]]:
    found = []
    for name in names:
        value = table.get(name, 0.0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            found.append(("Wrong type", where + name))
        elif not 0 <= value <= most:
            found.append(("Verification failed", where + name))
    return found


def _vectors(table: Mapping[str, Any], where: str, sizes: dict[str, int]) -> list[tuple[str, str]]:
    def fits(value: Any, size: int) -> bool:
        return isinstance(value, list) and len(value) == size and all(isinstance(each, int | float) for each in value)

    return [
        ("Wrong type", where + name)
        for name, size in sizes.items()
        if table.get(name) is not None and not fits(table[name], size)
    ]
