"""Point cloud as the kernel knows it: what was sent last, what is being sent, and its pick callbacks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.points import ALL, PointOptions
from openspace_widget.client.session import Session
from openspace_widget.errors import PointsError
from openspace_widget.points import encode, inputs
from openspace_widget.points.encode import Prepared, Recipe
from openspace_widget.points.inputs import PointInput
from openspace_widget.typing import PointStyle

SEND_TIMEOUT = 120.0
REMEMBERED = 8
"""Frames whose rows are remembered, so that a pick can name the row of the user's own arrays."""


@dataclass(frozen=True)
class Sent:
    """Outcome of sending one frame.

    Attributes:
        sequence: counts the frames of this name.
        points: number of points sent, after filters.
        shown: False if a newer frame replaced it before it was drawn; ``reason`` says so.
        bytes: of the message, after compression.
        seconds: from the call until the instance reported that it is shown.
        error_bound: largest error of x, y and z, in the unit; None if they are exact.
    """

    sequence: int
    points: int
    shown: bool
    reason: str
    bytes: int
    seconds: float
    error_bound: tuple[float, float, float] | None


@dataclass(frozen=True)
class Pick:
    """A point that a viewer pointed at: its ``index`` in the arrays that were passed, its ``value`` (None without
    values), ``xyz`` as passed, ``how``: ``"click"`` or ``"hover"``, and the name of the ``viewer``."""

    name: str
    index: int
    value: float | None
    xyz: tuple[float, float, float]
    how: str
    viewer: str


@dataclass(frozen=True)
class _Arguments:
    """The arguments of the last frame."""

    points: PointInput
    values: Any
    colors: Any


@dataclass(frozen=True)
class PointLook:
    """How points look, as the instance has them.

    Attributes:
        count: number of points in the scene, after filters.
        visible: whether they are drawn.
        opacity: 0 to 1.
        size: pixels.
        color: RGB 0 to 1 of points without values and colours.
        colormap: name of the colour map.
        range: values of the first and the last colour.
        log: whether colours follow the logarithm of the values.
    """

    count: int
    visible: bool
    opacity: float
    size: float
    color: tuple[float, float, float]
    colormap: str
    range: tuple[float, float]
    log: bool

    @classmethod
    def read(cls, count: int, options: dict[str, Any]) -> PointLook:
        """From the instance's answer to the verb ``points``."""
        (r, g, b), (low, high) = options["color"], options["range"]
        return cls(
            int(count),
            bool(options["visible"]),
            float(options["opacity"]),
            float(options["size"]),
            (float(r), float(g), float(b)),
            str(options["colormap_name"]),
            (float(low), float(high)),
            bool(options["log"]),
        )


Callback = Callable[[Pick], Any]


class Cloud:
    """One point cloud, by its name."""

    def __init__(self, session: Session, recipe: Recipe) -> None:
        self.session = session
        self.recipe = recipe
        self.sequence = 0
        self.callbacks: dict[Callback, bool] = {}
        """Callback → whether it is also called for hovering."""
        self._last: _Arguments | None = None
        self._rows: dict[int, tuple[np.ndarray | None, _Arguments]] = {}
        self._next: Prepared | None = None
        self._pumping: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[Any]] = set()
        self._preparing = threading.Lock()

    def prepare(
        self, xyz: Any, values: Any, colors: Any, keep: str = ALL, *, copy: bool = False, check: bool = False
    ) -> Prepared:
        """The next frame; what is None stays as it was. May be called on any thread. Raises PointsError."""
        with self._preparing:
            return self._prepare(xyz, values, colors, keep, copy, check)

    def _prepare(self, xyz: Any, values: Any, colors: Any, keep: str, copy: bool, check: bool) -> Prepared:
        last = self._last
        if xyz is None:
            if last is None:
                raise PointsError("xyz: there are no points yet")
            points = last.points
        else:
            points = inputs.read(xyz)
        if values is None and xyz is None and last is not None:
            values = last.values
        if colors is None and xyz is None and last is not None:
            colors = last.colors
        self.sequence += 1
        prepared = encode.prepare(self.recipe, points, values, colors, self.sequence, keep, check, copy)
        if self.recipe.range is None and "values" in prepared.frame.columns:
            self.recipe = replace(self.recipe, range=prepared.frame.options.range)
        self._last = _Arguments(points, values, colors)
        self._rows[self.sequence] = (prepared.rows, self._last)
        while len(self._rows) > REMEMBERED:
            del self._rows[next(iter(self._rows))]
        return prepared

    async def send(self, prepared: Prepared) -> Sent:
        """Send a frame and wait until it is shown or replaced. Raises RequestError, SessionError, NotReadyError."""
        began, frame = time.monotonic(), prepared.frame
        encoding = self.recipe.encoding(self.session.upload_rate)
        try:
            parts, bound = await asyncio.to_thread(frame.encode, encoding)
        except ProtocolError as problem:
            raise PointsError(str(problem)) from None
        result = await self.session.send_array(parts, SEND_TIMEOUT)
        return Sent(
            frame.sequence,
            len(frame.positions),
            bool(result["shown"]),
            str(result.get("reason", "")),
            int(result["bytes"]),
            time.monotonic() - began,
            None if bound is None else (bound[0], bound[1], bound[2]),
        )

    def send_latest(self, prepared: Prepared) -> bool:
        """Send a frame once the one before is through; False if it replaces one that still waits."""
        overtaken, self._next = self._next is not None, prepared
        if self._pumping is None or self._pumping.done():
            self._pumping = self.start(self._pump())
        return not overtaken

    async def resend(self) -> None:
        """Send the last frame again: to an instance that was restarted, or after a change of filter."""
        if (last := self._last) is not None:
            await self.send(await asyncio.to_thread(self.prepare, last.points, last.values, last.colors))

    async def style(self, style: PointStyle) -> None:
        """Change how the points look. Raises PointsError, RequestError."""
        changes = encode.style_changes(self.recipe, style)
        if changes:
            await self.session.ask("style_points", name=self.recipe.name, options=changes)
            options = PointOptions.read(self.recipe.options.as_json() | changes)
            self.recipe = replace(self.recipe, options=options)
        if "range" in style:
            self.recipe = replace(self.recipe, range=tuple(changes["range"]) if "range" in changes else None)
        if "filter" in style:
            await self._filter(style["filter"])

    async def _filter(self, filter: Any) -> None:
        before = self.recipe
        self.recipe = replace(before, filter=filter)
        try:
            await self.resend()
        except Exception:
            self.recipe = before
            raise

    async def look(self) -> PointLook:
        """How the points look now, including changes by others. Raises PointsError once they are removed."""
        for each in await self.session.ask("points"):
            if each["name"] == self.recipe.name:
                return PointLook.read(each["points"], each["options"])
        raise PointsError(f"there are no points called {self.recipe.name!r} any more")

    async def remove(self) -> None:
        """Take them out of the scene; no error if they are gone already."""
        for task in list(self._sending):
            task.cancel()
        if any(each["name"] == self.recipe.name for each in await self.session.ask("points")):
            await self.session.ask("remove_points", name=self.recipe.name)

    def picked(self, event: dict[str, Any]) -> Pick | None:
        """The event with the row of the user's own arrays; None if that frame is no longer remembered."""
        rows, passed = self._rows.get(event["sequence"], (None, None))
        if passed is None:
            return None
        index = int(event["index"]) if rows is None else int(rows[event["index"]])
        x, y, z = passed.points.positions[index].tolist()
        return Pick(self.recipe.name, index, event.get("value"), (x, y, z), event["how"], event.get("viewer", ""))

    async def _pump(self) -> None:
        while self._next is not None:
            prepared, self._next = self._next, None
            await self.send(prepared)

    def start(self, work: Any) -> asyncio.Task[Any]:
        """Run ``work`` until it ends, or the points are removed."""
        task = asyncio.create_task(work)
        self._sending.add(task)
        task.add_done_callback(self._on_end)
        return task

    def _on_end(self, task: asyncio.Task[Any]) -> None:
        self._sending.discard(task)
        if not task.cancelled():
            task.exception()
