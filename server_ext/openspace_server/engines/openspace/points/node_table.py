"""A cloud of points as OpenSpace wants it: its node's table, its units, its sizes.

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

UNITS: dict[str, tuple[str, float, float]] = {
    "m": ("m", 1.0, 1.0),
    "km": ("Km", 1.0, 1e3),
    "au": ("m", 1.495978707e11, 1.0),
    "ly": ("Gly", 1e-9, 9.4607304725808e24),
    "pc": ("pc", 1.0, 3.0856775814913673e16),
    "kpc": ("Kpc", 1.0, 3.0856775814913673e19),
    "Mpc": ("Mpc", 1.0, 3.0856775814913673e22),
    "Gpc": ("Gpc", 1.0, 3.0856775814913673e25),
    "Gly": ("Gly", 1.0, 9.4607304725808e24),
}
"""By our name: OpenSpace's unit, how many of it ours is, and metres of OpenSpace's unit."""
LOOKS = {
    "visible": "Enabled",
    "opacity": "Opacity",
    "size": "Sizing.MaxSize",
    "color": "Coloring.FixedColor",
}
"""The looks of points as properties below the node's renderable."""

_EXPONENT = 25.0
"""Points of 10^25 m, OpenSpace's largest, are larger than a pixel from any distance: their limit is what counts."""
_SMALLEST = math.sqrt(2)
"""Pixels across below which a disc may fall between the middles of all pixels, and flicker."""


@dataclass(frozen=True)
class Places:
    """Where points are, as they go into the file.

    Attributes:
        unit: OpenSpace's.
        numbers: ``(n, 3)`` in it, in the parent's axes, around ``offset``.
        offset: metres.
    """

    unit: str
    numbers: np.ndarray
    offset: tuple[float, float, float]


@dataclass(frozen=True)
class Colours:
    """How points are coloured one by one.

    Attributes:
        numbers: ``(n,)``, the column that is coloured.
        colours: uint8 ``(m, 4)``, RGBA.
        span: the numbers of the first and the last colour.
        enabled: False takes the fixed colour.
        steps: what the column says: "values", "logarithms" or "palette".
    """

    numbers: np.ndarray
    colours: np.ndarray
    span: tuple[float, float]
    enabled: bool
    steps: str


def places_of(table: Mapping[str, Any], places: np.ndarray) -> Places:
    """``places`` in the unit and axes of OpenSpace. Raises EngineError for an unknown unit or frame."""
    renderable = table["Renderable"]
    name, frame = str(renderable.get("Unit", "m")), str(renderable.get("Frame") or "Galactic")
    if name not in UNITS:
        raise EngineError(f"a unit of points is one of {', '.join(UNITS)}, not {name[:40]!r}")
    if frame not in ("Galactic", "ICRF"):
        raise EngineError(f"a frame of points is Galactic or ICRF, not {frame[:40]!r}")
    unit, factor, metres = UNITS[name]
    offset = np.array(table.get("Transform", {}).get("Translation", {}).get("Position", (0.0, 0.0, 0.0)), float)
    numbers = places
    if frame == "ICRF":
        numbers, offset = numbers.astype(np.float64) @ GALACTIC.T, GALACTIC @ offset
    if numbers.dtype == np.float64:
        # OpenSpace keeps float32: what those cannot say goes into the node's place.
        centre = (numbers.min(axis=0) + numbers.max(axis=0)) / 2
        numbers, offset = numbers - centre, offset + centre * factor * metres
    if factor != 1:
        numbers = numbers.astype(np.float64) * factor
    x, y, z = offset.tolist()
    return Places(unit, numbers, (x, y, z))


def colours_of(
    mapping: Mapping[str, Any] | None, columns: Mapping[str, np.ndarray], each: np.ndarray | None
) -> Colours | None:
    """How points with these ``columns`` are coloured by a ``ColorMapping`` table, or by colours of their own (uint8
    ``(n, 3)`` or ``(n, 4)``); None if they have neither. Raises EngineError."""
    if each is not None:
        colours, rows = palette(_rgba(each))
        return Colours(rows, colours, (-0.5, len(colours) - 0.5), True, "palette")
    name = str(mapping["Parameter"]) if mapping else next(iter(columns), "")
    if name not in columns:
        if mapping:
            raise EngineError(f"the points have no column {name[:60]!r}: there are {', '.join(columns) or 'none'}")
        return None
    numbers = columns[name]
    if not mapping:
        return Colours(numbers, np.full((1, 4), 255, np.uint8), (0.0, 1.0), False, "values")
    colours = _rgba(np.rint(np.clip(np.array(mapping["Colors"], float), 0, 1) * 255).astype(np.uint8))
    low, high = (float(end) for end in mapping["ValueRange"])
    if not mapping.get("Logarithmic"):
        return Colours(numbers, colours, _span(low, high), True, "values")
    if low <= 0:
        raise EngineError(f"colours by logarithm need a range above 0, got {low:g} to {high:g}")
    logarithms = np.full(len(numbers), np.nan)
    np.log10(numbers, where=numbers > 0, out=logarithms)
    return Colours(logarithms, colours, _span(math.log10(low), math.log10(high)), True, "logarithms")


def table_of(
    table: Mapping[str, Any], places: Places, points: Path, colours: Colours | None, map: Path | None, width: int
) -> dict[str, Any]:
    """OpenSpace's table of a node whose files these are, in a picture ``width`` pixels wide."""
    look = table["Renderable"]
    colouring: dict[str, Any] = {"FixedColor": list(look.get("Coloring", {}).get("FixedColor", (1.0, 1.0, 1.0)))}
    if colours is not None:
        colouring["ColorMapping"] = {
            "Enabled": colours.enabled,
            "File": str(map),
            "Parameter": COLUMN,
            "ValueRange": list(colours.span),
        }
    return {
        "Identifier": table["Identifier"],
        "Parent": table["Parent"],
        "Transform": {"Translation": {"Type": "StaticTranslation", "Position": list(places.offset)}},
        "Renderable": {
            "Type": "RenderablePointCloud",
            "Enabled": bool(look.get("Enabled", True)),
            "Opacity": float(look.get("Opacity", 1.0)),
            "File": str(points),
            "UseCaching": False,
            "Unit": places.unit,
            # Added up, colours would no longer be those of the colour map.
            "UseAdditiveBlending": False,
            "Coloring": colouring,
            "SizeSettings": {
                "ScaleExponent": _EXPONENT,
                "EnableMaxSizeControl": True,
                "MaxSize": degrees(float(look.get("SizeSettings", {}).get("MaxSize", 1.0)), width),
            },
        },
        "Tag": list(table.get("Tag", ())),
        "GUI": dict(table.get("GUI", {})),
    }


def degrees(pixels: float, width: int) -> float:
    """OpenSpace's ``MaxSize`` of a point that is ``pixels`` across in the middle of a picture ``width`` pixels wide."""
    return 2 * math.degrees(math.atan(max(pixels, _SMALLEST) / 2 / _focal(width)))


def pixels(degrees: float, width: int) -> float:
    """What ``MaxSize`` comes to, the other way round."""
    return 2 * _focal(width) * math.tan(math.radians(degrees) / 2)


def _focal(width: int) -> float:
    return width / 2 / math.tan(math.radians(HORIZONTAL_VIEW / 2))


def _span(low: float, high: float) -> tuple[float, float]:
    """OpenSpace divides by the span."""
    return (low, high) if low != high else (low, low + (abs(low) * 1e-5 or 1.0))


def _rgba(colours: np.ndarray) -> np.ndarray:
    if colours.dtype.kind == "f":
        colours = np.rint(np.clip(np.nan_to_num(colours), 0, 1) * 255).astype(np.uint8)
    if colours.shape[1] == 4:
        return colours
    return np.concatenate([colours, np.full((len(colours), 1), 255, np.uint8)], axis=1)
