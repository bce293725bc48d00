"""Point clouds in the scene: the sender of each, the frame shown last, and the options."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from openspace_server.engines.base import Engine, EngineError, UnknownTarget
from openspace_server.engines.point_engine import Completion, PointEngine
from openspace_server.instance.drawing.draw_loop import DrawLoop
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.points import ALL, MAX_POINTS, PointFrame, PointOptions, checksum, identifier

MAX_CLOUDS = 64
MAX_TOTAL_POINTS = 2 * MAX_POINTS
DRAWN_POLL = 0.005
"""Seconds between checks whether a frame of points is drawn."""
DRAWN_POLLS = 400
"""Checks after which the next frame may follow whether this one is drawn or not."""

T = TypeVar("T")


class Sender(Protocol):
    """A connection that uploads points. ``senders``: the sender names that it used."""

    senders: set[str]


@dataclass
class Cloud:
    """The points shown under one name."""

    name: str
    identifier: str
    sender: str
    options: PointOptions
    sequence: int
    count: int
    columns: tuple[str, ...]


class PointClouds:
    """Lives on the event loop; the engine is called on the draw thread."""

    def __init__(self, draw_loop: DrawLoop) -> None:
        self._draw_loop = draw_loop
        self._clouds: dict[str, Cloud] = {}
        self._senders: set[Sender] = set()
        self._turn = asyncio.Lock()

    @property
    def names(self) -> list[str]:
        return list(self._clouds)

    def remove_sender(self, sender: Sender) -> None:
        """A connection is gone: its points stay, and any other sender may replace them."""
        self._senders.discard(sender)

    async def show(self, frame: PointFrame, by: Sender) -> dict[str, Any]:
        """Show ``frame`` under its name.

        Returns:
            ``shown``, ``points``, ``sequence``, and ``crc32`` if asked for.

        Raises:
            ProtocolError: the name belongs to another sender that is still there, or there would be too much.
            EngineError: the engine refuses; what was shown before stays.
        """
        self._senders.add(by)
        by.senders.add(frame.sender)
        return await self._in_turn(lambda: self._show(frame))

    async def _show(self, frame: PointFrame) -> dict[str, Any]:
        known = self._clouds.get(frame.name)
        self._check(frame, known)
        result: dict[str, Any] = {"points": len(frame.positions), "sequence": frame.sequence}
        if known is not None and known.sender == frame.sender and frame.sequence <= known.sequence:
            reason = f"older than frame {known.sequence}, which is shown"
            return result | {"shown": False, "reason": reason}
        if frame.check:
            result["crc32"] = await asyncio.to_thread(checksum, frame)
        cloud = _cloud(frame)
        try:
            steps = await self._draw_loop.call(lambda engine, now: _apply(engine, frame, cloud, known), changes=True)
            self._clouds[frame.name] = cloud
            await _wait_shown(steps)
        except Exception:
            await self._forget(frame.name, known)
            raise
        if frame.keep == ALL:
            await self._wait_drawn()
        return result | {"shown": True}

    async def remove(self, name: str) -> None:
        """Raises ProtocolError for an unknown name, EngineError if the engine keeps the points."""

        async def work() -> None:
            cloud = self.find(name)
            # A script may have removed the node.
            with contextlib.suppress(UnknownTarget):
                await self._change(lambda engine: [points_of(engine).remove_points(cloud.identifier)])
            del self._clouds[name]

        await self._in_turn(work)

    async def style(self, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change some options of ``name`` at once; its new listing. Raises ProtocolError, EngineError."""

        async def work() -> None:
            cloud = self.find(name)
            options = PointOptions.read(cloud.options.as_json() | changes)
            fixed = [each for each in ("unit", "parent", "frame", "offset") if each in changes]
            if fixed:
                raise ProtocolError(f"{', '.join(fixed)}: fixed when points are added; add them again under their name")
            restyled = replace(cloud, options=options)
            await self._change(lambda engine: _restyle(engine, cloud, restyled))
            self._clouds[name] = restyled

        await self._in_turn(work)
        return (await self.listing(name))[0]

    async def listing(self, only: str | None = None) -> list[dict[str, Any]]:
        """All points, or those called ``only``, as they are now, including changes by scripts."""
        clouds = list(self._clouds.values()) if only is None else [self.find(only)]
        options = await self._draw_loop.call(lambda engine, now: [_read_back(engine, cloud) for cloud in clouds])
        return [
            {
                "name": cloud.name,
                "identifier": cloud.identifier,
                "points": cloud.count,
                "sequence": cloud.sequence,
                "columns": list(cloud.columns),
                "options": now.as_json(),
            }
            for cloud, now in zip(clouds, options, strict=True)
        ]

    def find(self, name: str) -> Cloud:
        """Raises ProtocolError."""
        if name not in self._clouds:
            raise ProtocolError(f"there are no points called {name!r}; there are {', '.join(self._clouds) or 'none'}")
        return self._clouds[name]

    def of_node(self, node: str) -> Cloud | None:
        """The cloud that the scene graph node with the identifier ``node`` shows."""
        return next((cloud for cloud in self._clouds.values() if cloud.identifier == node), None)

    def _check(self, frame: PointFrame, known: Cloud | None) -> None:
        if known is not None and known.sender != frame.sender and self._is_present(known.sender):
            raise ProtocolError(
                f"points called {frame.name!r} belong to another sender: choose another name, or remove them first"
            )
        others = [cloud for cloud in self._clouds.values() if cloud.name != frame.name]
        twin = next((cloud for cloud in others if cloud.identifier == identifier(frame.name)), None)
        if twin is not None:
            raise ProtocolError(f"points called {frame.name!r} and {twin.name!r} would be the same scene graph node")
        if known is None and len(others) >= MAX_CLOUDS:
            raise ProtocolError(f"there are {MAX_CLOUDS} point clouds already: remove some")
        if sum(cloud.count for cloud in others) + len(frame.positions) > MAX_TOTAL_POINTS:
            raise ProtocolError(f"there would be more than {MAX_TOTAL_POINTS} points together: remove some")

    async def _forget(self, name: str, known: Cloud | None) -> None:
        """A frame could not be shown: keep the cloud known before, if it is still in the scene."""
        there = known is not None and await self._draw_loop.call(
            lambda engine, now: points_of(engine).has_points(known.identifier)
        )
        if known is not None and there:
            self._clouds[name] = known
        else:
            self._clouds.pop(name, None)

    def _is_present(self, name: str) -> bool:
        return any(name in sender.senders for sender in self._senders)

    async def _in_turn(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run one change after the other, each to its end, even if its viewer is gone."""

        def on_done(task: asyncio.Task[T]) -> None:
            self._turn.release()
            if not task.cancelled():
                task.exception()  # retrieved, also if no viewer waits for it any more

        await self._turn.acquire()
        task = asyncio.create_task(work())
        task.add_done_callback(on_done)
        return await asyncio.shield(task)

    async def _change(self, change: Callable[[Engine], list[Completion]]) -> None:
        await _wait_shown(await self._draw_loop.call(lambda engine, now: change(engine), changes=True))

    async def _wait_drawn(self) -> None:
        """Wait until the engine draws all points."""
        for _ in range(DRAWN_POLLS):
            # Fresh, because without viewers nothing is drawn by itself.
            if not await self._draw_loop.call(lambda engine, now: points_of(engine).points_pending, fresh=True):
                return
            await asyncio.sleep(DRAWN_POLL)


def _cloud(frame: PointFrame) -> Cloud:
    return Cloud(
        frame.name,
        identifier(frame.name),
        frame.sender,
        frame.options,
        frame.sequence,
        len(frame.positions),
        tuple(frame.columns),
    )


async def _wait_shown(steps: list[Completion]) -> None:
    """Wait until all steps are shown. Raises EngineError."""
    for shown in steps:
        if shown is not None:
            await asyncio.shield(asyncio.wrap_future(shown))


# -- on the draw thread -----------------------------------------------------------------------------------------------


def points_of(engine: Engine) -> PointEngine:
    """Raises EngineError if points cannot be put into ``engine``."""
    if not isinstance(engine, PointEngine):
        raise EngineError(f"the {engine.name} engine has no scene: points cannot be shown in it")
    return engine


def _apply(engine: Engine, frame: PointFrame, new: Cloud, known: Cloud | None) -> list[Completion]:
    scene = points_of(engine)
    columns = {name: column for name, column in frame.columns.items() if name != "colors"}
    colors = frame.columns.get("colors")
    if known is not None and scene.has_points(known.identifier):
        if _is_placed_alike(known.options, new.options) and set(known.columns) == set(new.columns):
            shown = scene.update_points(known.identifier, frame.positions, columns, colors=colors)
            return [shown, *_restyle(engine, known, new)]
        scene.remove_points(known.identifier)
    return [scene.add_points(_table(new), frame.positions, columns, colors=colors)]


def _is_placed_alike(a: PointOptions, b: PointOptions) -> bool:
    return (a.unit, a.parent, a.frame, a.offset) == (b.unit, b.parent, b.frame, b.offset)


def _restyle(engine: Engine, old: Cloud, new: Cloud) -> list[Completion]:
    scene, before, after, steps = points_of(engine), old.options, new.options, []
    looks = {name: getattr(after, name) for name in LOOKS if getattr(before, name) != getattr(after, name)}
    if looks:
        steps.append(scene.style_points(new.identifier, looks))
    mapping = [(each.colormap, each.range, each.log) for each in (before, after)]
    if mapping[0] != mapping[1] and "values" in new.columns:
        steps.append(scene.color_points(new.identifier, _mapping(after)))
    return steps


def _read_back(engine: Engine, cloud: Cloud) -> PointOptions:
    scene = points_of(engine)
    if not scene.has_points(cloud.identifier):
        return cloud.options
    return PointOptions.read(cloud.options.as_json() | scene.point_style(cloud.identifier))


LOOKS = ("visible", "opacity", "size", "color")
"""Options that are properties of the node."""

_ALWAYS_LARGE = 50.0
"""Exponent of the size in metres: so large that the largest size in pixels is what counts, near and far."""


def _table(cloud: Cloud) -> dict[str, Any]:
    """OpenSpace's table of the node."""
    look = cloud.options
    coloring: dict[str, Any] = {"FixedColor": list(look.color)}
    if "values" in cloud.columns and look.colormap:
        coloring["ColorMapping"] = _mapping(look)
    return {
        "Identifier": cloud.identifier,
        "Parent": look.parent,
        "GUI": {"Name": look.label or cloud.name, "Path": "/Points"},
        "Tag": ["points"],
        "Transform": {"Translation": {"Type": "StaticTranslation", "Position": list(look.offset)}},
        "Renderable": {
            "Type": "RenderablePointCloud",
            "Unit": look.unit,
            "Frame": look.frame if look.parent.casefold() == "root" else "",
            "Enabled": look.visible,
            "Opacity": look.opacity,
            "Coloring": coloring,
            "SizeSettings": {"ScaleExponent": _ALWAYS_LARGE, "EnableMaxSizeControl": True, "MaxSize": look.size},
        },
    }


def _mapping(look: PointOptions) -> dict[str, Any] | None:
    if not look.colormap:
        return None
    return {
        "Colors": [[channel / 255 for channel in color] for color in look.colormap],
        "Parameter": "values",
        "ValueRange": list(look.range),
        "Logarithmic": look.log,
    }
