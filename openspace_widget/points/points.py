"""Points of the user in the scene: a million and more, updated several times a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from typing import Any, Unpack

from openspace_server.protocols.points import LATEST
from openspace_widget.client.event_loop import background, elsewhere, iterate_elsewhere, run
from openspace_widget.points import encode
from openspace_widget.points.cloud import Cloud, Pick, PointLook, Sent
from openspace_widget.points.playback import Played, play
from openspace_widget.points.registry import CloudRegistry
from openspace_widget.typing import AddPointsOptions, PointStyle

__all__ = ["AsyncPoints", "Pick", "Played", "Points", "PointsOfSpace", "Sent"]


async def add(registry: CloudRegistry, name: str, xyz: Any, **options: Unpack[AddPointsOptions]) -> Points:
    """Show points. See :meth:`OpenSpace.add_points`."""
    recipe, points = await asyncio.to_thread(encode.recipe, name, xyz, options)
    cloud, sent = await registry.add(recipe, points, options.get("values"), options.get("colors"))
    return Points(registry, cloud, sent)


class Points:
    """Points in the scene, as :meth:`OpenSpace.add_points` returns them: a scene graph node with properties.

    ``visible``, ``opacity`` (0 to 1), ``size`` (pixels), ``color``, ``colormap``, ``range`` and ``log`` may be set, and
    read back what the instance has now, including changes by others.

    Example:
        >>> import numpy as np
        >>> xyz = np.random.default_rng(1).normal(scale=100, size=(1000, 3))
        >>> galaxies = space.add_points("galaxies", xyz, unit="Mpc", values=xyz[:, 2])
        >>> galaxies.size = 2
        >>> sent = galaxies.update(xyz, xyz[:, 0])
        >>> stop = galaxies.on_pick(lambda pick: print(pick.index, pick.value))
        >>> galaxies.remove()
    """

    aio: AsyncPoints

    def __init__(self, registry: CloudRegistry, cloud: Cloud, sent: Sent | None) -> None:
        self._registry = registry
        self._cloud = cloud
        self._sent = sent
        self.aio = AsyncPoints(self)

    # ---- data

    def update(self, xyz: Any = None, values: Any = None, colors: Any = None, *, wait: bool = True) -> Sent | None:
        """Move or recolour the points in place.

        Args:
            xyz, values, colors: as for ``add_points``; any number of points. Without ``xyz`` the positions stay.
            wait: until the new points are drawn. False returns at once, and of frames that wait to be sent
                only the latest is: for loops that must not be slowed down.

        Returns:
            the outcome; None without ``wait``.

        Raises:
            PointsError: wrong shape or dtype, NaN or infinity. RequestError: the instance refused.
            SessionError, NotReadyError: it is gone, or did not answer.
        """
        if wait:
            return run(self.aio.update(xyz, values, colors))
        prepared = self._cloud.prepare(xyz, values, colors, LATEST, copy=True)
        background().loop.call_soon_threadsafe(self._cloud.send_latest, prepared)
        return None

    def play(self, frames: Any, hz: float = 4.0, *, keep: str = LATEST) -> Played:
        """Show a series of frames, one every ``1 / hz`` seconds. An interrupt ends it.

        Args:
            frames: array ``(t, n, 3)``, or anything to iterate over that gives ``xyz``, ``(xyz, values)`` or
                ``{"xyz", "values", "colors"}``.
            hz: frames per second.
            keep: ``"latest"`` drops frames rather than fall behind; ``"all"`` shows every frame, however long it takes.

        Returns:
            how many were shown, dropped and late, and the rate that was reached.

        Raises:
            PointsError: a frame that cannot be shown, which ends it.
        """
        return run(self.aio.play(frames, hz, keep=keep))

    def remove(self) -> None:
        """Take the points out of the scene. Safe to call twice."""
        run(self.aio.remove())

    def on_pick(self, callback: Callable[[Pick], Any], hover: bool = False) -> Callable[[], None]:
        """Call ``callback(pick)`` when a viewer clicks on a point in any view of this session.

        Callbacks run one after the other on a thread of their own, so they may call ``space`` and wait.

        Args:
            hover: also when a pointer rests on a point.

        Returns:
            a function that ends it.

        Raises:
            RequestError: an engine that does not know which point is where.
        """
        run(self._registry.add_callback(self._cloud, callback, hover))
        return lambda: run(self._registry.remove_callback(self._cloud, callback))

    # ---- look

    @property
    def name(self) -> str:
        """Name of the points, here and in the scene."""
        return self._cloud.recipe.name

    @property
    def unit(self) -> str:
        """Unit of the positions."""
        return self._cloud.recipe.options.unit

    @property
    def parent(self) -> str:
        """The body in whose axes the positions are; ``"Root"`` for none."""
        return self._cloud.recipe.options.parent

    @property
    def sent(self) -> Sent | None:
        """Outcome of the last frame that was waited for."""
        return self._sent

    @property
    def count(self) -> int:
        """Number of points in the scene, after filters."""
        return self._look().count

    @property
    def visible(self) -> bool:
        """Whether they are drawn."""
        return self._look().visible

    @visible.setter
    def visible(self, visible: bool) -> None:
        self._style(visible=visible)

    @property
    def opacity(self) -> float:
        """0 to 1."""
        return self._look().opacity

    @opacity.setter
    def opacity(self, opacity: float) -> None:
        self._style(opacity=opacity)

    @property
    def size(self) -> float:
        """Pixels, in every frame. A renderer in software draws clouds of up to 20,000 points (in stills
        200,000) larger than one pixel, and round ones as long as they are few or small: some 4000 of 6 pixels, all
        clouds together."""
        return self._look().size

    @size.setter
    def size(self, size: float) -> None:
        self._style(size=size)

    @property
    def color(self) -> tuple[float, float, float]:
        """RGB 0 to 1 of points without values and colours. May also be set to ``"#rrggbb"``."""
        return self._look().color

    @color.setter
    def color(self, color: Any) -> None:
        self._style(color=color)

    @property
    def colormap(self) -> str:
        """Its name; may be set to all that ``add_points`` accepts."""
        return self._look().colormap

    @colormap.setter
    def colormap(self, colormap: Any) -> None:
        self._style(colormap=colormap)

    @property
    def range(self) -> tuple[float, float]:
        """Values of the first and the last colour. Set to None it follows the next frame's values."""
        return self._look().range

    @range.setter  # noqa: A003
    def range(self, range: tuple[float, float] | None) -> None:
        self._style(range=range)

    @property
    def log(self) -> bool:
        """Whether colours follow the logarithm of the values."""
        return self._look().log

    @log.setter
    def log(self, log: bool) -> None:
        self._style(log=log)

    @property
    def filter(self) -> Any:
        """Which points are shown, as passed to ``add_points``. Setting it sends the points again."""
        return self._cloud.recipe.filter

    @filter.setter  # noqa: A003
    def filter(self, filter: Any) -> None:
        self._style(filter=filter)

    def _look(self) -> PointLook:
        return run(self._cloud.look())

    def _style(self, **style: Unpack[PointStyle]) -> None:
        run(self._cloud.style(style))

    def __repr__(self) -> str:
        look = self._cloud.recipe.options
        count = f"{self._sent.points} points, " if self._sent is not None else ""
        return f"<points {self.name!r}: {count}{look.unit}, around {look.parent}>"


class AsyncPoints:
    """``points.aio``: the calls that wait, as awaitables."""

    def __init__(self, points: Points) -> None:
        self._points = points

    async def update(self, xyz: Any = None, values: Any = None, colors: Any = None) -> Sent:
        """As :meth:`Points.update`."""
        cloud = self._points._cloud

        async def work() -> Sent:
            return await cloud.send(await asyncio.to_thread(cloud.prepare, xyz, values, colors))

        self._points._sent = await elsewhere(work())
        return self._points._sent

    async def play(self, frames: Any, hz: float = 4.0, *, keep: str = LATEST) -> Played:
        """As :meth:`Points.play`."""
        return await elsewhere(play(self._points._cloud, frames, hz, keep))

    async def get(self) -> PointLook:
        """The attributes of :class:`Points` that the instance has, such as ``size`` and ``colormap``."""
        return await elsewhere(self._points._cloud.look())

    async def set(self, **style: Unpack[PointStyle]) -> None:
        """As setting attributes of :class:`Points`: ``await points.aio.set(size=2, colormap="magma")``"""
        await elsewhere(self._points._cloud.style(style))

    def picks(self, hover: bool = False) -> AsyncGenerator[Pick, None]:
        """As :meth:`Points.on_pick`: ``async for pick in points.aio.picks(): …``"""
        return iterate_elsewhere(self._points._registry.picks(self._points._cloud, hover))

    async def remove(self) -> None:
        """As :meth:`Points.remove`."""
        await elsewhere(self._points._registry.remove(self._points._cloud))


class PointsOfSpace(Mapping[str, Points]):
    """``space.points``: the points that this process added, by name."""

    def __init__(self, registry: CloudRegistry) -> None:
        self._registry = registry

    def __getitem__(self, name: str) -> Points:
        return Points(self._registry, self._registry.known[name], None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry.known)

    def __len__(self) -> int:
        return len(self._registry.known)

    def __repr__(self) -> str:
        return f"<points: {', '.join(self) or 'none'}>"
