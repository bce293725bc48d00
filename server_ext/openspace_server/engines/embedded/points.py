"""Scene graph nodes that a script adds: OpenSpace's ``RenderablePointCloud`` table as properties and points.

What is understood: Identifier, Parent (a body or Root), Transform.Translation (static), Tag, GUI, and of the
renderable File, Unit, Enabled, Opacity, DataMapping, Coloring (FixedColor, ColorMapping) and SizeSettings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError, UnknownTarget
from openspace_server.engines.embedded import point_files
from openspace_server.engines.embedded.bodies import INDEX, find
from openspace_server.engines.embedded.cloud import Cloud
from openspace_server.engines.embedded.frames import frame_axes
from openspace_server.engines.embedded.nodes import node as new_owner
from openspace_server.engines.embedded.nodes import strength
from openspace_server.engines.embedded.point_files import PointData
from openspace_server.engines.embedded.view import View
from openspace_server.engines.properties import Property, PropertyOwner

PARSEC = 3.0856775814913673e16
UNITS: dict[str, float] = {
    "m": 1.0, "km": 1e3, "au": 1.495978707e11, "ly": 9.4607304725808e15, "kly": 9.4607304725808e18,
    "mly": 9.4607304725808e21, "gly": 9.4607304725808e24, "pc": PARSEC, "kpc": 1e3 * PARSEC, "mpc": 1e6 * PARSEC,
    "gpc": 1e9 * PARSEC,
}  # fmt: skip
_WHITE = (1.0, 1.0, 1.0)
_BUDGET = 0.018  # seconds that points may take of a picture while things move
_COST = 6e-8  # seconds per point, before any was measured


def unit(name: Any) -> float:
    """Metres per unit. Raises EngineError."""
    if str(name).casefold() not in UNITS:
        raise EngineError(f"a unit of points is one of {', '.join(UNITS)}, not {str(name)[:40]!r}")
    return UNITS[str(name).casefold()]


class PointNode:
    """One cloud with its node in the property tree. Raises EngineError or UnknownTarget for what is wrong."""

    def __init__(self, root: Any, table: Mapping[str, Any], data: PointData | None = None) -> None:
        self.identifier = str(table["Identifier"])
        self.parent = _parent(table.get("Parent"))
        renderable = _table(table, "Renderable")
        self._metres = unit(renderable.get("Unit", "m"))
        self._data = data or point_files.read(_text(renderable, "File"), _table(renderable, "DataMapping"))
        self._colouring = _table(renderable, "Coloring")
        self.owner = self._make_owner(table, renderable)
        shift = _vector(_table(_table(table, "Transform"), "Translation").get("Position", (0.0, 0.0, 0.0)))
        self.cloud = Cloud(root, self.identifier, self._data.places * self._metres + shift, self._rgb())

    def _make_owner(self, table: Mapping[str, Any], renderable: Mapping[str, Any]) -> PropertyOwner:
        tags = table.get("Tag") or ()
        tags = (tags,) if isinstance(tags, str) else tuple(str(tag) for tag in tags)
        name = str(_table(table, "GUI").get("Name") or self.identifier)
        owner = new_owner(self.identifier, name, tags, bool(renderable.get("Enabled", True)), "RenderablePointCloud")
        below = owner.child("Renderable")
        assert below is not None
        opacity = below.find("Opacity")
        assert isinstance(opacity, Property)
        opacity.set(renderable.get("Opacity", 1.0))
        colouring, sizes = PropertyOwner("Coloring"), PropertyOwner("SizeSettings", "Size settings")
        fixed = self._colouring.get("FixedColor", _WHITE)
        self._fixed = Property("FixedColor", "Vec3", _three(fixed), low=0, high=1, view_options={"Color": True})
        mapping = _table(self._colouring, "ColorMapping")
        self._mapped = Property("ColorMappingEnabled", "Bool", bool(mapping))
        colouring.add(self._fixed)
        colouring.add(self._mapped)
        settings = _table(renderable, "SizeSettings")
        self._exponent = Property("ScaleExponent", "Float", float(settings.get("ScaleExponent", 0.0)), low=-60, high=60)
        self._factor = Property("ScaleFactor", "Float", float(settings.get("ScaleFactor", 1.0)), low=0, high=1000)
        self._largest = Property("MaxSize", "Float", float(settings.get("MaxSize", 4.0)), low=1, high=8)
        for each in (self._exponent, self._factor, self._largest):
            sizes.add(each)
        below.add(colouring)
        below.add(sizes)
        below.add(Property("NumberOfPoints", "Int", len(self._data.places), read_only=True))
        for each in (self._fixed, self._mapped):
            each.watch(lambda changed: self._recolour())
        return owner

    def _rgb(self) -> np.ndarray:
        if self._data.rgb is not None:
            return self._data.rgb
        mapping = _table(self._colouring, "ColorMapping")
        if not mapping or not self._mapped.value:
            return np.tile(np.array(self._fixed.value, float), (len(self._data.places), 1))
        values = self._data.column(_text(mapping, "Parameter"))
        span = mapping.get("ValueRange")
        low, high = (float(span[0]), float(span[1])) if span else (float(np.nanmin(values)), float(np.nanmax(values)))
        share = np.clip(np.nan_to_num((values - low) / ((high - low) or 1.0)), 0, 1)
        colours = point_files.read_colour_map(_text(mapping, "File"))
        return np.asarray(colours[np.minimum((share * len(colours)).astype(int), len(colours) - 1)])

    def _recolour(self) -> None:
        self.cloud.recolour(self._rgb(), strength(self.owner.child("Renderable")))

    def show(self, view: View, share: float, order: int) -> int:
        """Draw; returns how many points."""
        clear = strength(self.owner.child("Renderable"))
        if clear <= 0:
            self.cloud.hide()
            return 0
        self.cloud.recolour(None, clear)
        sky = view.sky
        if self.parent < 0:
            axes, offset = frame_axes("", sky), -view.camera
        else:
            name = next(name for name, index in INDEX.items() if index == self.parent)
            axes, offset = frame_axes(name, sky), view.offsets[self.parent]
        axes, offset = view.axes @ axes, view.axes @ offset
        size = 10.0 ** float(self._exponent.value) * float(self._factor.value)  # type: ignore[arg-type]
        away = max(float(np.linalg.norm(offset + axes @ self.cloud.centre)), self.cloud.reach * 0.1)
        pixels = min(view.focal * size / away, float(self._largest.value))  # type: ignore[arg-type]
        self.cloud.show(axes, offset, share, pixels, order)
        return self.cloud.drawn


class Points:
    """All clouds, and how much of them a moving picture can afford.

    Attributes:
        whole: whether the last picture had all points.
    """

    def __init__(self, root: Any) -> None:
        self._root = root
        self._nodes: dict[str, PointNode] = {}
        self._cost = _COST
        self._drawn = 0
        self.whole = True

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._nodes

    def add(self, table: Mapping[str, Any], data: PointData | None = None) -> PropertyOwner:
        """Make a cloud from OpenSpace's table; returns its node. ``data`` stands for the file. Raises EngineError."""
        made = PointNode(self._root, table, data)
        self._nodes[made.identifier] = made
        return made.owner

    def remove(self, identifier: str) -> None:
        self._nodes.pop(identifier).cloud.remove()

    def set_parent(self, identifier: str, parent: str) -> None:
        """Raises UnknownTarget."""
        self._nodes[identifier].parent = _parent(parent)

    def show(self, view: View, moving: bool, behind: int, before: int) -> None:
        """Draw all of them at rest, a part while ``moving``: behind the bodies, or those around a body before it."""
        total = sum(each.cloud.count for each in self._nodes.values() if strength(each.owner.child("Renderable")) > 0)
        share = min(1.0, _BUDGET / (self._cost * total)) if moving and total else 1.0
        self.whole = share >= 1
        self._drawn = sum(
            each.show(view, share, behind if each.parent < 0 else before) for each in self._nodes.values()
        )

    def measured(self, seconds: float) -> None:
        """How long the renderer took for the picture; only what is dear is learnt from."""
        if self._drawn > 20_000:
            cost = min(max((seconds - 0.004) / self._drawn, 1e-8), 1e-6)
            self._cost += 0.25 * (cost - self._cost)


def _parent(name: Any) -> int:
    """Index of the body, -1 for the root."""
    text = str(name or "Root")
    if text.casefold() in ("root", "solarsystembarycenter", "solarsystem", "milkyway"):
        return -1
    try:
        return find(text)
    except UnknownTarget:
        raise UnknownTarget(text, ["Root", *INDEX]) from None


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = table.get(name) or {}
    if not isinstance(found, Mapping):
        raise EngineError(f"{name} must be a table, got {str(found)[:60]!r}")
    return found


def _text(table: Mapping[str, Any], name: str) -> str:
    found = table.get(name)
    if not isinstance(found, str) or not found:
        raise EngineError(f"{name} is missing or not a string")
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
