"""What an engine offers that shows points given as arrays."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from openspace_server.engines.base import Engine, EngineError

Shown = Future[None] | None
"""None where points are shown with the next pictures; otherwise what ends when they are in the picture, on whatever
thread, and raises EngineError if they cannot be shown. Until then what was shown before stays."""


@dataclass(frozen=True)
class Picked:
    """A point of a cloud: ``identifier`` of the cloud, ``index`` of the point in the arrays that were given, its
    ``value`` in the column that colours it (None without one), and its ``values`` in all columns."""

    identifier: str
    index: int
    value: float | None
    values: dict[str, float]


class PointEngine(Engine):
    """An engine that point clouds can be put into, each a scene graph node of its own."""

    def add_points(
        self,
        node: dict[str, Any],
        places: np.ndarray,
        columns: Mapping[str, np.ndarray],
        *,
        colours: np.ndarray | None = None,
        shown: np.ndarray | None = None,
    ) -> Shown:
        """Add a ``RenderablePointCloud`` node whose points are given instead of a ``File``.

        The arrays are the engine's from now on, without a copy: they must not be written again. A large cloud takes a
        moment to appear; until then the live picture goes on without it (:attr:`points_pending`).

        Args:
            node: OpenSpace's table: ``Identifier``, ``Parent`` (a body, whose axes turn with it, or ``Root``), and in
                ``Renderable`` ``Type``, ``Unit``, ``Frame`` ("Galactic" or "ICRF" in place of the parent's axes),
                ``Opacity``, ``Coloring`` and ``SizeSettings`` (``Pixels``, or ``ScaleExponent`` and ``ScaleFactor``,
                with ``MaxSize``, the largest size, in pixels).
                ``Coloring.ColorMapping`` takes ``Colors``, RGB 0..1 ``(m, 3)`` or more, in place of a ``File``, and
                ``Parameter``, ``ValueRange`` and ``Logarithmic``.
            places: float32 or float64 ``(n, 3)``, n from 1 to 20 million, in the table's ``Unit``. Points that are
                not finite are left out.
            columns: numbers ``(n,)`` by name, for colour maps and picking.
            colours: uint8 or 0..1 floating point ``(n, 3)`` or ``(n, 4)``, RGB or RGBA, of each point; they win over
                the table's ``Coloring``.
            shown: bool ``(n,)``: points to draw; None for all.

        Raises EngineError, UnknownTarget; nothing is added then.
        """
        self._lacks("points given as arrays")

    def update_points(
        self,
        identifier: str,
        places: np.ndarray | None = None,
        columns: Mapping[str, np.ndarray] | None = None,
        *,
        colours: np.ndarray | None = None,
        shown: np.ndarray | None = None,
    ) -> Shown:
        """Change points of a cloud in place: it keeps its node and properties. Arguments as for :meth:`add_points`;
        None keeps what there is, which asks for the same n as before. Another n asks for ``places``, and drops
        columns, colours and ``shown`` that are not given. Returns at once: while a large update is prepared the
        cloud stays as it was, and of several that wait only the latest is drawn, whole or not at all.

        Raises EngineError, UnknownTarget; the cloud stays as it was then.
        """
        self._lacks("points given as arrays")

    def colour_points(self, identifier: str, mapping: Mapping[str, Any] | None) -> Shown:
        """Colour a cloud by another ``ColorMapping`` table (see :meth:`add_points`); None takes the fixed colour.
        Points with colours of their own show those all the same.

        Raises EngineError, UnknownTarget; the colours stay as they were then."""
        self._lacks("points given as arrays")

    @abstractmethod
    def remove_points(self, identifier: str) -> Shown:
        """Take a cloud out of the scene. Raises UnknownTarget."""

    @abstractmethod
    def has_points(self, identifier: str) -> bool:
        """Whether the cloud was added and not removed. An engine that is another program cannot see at once that
        somebody else has removed its node: then :meth:`point_looks` is empty, and :meth:`update_points` and
        :meth:`remove_points` do what they say."""

    @abstractmethod
    def point_looks(self, identifier: str) -> dict[str, Any]:
        """How a cloud looks now, whoever changed it: some of ``visible`` (bool), ``opacity`` (0..1), ``size`` (pixels)
        and ``color`` (RGB 0..1); nothing where somebody else has removed the node. Raises UnknownTarget."""

    @abstractmethod
    def style_points(self, identifier: str, looks: Mapping[str, Any]) -> Shown:
        """Change some of :meth:`point_looks`. Raises EngineError, UnknownTarget."""

    @property
    def points_pending(self) -> bool:
        """Whether points were given that are not in the picture yet. :meth:`still` waits for them."""
        return False

    def check_picking(self) -> None:
        """Raises EngineError from engines that never know which point is where in the picture."""

    def pick(self, x: float, y: float) -> Picked | None:
        """The point that the last live picture shows at ``x`` (from the left) and ``y`` (from the top), each 0..1, or
        within a few pixels of it; None where there is none or a body covers it."""
        return None

    def _lacks(self, what: str) -> NoReturn:
        raise EngineError(f"the {self.name} engine does not offer {what}")
