"""``space.aio``: everything that waits, as awaitables that do not block the caller's event loop.

The work itself runs on the background loop; each call here only waits for it, and cancels it when it is cancelled.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncGenerator, Coroutine
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar

from openspace_widget import navigation, sharing
from openspace_widget.client.event_loop import background
from openspace_widget.client.session_list import SessionList, list_sessions
from openspace_widget.frames import frame as frames
from openspace_widget.frames import mixin as pictures
from openspace_widget.frames.frame import Frame
from openspace_widget.frames.recording import Recording
from openspace_widget.frames.video import Video
from openspace_widget.scripting import events, properties
from openspace_widget.scripting.library import Library
from openspace_widget.scripting.properties import PropertyList
from openspace_widget.sharing import Share
from openspace_widget.stats import StreamStats, stats_of
from openspace_widget.tour import Tour
from openspace_widget.tour import playback as live
from openspace_widget.units import iso

if TYPE_CHECKING:
    from openspace_widget.points.points import Points
    from openspace_widget.space import OpenSpace

T = TypeVar("T")


async def elsewhere(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work``, which runs on the background loop."""
    return await asyncio.wrap_future(background().submit(work))


async def pulled(source: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Iterate over ``source``, which lives on the background loop."""
    try:
        while True:
            try:
                item = await elsewhere(_next(source))
            except StopAsyncIteration:
                return
            yield item
    finally:
        # Also when the caller's loop is ending: nothing of it is needed for this.
        background().submit(_close(source))


async def _next(source: AsyncGenerator[T, None]) -> T:
    return await anext(source)


async def _close(source: AsyncGenerator[T, None]) -> None:
    await source.aclose()


class AsyncOpenSpace:
    """The calls of :class:`~openspace_widget.space.OpenSpace` as awaitables, with the same arguments and errors.

    Example:
        >>> import asyncio
        >>> async def both():
        ...     return await asyncio.gather(space.aio.fly_to("Venus", duration=0), space.aio.lua("return 2"))
        >>> asyncio.run(both())
        [True, 2.0]
    """

    def __init__(self, space: OpenSpace) -> None:
        self._space = space

    @property
    def _session(self) -> Any:
        return self._space._session

    @property
    def _program(self) -> Any:
        return self._space._program

    # ---- life

    async def wait(self, timeout: float | None = None) -> None:
        """As :meth:`OpenSpace.wait`."""
        await elsewhere(self._session.running(timeout))

    async def close(self) -> None:
        """As :meth:`OpenSpace.close`."""
        await elsewhere(self._session.close())

    async def sessions(self) -> SessionList:
        """As :meth:`OpenSpace.sessions`."""
        return await elsewhere(list_sessions(self._session.connection))

    async def __aenter__(self) -> OpenSpace:
        await self.wait()
        return self._space

    async def __aexit__(self, *problem: object) -> None:
        await self.close()

    # ---- camera and time

    async def fly_to(self, target: str, duration: Any = 4, distance: Any = None) -> bool:
        """As :meth:`OpenSpace.fly_to`."""
        return await elsewhere(navigation.fly_to(self._session, target, duration, distance))

    async def home(self) -> None:
        """As :meth:`OpenSpace.home`."""
        await self._ask("home")

    async def state(self) -> dict[str, Any]:
        """``time``, ``rate``, ``paused``, ``focus``, ``flying``, ``width``, ``height`` and more."""
        return dict(await self._ask("state"))

    async def set_focus(self, target: str) -> None:
        """As setting :attr:`OpenSpace.focus`."""
        await self._ask("set_focus", target=target)

    async def camera(self) -> dict[str, Any]:
        """As :attr:`OpenSpace.camera`."""
        return dict(await self._ask("camera"))

    async def set_camera(self, state: dict[str, Any]) -> None:
        """As setting :attr:`OpenSpace.camera`."""
        await self._ask("set_camera", camera=state)

    async def targets(self) -> list[str]:
        """As :attr:`OpenSpace.targets`."""
        return await elsewhere(navigation.target_names(self._session))

    async def set_time(self, time: Any) -> None:
        """As :meth:`Timeline.set`."""
        await self._ask("set_time", time=iso(time))

    async def set_rate(self, rate: float) -> None:
        """As setting :attr:`Timeline.rate`."""
        await self._ask("set_rate", rate=float(rate))

    async def pause(self) -> None:
        """As :meth:`Timeline.pause`."""
        await self._ask("set_paused", paused=True)

    async def play(self) -> None:
        """As :meth:`Timeline.play`."""
        await self._ask("set_paused", paused=False)

    # ---- pictures

    async def set_resolution(self, size: tuple[int, int]) -> None:
        """As setting :attr:`OpenSpace.resolution`."""
        width, height = pictures.checked_size(size)
        await self._ask("resolution", width=width, height=height)

    async def follow_view(self) -> None:
        """As :meth:`OpenSpace.follow_view`."""
        await self._ask("follow")

    async def frame(
        self,
        size: tuple[int, int] | None = None,
        *,
        antialias: int | None = None,
        time: Any = None,
        camera: dict[str, Any] | None = None,
        depth: bool = False,
        ids: bool = False,
    ) -> Frame:
        """As :meth:`OpenSpace.frame`."""
        wanted = pictures.still(size, antialias, time, camera, depth, ids)
        return await elsewhere(frames.grab_frame(self._session, wanted))

    def frames(
        self,
        fps: float | None = None,
        n: int | None = None,
        seconds: Any = None,
        *,
        every: Any = None,
        size: tuple[int, int] | None = None,
        antialias: int | None = None,
        camera: dict[str, Any] | None = None,
        depth: bool = False,
        ids: bool = False,
    ) -> AsyncGenerator[Frame, None]:
        """As :meth:`OpenSpace.frames`: ``async for frame in space.aio.frames(fps=30): …``"""
        wanted = pictures.still(size, antialias, None, camera, depth, ids)
        return pulled(pictures.sequence(self._session, fps, n, seconds, every, wanted))

    # ---- my own data

    async def add_points(self, name: str, xyz: Any, **options: Any) -> Points:
        """As :meth:`OpenSpace.add_points`; what it returns has an ``aio`` of its own."""
        from openspace_widget.points import points

        return await elsewhere(points.add(self._space, name, xyz, **options))

    def record(self, path: str | PathLike[str], *, overwrite: bool = True) -> Recording:
        """As :meth:`OpenSpace.record`: ``async with space.aio.record("live.mp4"): …``"""
        return Recording(self._session, path, overwrite)

    async def play_tour(self, tour: Tour, speed: float = 1) -> bool:
        """As :meth:`Tour.play`."""
        return await elsewhere(live.play(self._session, self._program, tour, speed))

    async def render_tour(self, tour: Tour, path: str | PathLike[str], **options: Any) -> Video:
        """As :meth:`Tour.render`; it encodes on a thread of its own, and a cancelled one ends there with a partial
        file."""
        stop = threading.Event()
        work = asyncio.get_running_loop().run_in_executor(
            None, functools.partial(tour.render, self._space, path, stop=stop, **options)
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([work])
            work.exception()
            raise

    # ---- OpenSpace itself

    async def get(self, uri: str) -> Any:
        """As ``space[uri]``."""
        return await elsewhere(properties.get(self._program, uri))

    async def set(self, uri: str, value: Any) -> None:
        """As ``space[uri] = value``."""
        await elsewhere(properties.put(self._program, uri, value))

    async def find(self, pattern: str) -> PropertyList:
        """As :meth:`OpenSpace.find`."""
        return await elsewhere(properties.find(self._program, pattern))

    async def lua(self, script: str, *, timeout: float | None = None) -> Any:
        """As :meth:`OpenSpace.lua`."""
        return await elsewhere(self._program.lua(script, timeout))

    async def api(self) -> Library:
        """As :attr:`OpenSpace.api`, whose functions give awaitables: ``await (await space.aio.api()).time.UTC()``."""
        told = await elsewhere(self._program.documentation())
        return Library(lambda: told, lambda script: elsewhere(self._program.lua(script)))

    def events(self, *names: str) -> AsyncGenerator[dict[str, Any], None]:
        """What happens, as it does: ``async for event in space.aio.events("FocusNodeChanged"): …``; no name: all."""
        return pulled(events.follow(self._program, events.checked(names)))

    # ---- people and figures

    async def share(self, role: str = "viewer", hours: float = 24) -> Share:
        """As :meth:`OpenSpace.share`."""
        told = await elsewhere(sharing.make(self._session.connection, self._session.id, role, hours))
        return sharing.share_of(told, self._space._end_share)

    async def stats(self) -> StreamStats:
        """As :meth:`OpenSpace.stats`."""
        return stats_of(await self._ask("stats"))

    # ---- plumbing

    async def _ask(self, verb: str, **arguments: Any) -> Any:
        return await elsewhere(self._session.ask(verb, **arguments))
