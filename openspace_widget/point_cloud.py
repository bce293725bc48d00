"""One name of points as the kernel knows it: what was sent last, what is being sent, who listens."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.points import ALL, LATEST, Options
from openspace_widget import point_frames, point_inputs
from openspace_widget.errors import OpenSpaceError, PointsError
from openspace_widget.point_frames import Prepared, Recipe
from openspace_widget.session import Session

IN_FLIGHT = 2
"""Frames under way at a time while playing: one on the road, one being shown."""
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
class Played:
    """How playing went. ``late`` frames began more than one interval after their time; ``dropped`` ones were
    overtaken by newer ones; ``hz`` is what was reached."""

    frames: int
    shown: int
    dropped: int
    late: int
    seconds: float
    hz: float


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
        encoding = self.recipe.encoding(self.session.link_rate)
        try:
            parts, bound = await asyncio.to_thread(frame.encode, encoding)
        except ProtocolError as problem:
            raise PointsError(str(problem)) from None
        told = await self.session.give(parts, SEND_TIMEOUT)
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
            self._pumping = self._start(self._pump())
        return not overtaken

    async def play(self, frames: Any, hz: float, keep: str) -> Played:
        """One frame every ``1 / hz`` seconds. See :meth:`Points.play`."""
        if keep not in (ALL, LATEST):
            raise PointsError(f"keep: expected {ALL!r} or {LATEST!r}, got {keep!r}")
        if not 0 < hz <= 1000:
            raise PointsError(f"hz: expected frames per second, above 0, got {hz!r}")
        room = asyncio.Semaphore(IN_FLIGHT)
        results: list[asyncio.Task[Sent]] = []
        dropped = late = count = 0
        began = time.monotonic()
        source = point_inputs.each_frame(frames)
        waiting: Any = None

        async def one(prepared: Prepared) -> Sent:
            try:
                return await self.send(prepared)
            finally:
                room.release()

        try:
            for given in source:
                due = began + count / hz
                count += 1
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if keep == LATEST and room.locked():
                    dropped, waiting = dropped + 1, given
                    continue
                await room.acquire()
                late += time.monotonic() > due + 1 / hz
                prepared = await asyncio.to_thread(self._prepare_given, given, keep)
                waiting = None
                results.append(self._start(one(prepared)))
                self._raise_early(results)
            if waiting is not None:
                # The last frame is the one to end with.
                await room.acquire()
                dropped -= 1
                results.append(self._start(one(await asyncio.to_thread(self._prepare_given, waiting, keep))))
            done = await asyncio.gather(*results)
        finally:
            for task in results:
                task.cancel()
        seconds = max(time.monotonic() - began, 1 / hz)
        shown = sum(sent.shown for sent in done)
        return Played(count, shown, dropped + len(done) - shown, late, seconds, shown / seconds)

    def _prepare_given(self, given: Any, keep: str) -> Prepared:
        xyz, values, colors = _three(given)
        return self.prepare(xyz, values, colors, keep)

    async def again(self) -> None:
        """Send what was sent last once more: to an instance that was started again, or after a change of filter."""
        if self._given is None:
            return
        given = self._given
        await self.send(await asyncio.to_thread(self.prepare, given.held, given.values, given.colors))

    async def style(self, **changes: Any) -> dict[str, Any]:
        """Change options; all of them as they are then. Raises RequestError."""
        told = await self.session.ask("style_points", name=self.recipe.name, options=changes)
        options = Options.read(self.recipe.options.as_json() | changes)
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

    def _start(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._sending.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._sending.discard(task)
        if not task.cancelled():
            task.exception()

    @staticmethod
    def _raise_early(results: list[asyncio.Task[Sent]]) -> None:
        for task in results:
            if task.done() and not task.cancelled() and (problem := task.exception()) is not None:
                raise problem


class Clouds:
    """All names of one session that this process sent, and who listens for picks."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.known: dict[str, Cloud] = {}
        self._watching = False
        # Callbacks may call anything, and wait for it: not on the loop that would have to answer.
        self._caller = ThreadPoolExecutor(1, thread_name_prefix="openspace-picks")
        session.listeners["picked"] = self._picked
        session.restarted.append(self._restarted)
        session.reconnected.append(self._reconnected)

    async def add(self, recipe: Recipe, held: point_inputs.Given, values: Any, colors: Any) -> tuple[Cloud, Sent]:
        """Send the first frame of a name; a name that there is already is replaced. Raises as ``add_points`` does."""
        before = self.known.get(recipe.name)
        cloud = Cloud(self.session, recipe)
        if before is not None:
            cloud.sequence = before.sequence
        else:
            there = [each for each in await self.session.ask("points") if each["name"] == recipe.name]
            cloud.sequence = there[0]["sequence"] if there else 0
        sent = await cloud.send(await asyncio.to_thread(cloud.prepare, held, values, colors))
        self.known[recipe.name] = cloud
        if before is not None and before.callbacks:
            await self.watch()
        return cloud, sent

    async def remove(self, cloud: Cloud) -> None:
        await cloud.remove()
        if self.known.get(cloud.recipe.name) is cloud:
            del self.known[cloud.recipe.name]
            await self.watch()

    async def watch(self) -> None:
        """Hear of picks while anybody listens."""
        wanted = any(cloud.callbacks for cloud in self.known.values())
        if wanted != self._watching:
            await self.session.ask("watch_picks", watch=wanted)
            self._watching = wanted

    def _picked(self, event: dict[str, Any]) -> None:
        cloud = self.known.get(str(event.get("name")))
        pick = cloud.picked(event) if cloud is not None else None
        if cloud is None or pick is None:
            return
        for callback, hover in list(cloud.callbacks.items()):
            if hover or pick.how == "click":
                self._caller.submit(_call, callback, pick)

    async def _restarted(self) -> None:
        for cloud in list(self.known.values()):
            with contextlib.suppress(OpenSpaceError):
                await cloud.again()

    async def _reconnected(self) -> None:
        """Nobody knows any more that we listen; a lost connection is opened for it."""
        self._watching = False
        if not self.session.state.ended:
            with contextlib.suppress(OpenSpaceError):
                await self.watch()


def _call(callback: Callback, pick: Pick) -> None:
    try:
        callback(pick)
    except Exception:
        import traceback

        traceback.print_exc()


def _three(given: Any) -> tuple[Any, Any, Any]:
    """``xyz``, ``(xyz, values)`` or ``{"xyz", "values", "colors"}``."""
    if isinstance(given, dict):
        unknown = set(given) - {"xyz", "values", "colors"}
        if unknown:
            raise PointsError(f"frames: expected xyz, values and colors, got {', '.join(map(repr, sorted(unknown)))}")
        return given.get("xyz"), given.get("values"), given.get("colors")
    if isinstance(given, tuple) and len(given) == 2:
        return given[0], given[1], None
    return given, None, None
