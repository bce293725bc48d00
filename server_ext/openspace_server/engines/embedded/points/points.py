"""All point clouds of a scene: adding, changing and removing, preparation on another thread, drawing within a time
budget, and picking."""

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
from openspace_server.engines.embedded.points import occlusion
from openspace_server.engines.embedded.points import round_dots as dots
from openspace_server.engines.embedded.points.chunks import CHUNK, PointChunks
from openspace_server.engines.embedded.points.cloud import LARGE, CloudView
from openspace_server.engines.embedded.points.colors import pack
from openspace_server.engines.embedded.points.files import LARGEST, MOST
from openspace_server.engines.embedded.points.node import (
    PointArrays,
    PointNode,
    file_of,
    inner_table,
    parent_index,
    read_file,
)
from openspace_server.engines.embedded.points.occlusion import Occluder
from openspace_server.engines.point_engine import PickedPoint
from openspace_server.engines.properties import PropertyOwner
from openspace_server.engines.user_files import UserFile

log = logging.getLogger(__name__)

AT_ONCE = 30_000
"""Points up to which a cloud is prepared at once, in a few milliseconds."""
_SMALL_FILE = 1_000_000  # bytes up to which a file is read at once
_BUDGET = 0.012  # seconds of a frame that points may take while things move
_COST = 6e-8  # seconds per point, before any measurement
_BASE = 0.004  # seconds that a frame takes without points, before any measurement
_DEAR = 20_000  # points from which their time can be measured
REST = 0.12
"""Seconds without another frame after which nothing counts as changing."""
_LONGEST_REST = 0.3  # seconds without motion after which all points are drawn at the latest
_PATIENCE = 4.0  # times that a frame of all points takes
_REACH = 5.0  # pixels at a height of 720 by which a pick may miss


class Points:
    """The clouds of one scene. Everything but ``on_ready`` happens on the draw thread.

    Args:
        on_ready: called on any thread when points are ready that were not in the last frame.

    Attributes:
        drew_all: whether the last live frame had all points.
    """

    def __init__(self, root: Any, software: bool, on_ready: Callable[[], None]) -> None:
        self._root, self._software, self._on_ready = root, software, on_ready
        self._nodes: dict[str, PointNode] = {}
        self._jobs: dict[str, Future[Any]] = {}
        self._outdated: set[str] = set()
        self._worker: ThreadPoolExecutor | None = None
        self._cost, self._total, self._drawn, self._spent = _COST, 0, 0, 0.0
        self._base = _BASE  # what a frame takes without points
        self._all = (0, 0.0)  # how many points the last frame of all had, and its time
        self.drew_all = True

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._nodes

    # -- what there is --------------------------------------------------------------------------------------------

    def add(self, table: Mapping[str, Any], arrays: PointArrays | None = None) -> PropertyOwner:
        """Make a cloud from OpenSpace's table; returns its node. ``arrays`` replaces the file. Raises EngineError."""
        renderable = inner_table(table, "Renderable")
        node = PointNode(self._root, self._software, table, arrays, self._stale)
        self._nodes[node.identifier] = node
        try:
            if arrays is not None:
                self._stale(node)
            elif _is_large(file_of(renderable)):
                self._start(node, lambda: read_file(renderable))
            else:
                node.set_arrays(read_file(renderable))
        except EngineError:
            self.remove(node.identifier)
            raise
        return node.owner

    def remove(self, identifier: str) -> None:
        node = self._nodes.pop(identifier)
        self._jobs.pop(identifier, None)
        self._outdated.discard(identifier)
        node.cloud.remove()

    def set_parent(self, identifier: str, name: str) -> None:
        """Raises UnknownTarget."""
        self._nodes[identifier].parent = parent_index(name)

    def update(
        self,
        identifier: str,
        positions: np.ndarray | None,
        columns: Mapping[str, np.ndarray] | None,
        colors: np.ndarray | None,
        shown: np.ndarray | None,
    ) -> None:
        """See :meth:`~openspace_server.engines.scene_engine.SceneEngine.update_points`."""
        node = self._node(identifier)
        before = node.arrays
        if before is None:
            raise EngineError(f"the points of {identifier[:60]} are still being read from their file")
        count = len(before.positions) if positions is None else len(np.asarray(positions))
        kept = before if count == len(before.positions) else PointArrays(before.positions, {})
        changed = check_arrays(
            kept.positions if positions is None else positions,
            kept.columns if columns is None else {**kept.columns, **columns},
            colors,
            kept.shown if shown is None else shown,
            kept.colors,
        )
        node.set_arrays(replace(changed, of_file=before.of_file))

    def set_color_mapping(self, identifier: str, mapping: Mapping[str, Any] | None) -> None:
        """Raises EngineError, UnknownTarget."""
        self._node(identifier).set_color_mapping(mapping)

    def _node(self, identifier: str) -> PointNode:
        if identifier not in self._nodes:
            raise UnknownTarget(identifier, self._nodes)
        return self._nodes[identifier]

    # -- on another thread ----------------------------------------------------------------------------------------

    def _stale(self, node: PointNode) -> None:
        if node.identifier not in self._nodes or node.arrays is None:
            return
        if node.identifier in self._jobs:
            self._outdated.add(node.identifier)
        elif node.count <= AT_ONCE:
            node.cloud.take(node.chunk_job()())
        else:
            self._start(node, node.chunk_job())

    def _start(self, node: PointNode, work: Callable[[], Any]) -> None:
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, "points")
        job = self._jobs[node.identifier] = self._worker.submit(work)
        job.add_done_callback(lambda done: self._on_ready())

    @property
    def pending(self) -> bool:
        """Whether points were added that are not in the frames yet."""
        return bool(self._jobs)

    @property
    def ready(self) -> bool:
        """Whether a new frame would have points that the last one had not."""
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
                if isinstance(made, PointChunks):
                    node.cloud.take(made)
                else:
                    node.set_arrays(made)
            except EngineError as error:
                log.error("%s has no points: %s", identifier, error)
                node.problem.update(str(error))
            if identifier in self._outdated:
                self._outdated.discard(identifier)
                self._stale(node)

    def settle(self) -> None:
        """Wait until all points can be drawn."""
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
        """Seconds without motion after which all of them are drawn: the longer that takes, the later, as it delays
        steering."""
        return min(max(_PATIENCE * self._cost * self._total, REST), _LONGEST_REST)

    def show(self, view: View, moving: bool, occluders: Sequence[Occluder], order: int) -> None:
        """Draw all of them at rest, a part while ``moving`` in software; ``occluders`` as in :class:`.CloudView`."""
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
            axes, offset = node.view_transform(view)
            pixels = max(node.pixels(view, axes, offset), view.dot)
            largest = LARGE * 10 if view.exact else LARGE
            dot = pixels / 2 / view.focal
            price = dots.cost(node.cloud.count, dot, self._software)
            if pixels < dots.SMALLEST or node.cloud.count > CHUNK or price > left:
                dot = price = 0.0
            left -= price
            node.cloud.show(CloudView(axes, offset, share, pixels, level, occluders, order, largest, dot))
            drawn += node.cloud.drawn
        if not view.exact:
            self.drew_all, self._drawn = share >= 1, drawn
            self._spent = time.thread_time() - began

    def record_draw_time(self, seconds: float) -> None:
        """Learn from how long the renderer worked on the live frame; only expensive frames count."""
        seconds += self._spent
        if self._drawn <= _DEAR:
            self._base += 0.25 * (seconds - self._base)
            return
        cost = (seconds - self._base) / self._drawn
        if self.drew_all:
            self._all = self._drawn, seconds
        elif self._all[0] > 1.5 * self._drawn:
            # The difference to the frame of all points separates points from everything else.
            cost = (self._all[1] - seconds) / (self._all[0] - self._drawn)
        self._cost += 0.25 * (min(max(cost, 1e-8), 1e-6) - self._cost)

    def pick(self, view: View, occluders: Sequence[Occluder], x: float, y: float) -> PickedPoint | None:
        """The point nearest to ``x`` (from the left) and ``y`` (from the top), 0..1, of the frame."""
        sight = np.array([(x - 0.5) * view.width / view.focal, 1.0, (0.5 - y) * view.height / view.focal])
        reach = _REACH * max(1.0, view.height / 720) / view.focal
        found: list[tuple[float, float, PointNode, int]] = []
        for node in self._nodes.values():
            if node.level <= 0 or node.arrays is None or node.identifier in self._jobs:
                continue
            nearest = node.cloud.nearest(*node.view_transform(view), sight / np.linalg.norm(sight), reach)
            for off, position, index in nearest:
                if not any(occlusion.behind(position[None], occluder)[0] for occluder in occluders):
                    found.append((round(off * view.focal), float(np.linalg.norm(position)), node, index))
        if not found:
            return None
        _, _, node, index = min(found, key=lambda each: each[:2])
        value, values = node.value_of(index)
        return PickedPoint(node.identifier, index, value, values)


def check_arrays(
    positions: Any,
    columns: Mapping[str, Any],
    colors: Any,
    shown: Any,
    packed: np.ndarray | None = None,
) -> PointArrays:
    """The arrays of a cloud after validation; ``packed`` are colours that were checked before. Raises EngineError."""
    positions = np.asarray(positions)
    if positions.dtype.kind in "iu":
        positions = positions.astype(float)
    if positions.ndim != 2 or positions.shape[1] != 3 or not 0 < len(positions) <= MOST or positions.dtype.kind != "f":
        raise EngineError(
            f"points are an array of (n, 3) numbers, n from 1 to {MOST}; got {positions.shape} of {positions.dtype}"
        )
    count = len(positions)
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
    return PointArrays(positions, found, packed, shown)


def _is_large(file: UserFile) -> bool:
    try:
        with file.open(LARGEST) as content:
            return os.fstat(content.fileno()).st_size > _SMALL_FILE
    except OSError:
        return False
