"""One name of points as the kernel knows it: what was sent last, what is being sent, who listens."""

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
from openspace_widget.points import encode as point_frames
from openspace_widget.points import inputs as point_inputs
from openspace_widget.points.encode import Prepared, Recipe

SEND_TIMEOUT = 120.0
REMEMBERED = 8
"""Frames whose rows are remembered, so that what is picked can be told in the user's own rows."""


@dataclass(frozen=True)
class Sent:
    """What became of one frame.

    Attributes:
        sequence: counts the frames of this name.
        points: how many were sent, after filters.
        shown: False if a newer frame took its place before; ``reason`` says so.
        bytes: of the message, after compression.
        seconds: from the call until the instance told that it is shown.
        error_bound: the most by which x, y and z may be off, in the unit; None if they are exact.
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
    """A point that somebody pointed at: its ``index`` in the arrays that were passed, its ``value`` (None without
    values), ``xyz`` as passed, ``how``: ``"click"`` or ``"hover"``, and which ``viewer`` did."""

    name: str
    index: int
    value: float | None
    xyz: tuple[float, float, float]
    how: str
    viewer: str


@dataclass(frozen=True)
class _Passed:
    """What the user passed last."""

    held: point_inputs.Given
    values: Any
    colors: Any


Callback = Callable[[Pick], Any]


class Cloud:
    """The kernel's half of one name."""

    def __init__(self, session: Session, recipe: Recipe) -> None:
        self.session = session
        self.recipe = recipe
        self.sequence = 0
        self.callbacks: dict[Callback, bool] = {}
        """Callback → whether it wants to hear of hovering, too."""
        self._given: _Passed | None = None
        self._rows: dict[int, tuple[np.ndarray | None, _Passed]] = {}
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
        last = self._given
        if xyz is None:
            if last is None:
                raise PointsError("xyz: there are no points yet")
            held = last.held
        else:
            held = point_inputs.read(xyz)
        if values is None and xyz is None and last is not None:
            values = last.values
        if colors is None and xyz is None and last is not None:
            colors = last.colors
        self.sequence += 1
        prepared = point_frames.prepare(self.recipe, held, values, colors, self.sequence, keep, check, copy)
        if self.recipe.range is None and "values" in prepared.frame.columns:
            self.recipe = replace(self.recipe, range=prepared.frame.options.range)
        self._given = _Passed(held, values, colors)
        self._rows[self.sequence] = (prepared.rows, self._given)
        while len(self._rows) > REMEMBERED:
            del self._rows[next(iter(self._rows))]
        return prepared

    async def send(self, prepared: Prepared) -> Sent:
        """Send a frame and wait until it is shown or overtaken. Raises RequestError, SessionError, NotReadyError."""
        began, frame = time.monotonic(), prepared.frame
        encoding = self.recipe.encoding(self.session.upload_rate)
        try:
            parts, bound = await asyncio.to_thread(frame.encode, encoding)
        except ProtocolError as problem:
            raise PointsError(str(problem)) from None
        told = await self.session.send_array(parts, SEND_TIMEOUT)
        return Sent(
            frame.sequence,
            len(frame.places),
            bool(told["shown"]),
            str(told.get("reason", "")),
            int(told["bytes"]),
            time.monotonic() - began,
            None if bound is None else (bound[0], bound[1], bound[2]),
        )

    def send_latest(self, prepared: Prepared) -> bool:
        """Send a frame as soon as the one before is through; False if one that waited is overtaken by it."""
        overtaken, self._next = self._next is not None, prepared
        if self._pumping is None or self._pumping.done():
            self._pumping = self.start(self._pump())
        return not overtaken

    async def again(self) -> None:
        """Send what was sent last once more: to an instance that was started again, or after a change of filter."""
        if self._given is None:
            return
        given = self._given
        await self.send(await asyncio.to_thread(self.prepare, given.held, given.values, given.colors))

    async def style(self, **changes: Any) -> dict[str, Any]:
        """Change options; all of them as they are then. Raises RequestError."""
        told = await self.session.ask("style_points", name=self.recipe.name, options=changes)
        options = PointOptions.read(self.recipe.options.as_json() | changes)
        self.recipe = replace(self.recipe, options=options)
        return dict(told["options"])

    async def options(self) -> dict[str, Any]:
        """As the instance has them now, whoever changed them. Raises PointsError once they are removed."""
        for each in await self.session.ask("points"):
            if each["name"] == self.recipe.name:
                return {**each["options"], "points": each["points"]}
        raise PointsError(f"there are no points called {self.recipe.name!r} any more")

    async def remove(self) -> None:
        """Take them out of the scene; no error if they are gone already."""
        for task in list(self._sending):
            task.cancel()
        if any(each["name"] == self.recipe.name for each in await self.session.ask("points")):
            await self.session.ask("remove_points", name=self.recipe.name)

    def picked(self, event: dict[str, Any]) -> Pick | None:
        """The event in the user's own rows; None if that frame is long gone."""
        rows, given = self._rows.get(event["sequence"], (None, None))
        if given is None:
            return None
        index = int(event["index"]) if rows is None else int(rows[event["index"]])
        x, y, z = given.held.places[index].tolist()
        return Pick(self.recipe.name, index, event.get("value"), (x, y, z), event["how"], event.get("viewer", ""))

    async def _pump(self) -> None:
        while self._next is not None:
            prepared, self._next = self._next, None
            await self.send(prepared)

    def start(self, work: Any) -> asyncio.Task[Any]:
        """Let ``work`` run until it ends, or the points are removed."""
        task = asyncio.create_task(work)
        self._sending.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._sending.discard(task)
        if not task.cancelled():
            task.exception()
