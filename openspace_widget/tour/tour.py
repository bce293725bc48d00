"""Tour of the camera: stops in order, and what can be done with them."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncGenerator, Coroutine, Iterable, Iterator, Mapping
from contextlib import aclosing
from os import PathLike
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, overload

from openspace_widget.client.client import Client
from openspace_widget.client.event_loop import iterate, run
from openspace_widget.client.mixin import ClientMixin
from openspace_widget.client.openspace_api import OpenSpaceApi
from openspace_widget.client.session import Session
from openspace_widget.errors import ArgumentError
from openspace_widget.frames.frame import Frame
from openspace_widget.frames.requests import checked_size
from openspace_widget.frames.video import Video, quality_of, target
from openspace_widget.tour import playback, preview, render, session_recording
from openspace_widget.tour.render import RenderSettings
from openspace_widget.tour.route import Moment, Route, plan
from openspace_widget.tour.simplify import simplify
from openspace_widget.tour.stops import Stop
from openspace_widget.tour.to_code import to_code
from openspace_widget.units import iso, moment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = "openspace-widget tour"


class Tour:
    """A camera tour: stops in order.

    Args:
        stops: where it goes; at least one.
        start: simulation time at its beginning; None: that of the first stop, or else the session's when the tour is
            first used, which it then keeps, so that it stays the same tour.
        name: for people.

    Raises:
        ArgumentError: no stops, or a start that is no time.

    Example:
        >>> from openspace_widget import Tour, Stop
        >>> tour = Tour([
        ...     Stop("Earth", altitude="9000 km", hold=0.2),
        ...     Stop("Saturn", altitude="300000 km", seconds=0.5),
        ... ], start="2026-03-20T12:00")
        >>> len(tour), tour[1].target
        (2, 'Saturn')
        >>> tour.play(space)
        True
        >>> space.focus
        'Saturn'
    """

    def __init__(self, stops: Iterable[Stop | Mapping[str, Any]], *, start: Any = None, name: str = "") -> None:
        self.stops = tuple(stop if isinstance(stop, Stop) else Stop.from_json(stop) for stop in stops)
        if not self.stops:
            raise ArgumentError("a tour needs at least one stop, such as Stop('Earth')")
        self.start = moment(start, "start") if start is not None else None
        self.name = name

    # ---- a sequence of stops

    def __len__(self) -> int:
        return len(self.stops)

    def __iter__(self) -> Iterator[Stop]:
        return iter(self.stops)

    @overload
    def __getitem__(self, index: int) -> Stop: ...

    @overload
    def __getitem__(self, index: slice) -> Tour: ...

    def __getitem__(self, index: int | slice) -> Stop | Tour:
        if isinstance(index, slice):
            return Tour(self.stops[index], start=self.start, name=self.name)
        return self.stops[index]

    def __add__(self, other: Tour) -> Tour:
        return Tour(self.stops + other.stops, start=self.start, name=self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tour) and (self.stops, self.start, self.name) == (other.stops, other.start, other.name)

    def __hash__(self) -> int:
        return hash((len(self.stops), self.start, self.name))

    def __repr__(self) -> str:
        return f"<Tour {self.name + ': ' if self.name else ''}{' → '.join(stop.title for stop in self.stops)}>"

    # ---- route

    def route(self, space: ClientMixin) -> Route:
        """The planned path among the bodies of ``space``.

        Raises:
            RequestError: an unknown target, or times the engine does not know.
            ArgumentError: a stop below a surface.

        Example:
            >>> from openspace_widget import Tour, Stop
            >>> tour = Tour([Stop("Mars"), Stop("Mars", altitude="100 km", seconds=3)], start="2026-03-20")
            >>> tour.route(space).duration
            3.0
        """
        return run(plan_tour(space._client, self))

    def planned(self, session: Session) -> Coroutine[Any, Any, Route]:
        """Deprecated: use :meth:`route`."""
        warnings.warn("Tour.planned is deprecated; use Tour.route(space)", DeprecationWarning, stacklevel=2)
        return plan_tour(Client(session, OpenSpaceApi(session)), self)

    def moments(self, space: ClientMixin, fps: float = 30) -> list[Moment]:
        """Camera and time ``fps`` times per second of the tour, for plots and tables.

        Example:
            >>> from openspace_widget import Tour, Stop
            >>> tour = Tour([Stop("Mars", altitude="1000 km"), Stop("Mars", altitude="100 km", seconds=1)])
            >>> [round(each.altitude / 1e3) for each in tour.moments(space, fps=2)]
            [1000, 316, 100]
        """
        return run(tour_moments(space._client, self, fps))

    # ---- flown and rendered

    def play(self, space: ClientMixin, speed: float = 1) -> bool:
        """Fly it live, for all viewers, and wait for its end.

        Args:
            speed: how many times as fast.

        Returns:
            False if something else, such as a viewer's mouse, took the camera on the way.

        Raises:
            As :meth:`route`; LuaError, UnknownPropertyError from what stops do on arrival.
        """
        return run(play_tour(space._client, self, speed))

    def frames(
        self,
        space: ClientMixin,
        fps: float = 30,
        size: tuple[int, int] | None = None,
        *,
        antialias: int = 1,
    ) -> Iterator[Frame]:
        """Its frames as arrays, exact to the frame, whatever the machine's speed. Live viewers do not notice, except
        for what stops do on arrival.

        Example:
            >>> from openspace_widget import Tour, Stop
            >>> tour = Tour([Stop("Earth"), Stop("Moon", seconds=1)], start="2026-03-20")
            >>> [frame.shape for frame in tour.frames(space, fps=2, size=(160, 90))]
            [(90, 160, 3), (90, 160, 3), (90, 160, 3)]
        """
        return iterate(tour_frames(space._client, self, RenderSettings(fps, size, antialias)))

    def render(
        self,
        space: ClientMixin,
        path: str | PathLike[str],
        fps: float = 60,
        size: tuple[int, int] = (1920, 1080),
        *,
        antialias: int = 1,
        quality: str | int = "good",
        progress: bool = True,
        overwrite: bool = True,
        stop: Event | None = None,
    ) -> Video:
        """Render it to a file: frame-exact and repeatable, however slow the machine is, unnoticed by live viewers.

        While it is written the file is called ``….partial.mp4``. An interrupt (Ctrl-C, the stop button) or a failure
        leaves that, playable as far as it came.

        Args:
            path: the ending says the format: ``.mp4`` or ``.mkv`` (H.264), ``.webm`` (VP9), ``.gif``, ``.apng``, or
                ``.png`` for one image per frame (``"frames/%05d.png"``, or a folder ``"frames/"``).
            fps: frames per second.
            size: ``(width, height)`` in pixels, up to 7680 x 4320; even for video.
            antialias: samples per pixel: 1, 2, 4, 8 or 16.
            quality: ``"draft"``, ``"good"``, ``"best"``, or the encoder's own constant rate factor.
            progress: show a progress bar.
            overwrite: whether a file of that name may be replaced.
            stop: setting it from another thread ends the rendering as an interrupt does.

        Returns:
            the :class:`~openspace_widget.Video`, which shows itself in a cell.

        Raises:
            ArgumentError: a format, size, rate or path that cannot be; FileExistsError; OSError.
            SessionError: the session ended meanwhile. Else as :meth:`play`.

        Example:
            >>> from openspace_widget import Tour, Stop
            >>> tour = Tour([Stop("Earth"), Stop("Moon", seconds=0.4)], start="2026-03-20")
            >>> video = tour.render(space, "moon.mp4", fps=10, size=(160, 90), progress=False)
            >>> video.frames, video.seconds
            (5, 0.5)
        """
        settings, encoding = RenderSettings(fps, checked_size(size), antialias), quality_of(quality)
        to = target(path, size, overwrite)
        return render.render(space._client, self.route(space), settings, to, encoding, progress, stop or Event())

    def preview(self, space: ClientMixin, *, stills: int = 6) -> Figure:
        """A figure: the path from above, altitude and speed over time, and a contact sheet of ``stills`` frames.

        Needs Matplotlib.

        Raises:
            ImportError: it is not installed. Else as :meth:`route`.

        Example:
            >>> from openspace_widget import Tour, Stop
            >>> figure = Tour([Stop("Earth"), Stop("Mars")], start="2026-03-20").preview(space, stills=2)
            >>> len(figure.axes)
            5
        """
        preview.check_stills(stills)
        route = self.route(space)
        moments, sheet = run(preview.gather(space._client, route, stills))
        return preview.draw(route, self.name, moments, sheet)

    # ---- files

    def to_code(self) -> str:
        """Python that makes this tour again: a cell to keep.

        Example:
            >>> from openspace_widget import Tour, Stop
            >>> print(Tour([Stop("Earth", hold=2)]).to_code())
            from openspace_widget import Stop, Tour
            <BLANKLINE>
            tour = Tour(
                [
                    Stop("Earth", hold=2),
                ],
            )
        """
        return to_code(self.stops, self.start, self.name)

    def to_json(self) -> str:
        """As JSON text, for :meth:`from_json`.

        Example:
            >>> from openspace_widget import Tour, Stop
            >>> tour = Tour([Stop("Earth", hold=2), Stop("Mars", altitude="1000 km")], start="2026-03-20")
            >>> Tour.from_json(tour.to_json()) == tour
            True
        """
        fields: dict[str, Any] = {"format": FORMAT, "version": 1}
        if self.name:
            fields["name"] = self.name
        if self.start is not None:
            fields["start"] = iso(self.start)
        return json.dumps({**fields, "stops": [stop.as_json() for stop in self.stops]}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Tour:
        """The tour that :meth:`to_json` wrote. Raises ArgumentError."""
        try:
            fields = json.loads(text)
        except ValueError as problem:
            raise ArgumentError(f"not a tour: {problem}") from None
        stops = fields.get("stops") if isinstance(fields, dict) and fields.get("format") == FORMAT else None
        if not isinstance(stops, list) or not all(isinstance(stop, dict) for stop in stops):
            raise ArgumentError(f"not a tour: expected an object with format {FORMAT!r} and stops")
        return cls(
            [Stop.from_json(stop) for stop in fields["stops"]],
            start=fields.get("start"),
            name=str(fields.get("name", "")),
        )

    def save(self, path: str | PathLike[str], space: ClientMixin | None = None) -> None:
        """Write it to ``path``: ``.json``, ``.py``, or ``.osrectxt``, an OpenSpace session recording, which needs
        ``space`` to compute the path.

        Example:
            >>> from openspace_widget import Tour, Stop
            >>> tour = Tour([Stop("Earth"), Stop("Moon", seconds=1)], start="2026-03-20")
            >>> tour.save("moon.osrectxt", space)
            >>> Tour.load("moon.osrectxt").play(space, speed=10)
            True
        """
        run(save_tour(space._client if space is not None else None, self, path))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Tour:
        """The tour in a ``.json`` file, or in an OpenSpace session recording (``.osrectxt``, ASCII).

        A recording becomes a stop for each of its camera keyframes; :meth:`simplified` leaves out what is not needed.

        Raises:
            ArgumentError: not a tour. OSError.
        """
        file = Path(path)
        match file.suffix.lower():
            case ".json":
                return cls.from_json(file.read_text("utf-8"))
            case ".osrectxt":
                return cls(session_recording.read(file.read_text("utf-8", "replace")), name=file.stem)
            case other:
                raise ArgumentError(f"path: expected .json or .osrectxt, got {other or 'no ending'!r}")

    def simplified(self, tolerance: float = 0.02) -> Tour:
        """Without the stops that the path passes through anyway, for tours from captures and recordings.

        Args:
            tolerance: how far the path may differ: radians in direction and view, and share of the distance.

        Example:
            >>> from openspace_widget import Tour
            >>> tour = space.capture_tour(seconds=0.5)
            >>> len(tour.simplified()) <= len(tour)
            True
        """
        return Tour(simplify(self.stops, tolerance), start=self.start, name=self.name)


async def plan_tour(client: Client, tour: Tour) -> Route:
    """The route of a tour, which keeps the start that it is first used with. Raises RequestError, ArgumentError."""
    if tour.start is None:
        first = tour.stops[0].time
        tour.start = moment(first if first is not None else (await client.ask("state"))["time"])
    return await plan(client, tour.stops, tour.start)


async def play_tour(client: Client, tour: Tour, speed: float) -> bool:
    """See :meth:`Tour.play`."""
    playback.check_speed(speed)
    return await playback.play(client, await plan_tour(client, tour), speed)


async def tour_moments(client: Client, tour: Tour, fps: float) -> list[Moment]:
    """See :meth:`Tour.moments`."""
    route = await plan_tour(client, tour)
    return await route.moments(client, route.times(fps))


async def tour_frames(client: Client, tour: Tour, settings: RenderSettings) -> AsyncGenerator[Frame, None]:
    """See :meth:`Tour.frames`."""
    async with aclosing(render.frames(client, await plan_tour(client, tour), settings)) as source:
        async for frame in source:
            yield frame


async def save_tour(client: Client | None, tour: Tour, path: str | PathLike[str]) -> None:
    """See :meth:`Tour.save`."""
    file = Path(path)
    match file.suffix.lower():
        case ".json":
            text = tour.to_json() + "\n"
        case ".py":
            text = tour.to_code() + "\n"
        case ".osrectxt":
            if client is None:
                raise ArgumentError("a session recording needs the sky: tour.save(path, space)")
            text = await session_recording.write(client, await plan_tour(client, tour))
        case other:
            raise ArgumentError(f"path: expected .json, .py or .osrectxt, got {other or 'no ending'!r}")
    newline = "\n" if file.suffix.lower() == ".osrectxt" else None
    await asyncio.to_thread(file.write_text, text, "utf-8", newline=newline)
