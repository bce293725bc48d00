"""The contract of engines that show points given as arrays."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from openspace_server.engines.base import Engine, EngineError

Completion = Future[None] | None
"""None where a change is shown with the next frames; otherwise a future that ends, on any thread, when the change is
in the frames, and raises EngineError if it cannot be shown. Until then what was shown before stays."""


@dataclass(frozen=True)
class PickedPoint:
    """A point of a cloud: ``identifier`` of the cloud, ``index`` of the point in the arrays that were added, its
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
        positions: np.ndarray,
        columns: Mapping[str, np.ndarray],
        *,
        colors: np.ndarray | None = None,
        shown: np.ndarray | None = None,
    ) -> Completion:
        """Add a ``RenderablePointCloud`` node with points from arrays instead of a ``File``.

        The engine keeps the arrays without a copy: they must not be written to afterwards. A large cloud takes a
        moment to appear; until then the live view continues without it (:attr:`points_pending`).

        Args:
            node: OpenSpace's table: ``Identifier``, ``Parent`` (a body, whose axes turn with it, or ``Root``), and in
                ``Renderable`` ``Type``, ``Unit``, ``Frame`` ("Galactic" or "ICRF" in place of the parent's axes),
                ``Opacity``, ``Coloring`` and ``SizeSettings`` (``Pixels``, or ``ScaleExponent`` and ``ScaleFactor``,
                with ``MaxSize``, the largest size, in pixels).
                ``Coloring.ColorMapping`` takes ``Colors``, RGB 0..1 ``(m, 3)`` or more, in place of a ``File``, and
                ``Parameter``, ``ValueRange`` and ``Logarithmic``.
            positions: float32 or float64 ``(n, 3)``, n from 1 to 20 million, in the table's ``Unit``. Points that are
                not finite are left out.
            columns: numbers ``(n,)`` by name, for colour maps and picking.
            colors: uint8 or 0..1 floating point ``(n, 3)`` or ``(n, 4)``, RGB or RGBA, of each point; they win over
                the table's ``Coloring``.
            shown: bool ``(n,)``: points to draw; None for all.

        Raises EngineError, UnknownTarget; nothing is added then.
        """
        self._lacks("points given as arrays")

    def update_points(
        self,
        identifier: str,
        positions: np.ndarray | None = None,
        columns: Mapping[str, np.ndarray] | None = None,
        *,
        colors: np.ndarray | None = None,
        shown: np.ndarray | None = None,
    ) -> Completion:
        """Change points of a cloud in place: it keeps its node and properties. Arguments as for :meth:`add_points`;
        None keeps what there is, which requires the same n as before. Another n requires ``positions``, and drops
        columns, ``colors`` and ``shown`` that are not passed. Returns at once: while a large update is prepared the
        cloud stays as it was, and of several that wait only the latest is drawn, whole or not at all.

        Raises EngineError, UnknownTarget; the cloud stays as it was then.
        """
        self._lacks("points given as arrays")

    def color_points(self, identifier: str, mapping: Mapping[str, Any] | None) -> Completion:
        """Colour a cloud by another ``ColorMapping`` table (see :meth:`add_points`); None takes the fixed colour.
        Points with colours of their own show those all the same.

        Raises EngineError, UnknownTarget; the colours stay as they were then."""
        self._lacks("points given as arrays")

    @abstractmethod
    def remove_points(self, identifier: str) -> Completion:
        """Take a cloud out of the scene. Raises UnknownTarget."""

    @abstractmethod
    def has_points(self, identifier: str) -> bool:
        """Whether the cloud was added and not removed. An engine that is another program cannot see at once that its
        node was removed from outside: then :meth:`point_style` is empty, and :meth:`update_points` and
        :meth:`remove_points` do what they say."""

    @abstractmethod
    def point_style(self, identifier: str) -> dict[str, Any]:
        """The present style of a cloud, whatever has changed it: some of ``visible`` (bool), ``opacity`` (0..1),
        ``size`` (pixels) and ``color`` (RGB 0..1); empty where the node was removed from outside. Raises
        UnknownTarget."""

    @abstractmethod
    def style_points(self, identifier: str, style: Mapping[str, Any]) -> Completion:
        """Change some of :meth:`point_style`. Raises EngineError, UnknownTarget."""

    @property
    def points_pending(self) -> bool:
        """Whether points were added that are not in the frames yet. :meth:`still` waits for them."""
        return False

    def check_picking(self) -> None:
        """Raises EngineError from engines that never know which point is where in a frame."""

    def pick(self, x: float, y: float) -> PickedPoint | None:
        """The point that the last live frame shows at ``x`` (from the left) and ``y`` (from the top), each 0..1, or
        within a few pixels of it; None where there is none or a body covers it."""
        return None

    def _lacks(self, what: str) -> NoReturn:
        raise EngineError(f"the {self.name} engine does not offer {what}")
