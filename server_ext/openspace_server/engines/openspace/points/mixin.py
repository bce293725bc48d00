"""The half of the openspace engine that shows points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.points.nodes import Given, PointFiles
from openspace_server.engines.point_engine import PointEngine, Shown

MOST_POINTS = 5_000_000
"""Of one cloud: OpenSpace's picture stands still for about a second per million while it reads them."""


class PointClouds(PointEngine):
    """``_point_files`` is there while the engine is open."""

    _point_files: PointFiles | None = None

    def add_points(
        self,
        node: dict[str, Any],
        places: np.ndarray,
        columns: Mapping[str, np.ndarray],
        *,
        colours: np.ndarray | None = None,
        shown: np.ndarray | None = None,
    ) -> Shown:
        return self._files().add(_given(node, places, columns, colours, shown))

    def update_points(
        self,
        identifier: str,
        places: np.ndarray | None = None,
        columns: Mapping[str, np.ndarray] | None = None,
        *,
        colours: np.ndarray | None = None,
        shown: np.ndarray | None = None,
    ) -> Shown:
        if places is not None:
            _check_count(len(places))

        def changed(before: Given) -> Given:
            new = before.places if places is None else places
            alike = len(new) == len(before.places)
            kept = dict(before.columns) if alike else {}
            each = colours if colours is not None else before.each if alike and places is None else None
            return _given(before.table, new, kept | dict(columns or {}), each, shown)

        return self._files().update(identifier, changed)

    def colour_points(self, identifier: str, mapping: Mapping[str, Any] | None) -> Shown:
        return self._files().colour(identifier, mapping)

    def remove_points(self, identifier: str) -> Shown:
        return self._files().remove(identifier)

    def has_points(self, identifier: str) -> bool:
        return identifier in self._files()

    def point_looks(self, identifier: str) -> dict[str, Any]:
        return self._files().looks(identifier)

    def style_points(self, identifier: str, looks: Mapping[str, Any]) -> Shown:
        return self._files().style(identifier, looks)

    def check_picking(self) -> None:
        raise EngineError(
            "OpenSpace does not tell which point is where in its picture, so points cannot be picked: "
            "use the embedded engine for that"
        )

    def _files(self) -> PointFiles:
        if self._point_files is None:
            raise EngineError("the openspace engine is not open")
        return self._point_files


def _given(
    table: Mapping[str, Any],
    places: np.ndarray,
    columns: Mapping[str, np.ndarray],
    colours: np.ndarray | None,
    shown: np.ndarray | None,
) -> Given:
    """Without the points that are not to be drawn. Raises EngineError if none or too many are left."""
    good = np.isfinite(places).all(axis=1)
    if shown is not None:
        good &= shown
    if not good.all():
        places, columns = places[good], {name: column[good] for name, column in columns.items()}
        colours = colours[good] if colours is not None else None
    _check_count(len(places))
    return Given(table, places, columns, colours)


def _check_count(count: int) -> None:
    if count > MOST_POINTS:
        raise EngineError(
            f"OpenSpace reads points from text files and stands still meanwhile: at most {MOST_POINTS} can be shown, "
            f"not {count}; show fewer, or use the embedded engine"
        )
    if not count:
        raise EngineError("there is no point to show")
