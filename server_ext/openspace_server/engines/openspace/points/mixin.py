"""The part of the openspace engine that shows points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.points.nodes import CloudContent, PointFiles
from openspace_server.engines.point_engine import Completion, PointEngine

MOST_POINTS = 5_000_000
"""Of one cloud: OpenSpace's view stands still for about a second per million while it reads them."""


class PointClouds(PointEngine):
    """``_point_files`` is there while the engine is open."""

    _point_files: PointFiles | None = None

    def add_points(
        self,
        node: dict[str, Any],
        positions: np.ndarray,
        columns: Mapping[str, np.ndarray],
        *,
        colors: np.ndarray | None = None,
        shown: np.ndarray | None = None,
    ) -> Completion:
        return self._files().add(_content(node, positions, columns, colors, shown))

    def update_points(
        self,
        identifier: str,
        positions: np.ndarray | None = None,
        columns: Mapping[str, np.ndarray] | None = None,
        *,
        colors: np.ndarray | None = None,
        shown: np.ndarray | None = None,
    ) -> Completion:
        if positions is not None:
            _check_count(len(positions))

        def changed(previous: CloudContent) -> CloudContent:
            new = previous.positions if positions is None else positions
            alike = len(new) == len(previous.positions)
            kept = dict(previous.columns) if alike else {}
            own = colors if colors is not None else previous.colors if alike and positions is None else None
            return _content(previous.table, new, kept | dict(columns or {}), own, shown)

        return self._files().update(identifier, changed)

    def color_points(self, identifier: str, mapping: Mapping[str, Any] | None) -> Completion:
        return self._files().set_color_mapping(identifier, mapping)

    def remove_points(self, identifier: str) -> Completion:
        return self._files().remove(identifier)

    def has_points(self, identifier: str) -> bool:
        return identifier in self._files()

    def point_style(self, identifier: str) -> dict[str, Any]:
        return self._files().style_of(identifier)

    def style_points(self, identifier: str, style: Mapping[str, Any]) -> Completion:
        return self._files().set_style(identifier, style)

    def check_picking(self) -> None:
        raise EngineError(
            "OpenSpace does not say which point is where in its frames, so points cannot be picked: "
            "use the embedded engine for that"
        )

    def _files(self) -> PointFiles:
        if self._point_files is None:
            raise EngineError("the openspace engine is not open")
        return self._point_files


def _content(
    table: Mapping[str, Any],
    positions: np.ndarray,
    columns: Mapping[str, np.ndarray],
    colors: np.ndarray | None,
    shown: np.ndarray | None,
) -> CloudContent:
    """The content of a cloud without points that are not drawn. Raises EngineError if none or too many are left."""
    good = np.isfinite(positions).all(axis=1)
    if shown is not None:
        good &= shown
    if not good.all():
        positions, columns = positions[good], {name: column[good] for name, column in columns.items()}
        colors = colors[good] if colors is not None else None
    _check_count(len(positions))
    return CloudContent(table, positions, columns, colors)


def _check_count(count: int) -> None:
    if count > MOST_POINTS:
        raise EngineError(
            f"OpenSpace reads points from text files and stands still meanwhile: at most {MOST_POINTS} can be shown, "
            f"not {count}; show fewer, or use the embedded engine"
        )
    if not count:
        raise EngineError("there is no point to show")
