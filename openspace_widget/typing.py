"""Types of keyword arguments, for type checkers and completion."""

from __future__ import annotations

from typing import Any, TypedDict


class AddPointsOptions(TypedDict, total=False):
    """The keyword arguments of :meth:`OpenSpace.add_points`."""

    unit: Any
    frame: str | None
    parent: str | None
    values: Any
    colormap: Any
    range: tuple[float, float] | None
    log: bool
    colors: Any
    color: Any
    size: float
    opacity: float
    visible: bool
    filter: Any
    invalid: str
    precision: str
    compress: bool | None
    label: str | None


class PointStyle(TypedDict, total=False):
    """The attributes of :class:`Points` that may be set."""

    visible: bool
    opacity: float
    size: float
    color: Any
    colormap: Any
    range: tuple[float, float] | None
    log: bool
    filter: Any


class RenderOptions(TypedDict, total=False):
    """The keyword arguments of :meth:`Tour.render`, except ``stop``."""

    fps: float
    size: tuple[int, int]
    antialias: int
    quality: str | int
    progress: bool
    overwrite: bool
