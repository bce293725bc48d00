"""OpenSpace's table of a node of points, with its units, colours and sizes.

``RenderablePointCloud`` is the same from 0.20 to 0.22. It takes no point sizes in pixels but degrees of the view, and
its properties are below ``Sizing`` where the table says ``SizeSettings``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.points.files import COLUMN, palette
from openspace_server.engines.openspace.process.instance_folder import HORIZONTAL_VIEW
from openspace_server.geometry.world import GALACTIC
from openspace_server.protocols.units import POINT_UNITS

UNITS: dict[str, tuple[str, float, float]] = {
    "m": ("m", 1.0, 1.0),
    "km": ("Km", 1.0, 1e3),
    "au": ("m", POINT_UNITS["au"], 1.0),
    "ly": ("Gly", 1e-9, POINT_UNITS["Gly"]),
    "pc": ("pc", 1.0, POINT_UNITS["pc"]),
    "kpc": ("Kpc", 1.0, POINT_UNITS["kpc"]),
    "Mpc": ("Mpc", 1.0, POINT_UNITS["Mpc"]),
    "Gpc": ("Gpc", 1.0, POINT_UNITS["Gpc"]),
    "Gly": ("Gly", 1.0, POINT_UNITS["Gly"]),
}
"""By our name: OpenSpace's unit, how many of it ours is, and metres of OpenSpace's unit."""
STYLE_PROPERTIES = {
    "visible": "Enabled",
    "opacity": "Opacity",
    "size": "Sizing.MaxSize",
    "color": "Coloring.FixedColor",
}
"""The style of points as properties below the node's renderable."""

_EXPONENT = 25.0
"""Points of 10^25 m, OpenSpace's largest, are larger than a pixel from any distance: their limit is what counts."""
_SMALLEST = math.sqrt(2)
"""Pixels across below which a disc may fall between the middles of all pixels, and flicker."""


@dataclass(frozen=True)
class Positions:
    """Positions of points as written to the file.

    Attributes:
        unit: OpenSpace's.
        numbers: ``(n, 3)`` in it, in the parent's axes, around ``offset``.
        offset: metres.
    """

    unit: str
    numbers: np.ndarray
    offset: tuple[float, float, float]


@dataclass(frozen=True)
class Colors:
    """Colours of points through a colour map.

    Attributes:
        numbers: ``(n,)``, the column that is coloured.
        colors: uint8 ``(m, 4)``, RGBA.
        span: the numbers of the first and the last colour.
        enabled: False takes the fixed colour.
        steps: what the column says: "values", "logarithms" or "palette".
    """

    numbers: np.ndarray
    colors: np.ndarray
    span: tuple[float, float]
    enabled: bool
    steps: str


def positions_of(table: Mapping[str, Any], positions: np.ndarray) -> Positions:
    """``positions`` in the unit and axes of OpenSpace. Raises EngineError for an unknown unit or frame."""
    renderable = table["Renderable"]
    name, frame = str(renderable.get("Unit", "m")), str(renderable.get("Frame") or "Galactic")
    if name not in UNITS:
        raise EngineError(f"a unit of points is one of {', '.join(UNITS)}, not {name[:40]!r}")
    if frame not in ("Galactic", "ICRF"):
        raise EngineError(f"a frame of points is Galactic or ICRF, not {frame[:40]!r}")
    unit, factor, metres = UNITS[name]
    offset = np.array(table.get("Transform", {}).get("Translation", {}).get("Position", (0.0, 0.0, 0.0)), float)
    numbers = positions
    if frame == "ICRF":
        numbers, offset = numbers.astype(np.float64) @ GALACTIC.T, GALACTIC @ offset
    if numbers.dtype == np.float64:
        # OpenSpace keeps float32: what those cannot represent goes into the node's position.
        centre = (numbers.min(axis=0) + numbers.max(axis=0)) / 2
        numbers, offset = numbers - centre, offset + centre * factor * metres
    if factor != 1:
        numbers = numbers.astype(np.float64) * factor
    x, y, z = offset.tolist()
    return Positions(unit, numbers, (x, y, z))


def colors_of(
    mapping: Mapping[str, Any] | None, columns: Mapping[str, np.ndarray], own: np.ndarray | None
) -> Colors | None:
    """How points with these ``columns`` are coloured by a ``ColorMapping`` table, or by their ``own`` colours (uint8
    ``(n, 3)`` or ``(n, 4)``); None if they have neither. Raises EngineError."""
    if own is not None:
        colors, rows = palette(_rgba(own))
        return Colors(rows, colors, (-0.5, len(colors) - 0.5), True, "palette")
    name = str(mapping["Parameter"]) if mapping else next(iter(columns), "")
    if name not in columns:
        if mapping:
            raise EngineError(f"the points have no column {name[:60]!r}: there are {', '.join(columns) or 'none'}")
        return None
    numbers = columns[name]
    if not mapping:
        return Colors(numbers, np.full((1, 4), 255, np.uint8), (0.0, 1.0), False, "values")
    colors = _rgba(np.rint(np.clip(np.array(mapping["Colors"], float), 0, 1) * 255).astype(np.uint8))
    low, high = (float(end) for end in mapping["ValueRange"])
    if not mapping.get("Logarithmic"):
        return Colors(numbers, colors, _span(low, high), True, "values")
    if low <= 0:
        raise EngineError(f"colours by logarithm need a range above 0, got {low:g} to {high:g}")
    logarithms = np.full(len(numbers), np.nan)
    np.log10(numbers, where=numbers > 0, out=logarithms)
    return Colors(logarithms, colors, _span(math.log10(low), math.log10(high)), True, "logarithms")


def table_of(
    table: Mapping[str, Any], positions: Positions, points: Path, colors: Colors | None, map: Path | None, width: int
) -> dict[str, Any]:
    """OpenSpace's table of a node whose files these are, in a frame ``width`` pixels wide."""
    renderable = table["Renderable"]
    coloring: dict[str, Any] = {"FixedColor": list(renderable.get("Coloring", {}).get("FixedColor", (1.0, 1.0, 1.0)))}
    if colors is not None:
        coloring["ColorMapping"] = {
            "Enabled": colors.enabled,
            "File": str(map),
            "Parameter": COLUMN,
            "ValueRange": list(colors.span),
        }
    return {
        "Identifier": table["Identifier"],
        "Parent": table["Parent"],
        "Transform": {"Translation": {"Type": "StaticTranslation", "Position": list(positions.offset)}},
        "Renderable": {
            "Type": "RenderablePointCloud",
            "Enabled": bool(renderable.get("Enabled", True)),
            "Opacity": float(renderable.get("Opacity", 1.0)),
            "File": str(points),
            "UseCaching": False,
            "Unit": positions.unit,
            # Added up, colours would no longer be those of the colour map.
            "UseAdditiveBlending": False,
            "Coloring": coloring,
            "SizeSettings": {
                "ScaleExponent": _EXPONENT,
                "EnableMaxSizeControl": True,
                "MaxSize": degrees(float(renderable.get("SizeSettings", {}).get("MaxSize", 1.0)), width),
            },
        },
        "Tag": list(table.get("Tag", ())),
        "GUI": dict(table.get("GUI", {})),
    }


def degrees(pixels: float, width: int) -> float:
    """OpenSpace's ``MaxSize`` of a point that is ``pixels`` across in the middle of a frame ``width`` pixels wide."""
    return 2 * math.degrees(math.atan(max(pixels, _SMALLEST) / 2 / _focal(width)))


def pixels(degrees: float, width: int) -> float:
    """The inverse of :func:`degrees`."""
    return 2 * _focal(width) * math.tan(math.radians(degrees) / 2)


def _focal(width: int) -> float:
    return width / 2 / math.tan(math.radians(HORIZONTAL_VIEW / 2))


def _span(low: float, high: float) -> tuple[float, float]:
    """A range that is not empty, as OpenSpace divides by its length."""
    return (low, high) if low != high else (low, low + (abs(low) * 1e-5 or 1.0))


def _rgba(colors: np.ndarray) -> np.ndarray:
    if colors.dtype.kind == "f":
        colors = np.rint(np.clip(np.nan_to_num(colors), 0, 1) * 255).astype(np.uint8)
    if colors.shape[1] == 4:
        return colors
    return np.concatenate([colors, np.full((len(colors), 1), 255, np.uint8)], axis=1)
