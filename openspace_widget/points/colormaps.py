"""Colour maps by matplotlib's names: all of matplotlib's where it is installed, else a bundled selection."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from openspace_server.protocols.suggestions import did_you_mean, near
from openspace_widget.errors import PointsError

COUNT = 256
Colors = tuple[tuple[int, int, int], ...]


def colors_of(colormap: Any) -> tuple[str, Colors]:
    """Name and 256 RGB colours, 0 to 255, of a colour map.

    Args:
        colormap: a name such as ``"viridis"`` or ``"magma_r"`` (reversed), a matplotlib colour map, or an array
            ``(m, 3)`` or ``(m, 4)``, m from 2, of colours from low to high: uint8, or floats 0 to 1.

    Raises:
        PointsError: unknown name (near ones are listed) or no colours.
    """
    if isinstance(colormap, str):
        return colormap, _named(colormap)
    if callable(colormap):
        return str(getattr(colormap, "name", "")), _of_array(np.asarray(colormap(np.linspace(0, 1, COUNT))))
    try:
        return "", _of_array(np.asarray(colormap))
    except (TypeError, ValueError) as problem:
        raise PointsError(f"colormap: expected a name, a matplotlib colour map or colours (m, 3): {problem}") from None


def names() -> list[str]:
    """The names that can be used in this installation."""
    try:
        from matplotlib import colormaps
    except ImportError:
        return sorted([*_bundled(), *(f"{name}_r" for name in _bundled())])
    return sorted(colormaps)


def rgb(color: Any) -> tuple[float, float, float]:
    """RGB 0 to 1 of ``"#ff8800"``, ``"#f80"``, three numbers 0 to 1, or, with matplotlib, any of its colours.

    Raises PointsError.
    """
    if isinstance(color, str):
        digits = color.removeprefix("#")
        if color.startswith("#") and len(digits) in (3, 6):
            wide = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
            try:
                r, g, b = bytes.fromhex(wide)
            except ValueError:
                raise PointsError(f"color: {color!r} is no hexadecimal colour") from None
            return r / 255, g / 255, b / 255
        return _matplotlib_color(color)
    numbers = np.asarray(color, float).ravel()
    if numbers.shape != (3,) or not ((numbers >= 0) & (numbers <= 1)).all():
        raise PointsError(f"color: expected '#rrggbb' or three numbers from 0 to 1, got {color!r}")
    r, g, b = numbers.tolist()
    return r, g, b


def _matplotlib_color(color: str) -> tuple[float, float, float]:
    try:
        from matplotlib.colors import to_rgb
    except ImportError:
        raise PointsError(f"color: {color!r}: write '#rrggbb', or install matplotlib for names of colours") from None
    try:
        r, g, b = to_rgb(color)
    except ValueError as problem:
        raise PointsError(f"color: {problem}") from None
    return float(r), float(g), float(b)


def _named(name: str) -> Colors:
    base, reverse = (name[:-2], -1) if name.endswith("_r") else (name, 1)
    if base in _bundled():
        return _bundled()[base][::reverse]
    if name in names():
        from matplotlib import colormaps

        return _of_array(np.asarray(colormaps[name](np.linspace(0, 1, COUNT))))
    hint = did_you_mean(near(name, names()), f"there are {', '.join(_bundled())}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        hint += "; with matplotlib installed, all of its names can be used"
    raise PointsError(f"colormap: unknown name {name!r}: {hint}")


def _of_array(array: np.ndarray) -> Colors:
    if array.ndim != 2 or array.shape[1] not in (3, 4) or not 2 <= len(array) <= 1024:
        raise ValueError(f"got an array {array.shape}")
    if array.dtype.kind == "f":
        if not ((array >= 0) & (array <= 1)).all():
            raise ValueError("colours that are floats lie between 0 and 1")
        array = np.round(array * 255)
    elif array.min() < 0 or array.max() > 255:
        raise ValueError("colours that are whole numbers lie between 0 and 255")
    return tuple((r, g, b) for r, g, b in array[:, :3].astype(int).tolist())


@cache
def _bundled() -> dict[str, Colors]:
    stored: dict[str, str] = json.loads(
        (resources.files("openspace_widget.points") / "colormaps.json").read_text("utf-8")
    )
    return {
        name: _of_array(np.frombuffer(bytes.fromhex(digits), np.uint8).reshape(-1, 3))
        for name, digits in stored.items()
    }
