"""Asynchronous side of a session: all calls that wait, as awaitables that do not block the caller's event loop.

The work itself runs on the background loop; each call here only waits for it, and cancels it when it is cancelled.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncGenerator
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack

from openspace_widget import navigation, sharing
from openspace_widget.client.event_loop import elsewhere, iterate_elsewhere
from openspace_widget.client.session_list import SessionList, list_sessions
from openspace_widget.frames.frame import Frame, grab_frame
from openspace_widget.frames.mixin import sequence
from openspace_widget.frames.recording import Recording
from openspace_widget.frames.requests import checked_size, frame_request
from openspace_widget.frames.video import Video
from openspace_widget.points.mixin import PointClouds
from openspace_widget.points.points import Points, add
from openspace_widget.scripting import events, properties
from openspace_widget.scripting.library import Library
from openspace_widget.scripting.properties import PropertyList
from openspace_widget.sharing import Share
from openspace_widget.stats import StreamStats, stats_of
from openspace_widget.tour import preview
from openspace_widget.tour.capture import capture_async
from openspace_widget.tour.render import RenderSettings
from openspace_widget.tour.route import Moment, Route
from openspace_widget.tour.tour import Tour, plan_tour, play_tour, save_tour, tour_frames, tour_moments
from openspace_widget.typing import AddPointsOptions, RenderOptions
from openspace_widget.units import iso, moment
from openspace_widget.units import seconds as seconds_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Space = TypeVar("Space", bound=PointClouds)


class AsyncOpenSpace(Generic[Space]):
    """The calls of :class:`~openspace_widget.OpenSpace` as awaitables, with the same arguments and errors.

    Example:
        >>> import asyncio
        >>> async def both():
        ...     return await asyncio.gather(space.aio.fly_to("Venus", duration=0), space.aio.lua("return 2"))
        >>> asyncio.run(both())
        [True, 2.0]
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._client = space._client

    # ---- life

    async def wait(self, timeout: float | None = None) -> Space:
        """As :meth:`OpenSpace.wait`."""
        await elsewhere(self._client.session.wait_running(timeout))
        return self._space

    async def close(self) -> None:
        """As :meth:`OpenSpace.close`."""
        await elsewhere(self._client.session.close())

    async def sessions(self) -> SessionList:
        """As :meth:`OpenSpace.sessions`."""
        return await elsewhere(list_sessions(self._client.session.connection))

    async def __aenter__(self) -> Space:
        return await self.wait()

    async def __aexit__(self, *problem: object) -> None:
        await self.close()

    # ---- camera and time

    async def fly_to(self, target: str, duration: Any = 4, distance: Any = None) -> bool:
        """As :meth:`OpenSpace.fly_to`."""
        return await elsewhere(navigation.fly_to(self._client, target, duration, distance))

    async def home(self) -> None:
        """As :meth:`OpenSpace.home`."""
        await self._ask("home")

    async def state(self) -> dict[str, Any]:
        """The instance's ``time``, ``rate``, ``paused``, ``focus``, ``flying``, ``width``, ``height`` and more.

        :attr:`OpenSpace.state`, the state of the session, needs no waiting.
        """
        return dict(await self._ask("state"))

    async def focus(self) -> str:
        """As :attr:`OpenSpace.focus`."""
        return str((await self._ask("state"))["focus"])

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
        return await elsewhere(navigation.target_names(self._client))

    async def capture_tour(self, seconds: Any = None, tolerance: float = 0.02) -> Tour:
        """As :meth:`OpenSpace.capture_tour`; cancelling it gives no tour, so say for how many ``seconds``."""
        return await elsewhere(capture_async(self._client, seconds, tolerance))

    async def now(self) -> datetime:
        """As :attr:`Timeline.now`."""
        return moment((await self._ask("state"))["time"])

    async def set_time(self, time: Any) -> None:
        """As :meth:`Timeline.set`."""
        await self._ask("set_time", time=iso(time))

    async def rate(self) -> float:
        """As :attr:`Timeline.rate`."""
        return float((await self._ask("state"))["rate"])

    async def set_rate(self, rate: float) -> None:
        """As setting :attr:`Timeline.rate`."""
        await self._ask("set_rate", rate=float(rate))

    async def paused(self) -> bool:
        """As :attr:`Timeline.paused`."""
        return bool((await self._ask("state"))["paused"])

    async def pause(self) -> None:
        """As :meth:`Timeline.pause`."""
        await self._ask("set_paused", paused=True)

    async def play(self) -> None:
        """As :meth:`Timeline.play`."""
        await self._ask("set_paused", paused=False)

    # ---- frames

    async def resolution(self) -> tuple[int, int]:
        """As :attr:`OpenSpace.resolution`."""
        state = await self._ask("state")
        return int(state["width"]), int(state["height"])

    async def set_resolution(self, size: tuple[int, int]) -> None:
        """As setting :attr:`OpenSpace.resolution`."""
        width, height = checked_size(size)
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
        request = frame_request(size, antialias, time, camera, depth, ids)
        return await elsewhere(grab_frame(self._client, request))

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
        request = frame_request(size, antialias, None, camera, depth, ids)
        return iterate_elsewhere(sequence(self._client, fps, n, seconds, every, request))

    # ---- points and recordings

    async def add_points(self, name: str, xyz: Any, **options: Unpack[AddPointsOptions]) -> Points:
        """As :meth:`OpenSpace.add_points`; what it returns has an ``aio`` of its own."""
        return await elsewhere(add(self._space._registry, name, xyz, **options))

    def record(self, path: str | PathLike[str], *, overwrite: bool = True) -> Recording:
        """As :meth:`OpenSpace.record`: ``async with space.aio.record("live.mp4"): …``"""
        return Recording(self._client, path, overwrite)

    # ---- tours

    async def tour_route(self, tour: Tour) -> Route:
        """As :meth:`Tour.route`."""
        return await elsewhere(plan_tour(self._client, tour))

    async def tour_moments(self, tour: Tour, fps: float = 30) -> list[Moment]:
        """As :meth:`Tour.moments`."""
        return await elsewhere(tour_moments(self._client, tour, fps))

    def tour_frames(
        self, tour: Tour, fps: float = 30, size: tuple[int, int] | None = None, *, antialias: int = 1
    ) -> AsyncGenerator[Frame, None]:
        """As :meth:`Tour.frames`: ``async for frame in space.aio.tour_frames(tour): …``"""
        return iterate_elsewhere(tour_frames(self._client, tour, RenderSettings(fps, size, antialias)))

    async def preview_tour(self, tour: Tour, *, stills: int = 6) -> Figure:
        """As :meth:`Tour.preview`."""
        preview.check_stills(stills)
        route = await self.tour_route(tour)
        moments, sheet = await elsewhere(preview.gather(self._client, route, stills))
        return preview.draw(route, tour.name, moments, sheet)

    async def save_tour(self, tour: Tour, path: str | PathLike[str]) -> None:
        """As :meth:`Tour.save`."""
        await elsewhere(save_tour(self._client, tour, path))

    async def play_tour(self, tour: Tour, speed: float = 1) -> bool:
        """As :meth:`Tour.play`."""
        return await elsewhere(play_tour(self._client, tour, speed))

    async def render_tour(self, tour: Tour, path: str | PathLike[str], **options: Unpack[RenderOptions]) -> Video:
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
        return await elsewhere(properties.get(self._client.api, uri))

    async def set(self, uri: str, value: Any, duration: Any = 0, easing: str = "Linear") -> None:
        """As ``space[uri] = value``, or as :meth:`Property.set`."""
        length = seconds_of(duration, "duration")
        await elsewhere(properties.put(self._client.api, uri, value, length, easing))

    async def contains(self, uri: object) -> bool:
        """As ``uri in space``."""
        return isinstance(uri, str) and uri in await elsewhere(properties.uris(self._client.api))

    async def find(self, pattern: str) -> PropertyList:
        """As :meth:`OpenSpace.find`."""
        return await elsewhere(properties.find(self._client.api, pattern))

    async def lua(self, script: str, *, timeout: float | None = None) -> Any:
        """As :meth:`OpenSpace.lua`."""
        return await elsewhere(self._client.api.lua(script, timeout))

    async def api(self) -> Library:
        """As :attr:`OpenSpace.api`, whose functions give awaitables: ``await (await space.aio.api()).time.UTC()``."""
        documentation = await elsewhere(self._client.api.documentation())
        return Library(lambda: documentation, lambda script: elsewhere(self._client.api.lua(script)))

    def events(self, *names: str) -> AsyncGenerator[dict[str, Any], None]:
        """What happens, as it does: ``async for event in space.aio.events("FocusNodeChanged"): …``; no name: all."""
        return iterate_elsewhere(events.follow(self._client.api, events.checked(names)))

    # ---- sharing and statistics

    async def share(self, role: str = "viewer", hours: float = 24) -> Share:
        """As :meth:`OpenSpace.share`."""
        return await elsewhere(sharing.make(self._client, role, hours))

    async def shares(self) -> list[Share]:
        """As :meth:`OpenSpace.shares`."""
        return await elsewhere(sharing.live(self._client))

    async def revoke(self, share: Share) -> None:
        """As :meth:`Share.revoke`."""
        await elsewhere(sharing.revoke(self._client, share.id))

    async def stats(self) -> StreamStats:
        """As :meth:`OpenSpace.stats`."""
        return stats_of(await self._ask("stats"))

    async def _ask(self, verb: str, **arguments: Any) -> Any:
        return await elsewhere(self._client.ask(verb, **arguments))
