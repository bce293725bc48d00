"""All point clouds of the scene: added, changed and removed, prepared beside the draw thread, drawn as a picture can
afford them, and picked."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError, UnknownTarget
from openspace_server.engines.embedded.graphics.view import View
from openspace_server.engines.embedded.points import occlusion as cover
from openspace_server.engines.embedded.points import round_dots as dots
from openspace_server.engines.embedded.points.chunks import CHUNK, Arrangement
from openspace_server.engines.embedded.points.cloud import LARGE
from openspace_server.engines.embedded.points.colors import pack
from openspace_server.engines.embedded.points.files import LARGEST, MOST
from openspace_server.engines.embedded.points.node import Given, PointNode, file_of, inner, parent, read_file
from openspace_server.engines.embedded.points.occlusion import Disc
from openspace_server.engines.point_engine import PickedPoint
from openspace_server.engines.properties import PropertyOwner
from openspace_server.engines.user_files import UserFile

log = logging.getLogger(__name__)

AT_ONCE = 30_000
"""Points up to which a cloud is prepared at once, in a few milliseconds."""
_SMALL_FILE = 1_000_000  # bytes up to which a file is read at once
_BUDGET = 0.012  # seconds that points may take of a picture while things move
_COST = 6e-8  # seconds per point, before any was measured
_BASE = 0.004  # seconds that a picture takes without points, before any was measured
_DEAR = 20_000  # points from which their time can be measured
REST = 0.12
"""Seconds without another picture after which nothing counts as changing."""
_LONGEST_REST = 0.3  # seconds without motion after which all points are drawn at the latest
_PATIENCE = 4.0  # times that a picture of all points takes
_REACH = 5.0  # pixels at a height of 720 by which a pick may miss


class Points:
    """The clouds of one scene. Everything but ``hear`` happens on the draw thread.

    Args:
        hear: called on any thread when points are ready that were not in the last picture.

    Attributes:
        whole: whether the last live picture had all points.
    """

    def __init__(self, root: Any, software: bool, hear: Callable[[], None]) -> None:
        self._root, self._software, self._hear = root, software, hear
        self._nodes: dict[str, PointNode] = {}
        self._jobs: dict[str, Future[Any]] = {}
        self._again: set[str] = set()
        self._worker: ThreadPoolExecutor | None = None
        self._cost, self._total, self._drawn, self._spent = _COST, 0, 0, 0.0
        self._base = _BASE  # what a picture takes without points
        self._all = (0, 0.0)  # how many points the last picture of all had, and its time
        self.whole = True

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._nodes

    # -- what there is --------------------------------------------------------------------------------------------

    def add(self, table: Mapping[str, Any], given: Given | None = None) -> PropertyOwner:
        """Make a cloud from OpenSpace's table; returns its node. ``given`` stands for the file. Raises EngineError."""
        renderable = inner(table, "Renderable")
        node = PointNode(self._root, self._software, table, given, self._stale)
        self._nodes[node.identifier] = node
        try:
            if given is not None:
                self._stale(node)
            elif _is_large(file_of(renderable)):
                self._start(node, lambda: read_file(renderable))
            else:
                node.give(read_file(renderable))
        except EngineError:
            self.remove(node.identifier)
            raise
        return node.owner

    def remove(self, identifier: str) -> None:
        node = self._nodes.pop(identifier)
        self._jobs.pop(identifier, None)
        self._again.discard(identifier)
        node.cloud.remove()

    def set_parent(self, identifier: str, name: str) -> None:
        """Raises UnknownTarget."""
        self._nodes[identifier].parent = parent(name)

    def update(
        self,
        identifier: str,
        places: np.ndarray | None,
        columns: Mapping[str, np.ndarray] | None,
        colors: np.ndarray | None,
        shown: np.ndarray | None,
    ) -> None:
        """See :meth:`~openspace_server.engines.scene_engine.SceneEngine.update_points`."""
        node = self._node(identifier)
        before = node.given
        if before is None:
            raise EngineError(f"the points of {identifier[:60]} are still being read from their file")
        count = len(before.places) if places is None else len(np.asarray(places))
        kept = before if count == len(before.places) else Given(before.places, {})
        changed = checked(
            kept.places if places is None else places,
            kept.columns if columns is None else {**kept.columns, **columns},
            colors,
            kept.shown if shown is None else shown,
            kept.colors,
        )
        node.give(replace(changed, of_file=before.of_file))

    def color(self, identifier: str, mapping: Mapping[str, Any] | None) -> None:
        """Raises EngineError, UnknownTarget."""
        self._node(identifier).set_color_mapping(mapping)

    def _node(self, identifier: str) -> PointNode:
        if identifier not in self._nodes:
            raise UnknownTarget(identifier, self._nodes)
        return self._nodes[identifier]

    # -- beside the draw thread -----------------------------------------------------------------------------------

    def _stale(self, node: PointNode) -> None:
        if node.identifier not in self._nodes or node.given is None:
            return
        if node.identifier in self._jobs:
            self._again.add(node.identifier)
        elif node.count <= AT_ONCE:
            node.cloud.take(node.plan()())
        else:
            self._start(node, node.plan())

    def _start(self, node: PointNode, work: Callable[[], Any]) -> None:
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, "points")
        job = self._jobs[node.identifier] = self._worker.submit(work)
        job.add_done_callback(lambda done: self._hear())

    @property
    def pending(self) -> bool:
        """Whether points were given that are not in the picture yet."""
        return bool(self._jobs)

    @property
    def ready(self) -> bool:
        """Whether a new picture would have points that the last one had not."""
        return any(job.done() for job in self._jobs.values())

    def collect(self) -> None:
        """Take what is ready."""
        for identifier, job in list(self._jobs.items()):
            if not job.done():
                continue
            node = self._nodes[identifier]
            del self._jobs[identifier]
            try:
                made = job.result()
                if isinstance(made, Arrangement):
                    node.cloud.take(made)
                else:
                    node.give(made)
            except EngineError as error:
                log.error("%s has no points: %s", identifier, error)
                node.problem.update(str(error))
            if identifier in self._again:
                self._again.discard(identifier)
                self._stale(node)

    def settle(self) -> None:
        """Wait until everything that was given can be drawn."""
        while self._jobs:
            next(iter(self._jobs.values())).exception()
            self.collect()

    def close(self) -> None:
        if self._worker is not None:
            self._worker.shutdown(wait=True, cancel_futures=True)
            self._worker = None
        self._jobs.clear()

    # -- drawing --------------------------------------------------------------------------------------------------

    @property
    def rest(self) -> float:
        """Seconds without motion after which all of them are drawn: the longer that takes, the later, as meanwhile
        nobody can steer."""
        return min(max(_PATIENCE * self._cost * self._total, REST), _LONGEST_REST)

    def show(self, view: View, moving: bool, discs: Sequence[Disc], order: int) -> None:
        """Draw all of them at rest, a part while ``moving`` in software; ``discs`` as in :meth:`.Cloud.show`."""
        began = time.thread_time()
        if view.exact:
            self.settle()
        else:
            self.collect()
        levels = {node.identifier: node.level for node in self._nodes.values()}
        total = sum(node.cloud.count for node in self._nodes.values() if levels[node.identifier] > 0)
        if not view.exact:
            self._total = total
        share = min(1.0, _BUDGET / (self._cost * total)) if moving and total and self._software else 1.0
        drawn, left = 0, dots.BUDGET
        for node in self._nodes.values():
            level = levels[node.identifier]
            if level <= 0:
                node.cloud.hide()
                continue
            axes, offset = node.placed(view)
            pixels = max(node.pixels(view, axes, offset), view.dot)
            largest = LARGE * 10 if view.exact else LARGE
            dot = pixels / 2 / view.focal
            price = dots.cost(node.cloud.count, dot, self._software)
            if pixels < dots.SMALLEST or node.cloud.count > CHUNK or price > left:
                dot = price = 0.0
            left -= price
            node.cloud.show(axes, offset, share, pixels, level, discs, order, largest, dot)
            drawn += node.cloud.drawn
        if not view.exact:
            self.whole, self._drawn = share >= 1, drawn
            self._spent = time.thread_time() - began

    def measured(self, seconds: float) -> None:
        """How long the renderer worked on the live picture; only what is dear is learnt from."""
        seconds += self._spent
        if self._drawn <= _DEAR:
            self._base += 0.25 * (seconds - self._base)
            return
        cost = (seconds - self._base) / self._drawn
        if self.whole:
            self._all = self._drawn, seconds
        elif self._all[0] > 1.5 * self._drawn:
            # The difference to the picture of all points tells points from everything else.
            cost = (self._all[1] - seconds) / (self._all[0] - self._drawn)
        self._cost += 0.25 * (min(max(cost, 1e-8), 1e-6) - self._cost)

    def pick(self, view: View, discs: Sequence[Disc], x: float, y: float) -> PickedPoint | None:
        """The point nearest to the place ``x`` (right) and ``y`` (down), 0..1, of the picture."""
        sight = np.array([(x - 0.5) * view.width / view.focal, 1.0, (0.5 - y) * view.height / view.focal])
        reach = _REACH * max(1.0, view.height / 720) / view.focal
        found: list[tuple[float, float, PointNode, int]] = []
        for node in self._nodes.values():
            if node.level <= 0 or node.given is None or node.identifier in self._jobs:
                continue
            for off, place, index in node.cloud.nearest(*node.placed(view), sight / np.linalg.norm(sight), reach):
                if not any(cover.behind(place[None], disc)[0] for disc in discs):
                    found.append((round(off * view.focal), float(np.linalg.norm(place)), node, index))
        if not found:
            return None
        _, _, node, index = min(found, key=lambda each: each[:2])
        value, values = node.value_of(index)
        return PickedPoint(node.identifier, index, value, values)


def checked(
    places: Any,
    columns: Mapping[str, Any],
    colors: Any,
    shown: Any,
    packed: np.ndarray | None = None,
) -> Given:
    """Points as they were given, if they are sound; ``packed`` are colours that were checked before. Raises
    EngineError."""
    places = np.asarray(places)
    if places.dtype.kind in "iu":
        places = places.astype(float)
    if places.ndim != 2 or places.shape[1] != 3 or not 0 < len(places) <= MOST or places.dtype.kind != "f":
        raise EngineError(
            f"points are an array of (n, 3) numbers, n from 1 to {MOST}; got {places.shape} of {places.dtype}"
        )
    count = len(places)
    found = {str(name): np.asarray(column) for name, column in columns.items()}
    for name, column in found.items():
        if column.shape != (count,) or column.dtype.kind not in "iufb":
            raise EngineError(f"column {name[:60]!r} must hold {count} numbers; got {column.shape} of {column.dtype}")
    if colors is not None:
        packed = pack(colors)
    if packed is not None and len(packed) != count:
        raise EngineError(f"there are {count} points, but {len(packed)} colours")
    if shown is not None:
        shown = np.asarray(shown)
        if shown.shape != (count,) or shown.dtype != np.bool_:
            raise EngineError(f"shown must hold {count} booleans; got {shown.shape} of {shown.dtype}")
    return Given(places, found, packed, shown)


def _is_large(file: UserFile) -> bool:
    try:
        with file.open(LARGEST) as content:
            return os.fstat(content.fileno()).st_size > _SMALL_FILE
    except OSError:
        return False
