"""Colours of points: one for all, one each, or a column through a colour map. No drawing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.engines.embedded.points import files as point_files
from openspace_server.engines.user_files import admitted

_BLOCK = 1 << 16


@dataclass(frozen=True)
class ColorMap:
    """A colour map.

    Attributes:
        parameter: the column that is mapped.
        colors: RGB 0..1 ``(m, 3)``.
        low, high: the values of the first and the last colour; NaN for the column's own, and so are ends of 0 and
            less of a logarithmic map.
        hides: whether points with values outside are hidden.
    """

    parameter: str
    colors: np.ndarray
    low: float = math.nan
    high: float = math.nan
    logarithmic: bool = False
    hides: bool = False


def read_map(table: Mapping[str, Any]) -> ColorMap:
    """A ``ColorMapping`` table: ``Parameter``, ``File`` or ``Colors``, ``ValueRange``, ``Logarithmic``,
    ``HideValuesOutsideRange``. Raises EngineError."""
    parameter, span = table.get("Parameter"), table.get("ValueRange")
    if not isinstance(parameter, str) or not parameter:
        raise EngineError("a colour map needs Parameter, the name of a column")
    if table.get("Colors") is not None:
        try:
            colors = np.array(table["Colors"], float)
        except (TypeError, ValueError):
            colors = np.empty(0)
        if colors.ndim != 2 or not len(colors) or colors.shape[1] not in (3, 4) or not np.isfinite(colors).all():
            raise EngineError("a colour map's Colors are rows of three numbers from 0 to 1")
        colors = np.clip(colors[:, :3], 0, 1)
    elif table.get("File"):
        colors = point_files.read_color_map(admitted(table["File"]))
    else:
        raise EngineError("a colour map needs a File or Colors")
    low, high = read_range(span) if span is not None else (math.nan, math.nan)
    return ColorMap(
        parameter, colors, low, high, bool(table.get("Logarithmic")), bool(table.get("HideValuesOutsideRange"))
    )


def read_range(span: Any) -> tuple[float, float]:
    """Two finite numbers. Raises EngineError."""
    items = [span[key] for key in ("1", "2") if key in span] if isinstance(span, Mapping) else span
    try:
        low, high = (float(item) for item in items)
    except (TypeError, ValueError):
        low = high = math.nan
    if not math.isfinite(low) or not math.isfinite(high):
        raise EngineError(f"a value range is two finite numbers, got {str(span)[:60]!r}")
    return low, high


def pack(colors: np.ndarray) -> np.ndarray:
    """uint8 or 0..1 ``(n, 3)`` or ``(n, 4)`` as packed RGBA uint32 ``(n,)``. The software renderer's points are never
    half clear, so alpha darkens them. Raises EngineError."""
    colors = np.asarray(colors)
    if colors.ndim != 2 or colors.shape[1] not in (3, 4) or colors.dtype.kind not in "uf":
        raise EngineError(f"colours are (n, 3) or (n, 4), uint8 or 0 to 1; got {colors.shape} of {colors.dtype}")
    if colors.dtype.kind == "f":
        colors = (np.clip(np.nan_to_num(colors), 0, 1) * 255 + 0.5).astype(np.uint8)
    elif colors.dtype != np.uint8:
        raise EngineError(f"colours of whole numbers are uint8, not {colors.dtype}")
    out = np.empty((len(colors), 4), np.uint8)
    out[:, 3] = 255
    out[:, :3] = colors[:, :3]
    if colors.shape[1] == 4 and (colors[:, 3] < 255).any():
        out[:, :3] = (colors[:, :3].astype(np.uint16) * colors[:, 3:] + 127) // 255
    return out.view("<u4")[:, 0]


def map_colors(color_map: ColorMap, values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Packed RGBA ``(n,)`` by value, and which points are shown, bool ``(n,)``, None for all: NaN is not, nor what has
    no logarithm."""
    values = np.asarray(values)
    low, high = (_transformed(end, color_map.logarithmic) for end in (color_map.low, color_map.high))
    if math.isnan(low) or math.isnan(high):
        ends = [_ends(*_scaled(color_map, values[block])) for block in _blocks(len(values))]
        low = min(end for end, _ in ends) if math.isnan(low) else low
        high = max(end for _, end in ends) if math.isnan(high) else high
    table = pack(color_map.colors)
    scale = len(table) / (high - low) if math.isfinite(high - low) and high != low else 0.0
    colors, shown = np.empty(len(values), np.uint32), np.empty(len(values), bool)
    for block in _blocks(len(values)):
        here, good = _scaled(color_map, values[block])
        if color_map.hides:
            good &= (here >= min(low, high)) & (here <= max(low, high))
        steps = np.where(good, (here - low) * scale, 0.0)
        colors[block] = table.take(np.clip(steps, 0, len(table) - 1).astype(np.intp))
        shown[block] = good
    return colors, None if shown.all() else shown


def _blocks(count: int) -> Iterator[slice]:
    """Slices of few values, to save memory."""
    return (slice(start, start + _BLOCK) for start in range(0, count, _BLOCK))


def _scaled(color_map: ColorMap, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values on the scale of the colours, float ``(n,)``, and where they are defined."""
    values = values.astype(values.dtype if values.dtype.kind == "f" else np.float64)
    if not color_map.logarithmic:
        return values, np.isfinite(values)
    good = np.isfinite(values) & (values > 0)
    return np.log(np.where(good, values, 1.0)), good


def _ends(values: np.ndarray, good: np.ndarray) -> tuple[float, float]:
    return float(values.min(where=good, initial=math.inf)), float(values.max(where=good, initial=-math.inf))


def _transformed(end: float, logarithmic: bool) -> float:
    """An end of a range on the scale that colours follow; NaN where it has none."""
    if not logarithmic:
        return end
    return math.log(end) if end > 0 else math.nan
