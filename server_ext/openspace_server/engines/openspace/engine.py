"""OpenSpace as an engine: starts it, grabs its window, speaks its API. On the draw thread, like every engine."""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np

from openspace_server.engines.base import (
    EngineContext,
    EngineError,
    Frame,
    Motion,
    Still,
    Target,
    UnknownTarget,
)
from openspace_server.engines.openspace.api import client as api
from openspace_server.engines.openspace.api.body_positions import between
from openspace_server.engines.openspace.api.joystick import Joystick
from openspace_server.engines.openspace.api.lua import Scripts
from openspace_server.engines.openspace.api.navigation import (
    Pilot,
    Shown,
    plain_state,
    reached,
    same_camera,
    same_time,
    utc_of,
)
from openspace_server.engines.openspace.api.state_feed import StateFeed, Told
from openspace_server.engines.openspace.points.mixin import PointClouds
from openspace_server.engines.openspace.points.nodes import OF_POINTS, PointFiles
from openspace_server.engines.openspace.process.installation import OLDEST, check_profile, find_installation
from openspace_server.engines.openspace.process.instance_folder import (
    WINDOW_FILE,
    WINDOW_NAME,
    InstanceFolder,
    free_ports,
    make_folder,
)
from openspace_server.engines.openspace.process.processes import Programs, wait_until
from openspace_server.engines.openspace.settings import OpenSpaceSettings
from openspace_server.engines.openspace.window.live_picture import Aside, Live
from openspace_server.engines.openspace.window.screen_grabber import ScreenGrabber
from openspace_server.protocols.frame_request import FrameRequest

if TYPE_CHECKING:
    from openspace_server.engines.openspace.window.x_window import XWindow

log = logging.getLogger(__name__)

SCREEN = (3840, 2160)
"""A virtual display's size in pixels: what a session may be resized to, unless it begins larger."""
WINDOW_TIMEOUT = 10.0
PROGRESS_INTERVAL = 2.0
HOME_FLIGHT = 4.0
STEADY = 0.1
"""Seconds that a still must stay the same: maps and models come in over some frames."""
STEADY_TIMEOUT = 2.0
"""Seconds after which a still is taken as it is, since something in it moves by itself."""
CAMERA_AGE = 0.5
"""Seconds after which the camera that pictures are labelled with is asked for anew."""


class OpenSpaceEngine(PointClouds):
    """See :class:`~openspace_server.engines.base.Engine`. Settings come from the environment (``settings.py``)."""

    name = "openspace"

    def __init__(self) -> None:
        self._context = EngineContext()
        self._programs: Programs | None = None
        self._folder: InstanceFolder | None = None
        self._window: XWindow | None = None
        self._grabber: ScreenGrabber | None = None
        self._link: api.ApiLink | None = None
        self._joystick: Joystick | None = None
        self._last: Frame | None = None
        self._told = Told()
        self._frames = 0
        self._damaged = threading.Event()
        self._watched = False
        self._unsettled = False
        self._resized: Future[None] | None = None
        """Ends when points have the size that they are to have in a window of this size."""
        self._moves = 0
        """How often something here has taken the camera."""
        self._placed: dict[str, Any] = {}
        self._seen: dict[str, Any] | None = None
        """Where the last step of a tour asked the camera to be, and where OpenSpace then said that it is."""
        self._anchors: set[str] = set()
        self._camera: dict[str, Any] = {}
        self._camera_at = -math.inf
        self._told_progress = -math.inf

    def attach(self, context: EngineContext) -> None:
        self._context = context

    @property
    def api_port(self) -> int | None:
        return self._folder.ports.web_socket if self._folder is not None else None

    # -- life ----------------------------------------------------------------------------------------------------

    def open(self, width: int, height: int) -> None:
        try:
            self._open(width, height)
        except BaseException:
            self.close()
            raise

    def _open(self, width: int, height: int) -> None:
        settings = OpenSpaceSettings.read()
        installation = find_installation(settings)
        check_profile(installation, settings)
        ports = free_ports(self._context.api_port, self._context.api_tcp_port)
        folder = make_folder(installation, settings, ports, (width, height), self._context.slot)
        self._folder = folder
        command = [*settings.launcher, str(folder.base / installation.program.relative_to(installation.base))]
        command += ["--file", str(folder.configuration), "--config", str(folder.base / WINDOW_FILE)]
        command += ["--profile", settings.profile, "--bypassLauncher"]
        environment = {"OPENSPACE_USER": str(folder.user)}
        screen = None
        if settings.display is not None:
            environment["DISPLAY"] = settings.display
        elif sys.platform.startswith("linux"):
            screen = (max(width, SCREEN[0]), max(height, SCREEN[1]))
        started = time.monotonic()
        programs = self._programs = Programs(folder, command, environment, screen, self._context.on_changed)
        programs.wait_started(self._context.is_ending)
        if programs.display is not None:
            os.environ["XAUTHORITY"] = str(folder.authority)  # for the grabber's own connection
        display = programs.display or settings.display or os.environ.get("DISPLAY", "")

        def check() -> None:
            programs.check(f"while loading profile {settings.profile!r}")
            if self._context.is_ending():
                raise EngineError("stopped while OpenSpace was loading")
            self._tell_progress(programs, time.monotonic() - started)

        deadline = started + settings.loading
        try:
            self._link = api.connect(folder.ports.tcp, check, deadline)
        except EngineError as problem:
            raise EngineError(
                f"{problem}{programs.last_words()}" if programs.exit_code is None else str(problem)
            ) from None
        self._check_version(self._link)
        scripts = Scripts(self._link, programs.console_since, programs.console_size)
        self._pilot = Pilot(self._link, scripts)
        self._aside = Aside(self._pilot, lambda size: self._resize(*size))
        self._feed = StateFeed(self._link, self._context.on_changed)
        self._joystick = Joystick(self._link)
        self._find_window(display, programs)
        self._grab_from(display)
        self._feed.wait()
        self._told = self._feed.told
        self._first_camera = self._camera = self._pilot.camera()
        reading = Scripts(self._link, programs.console_since, programs.console_size, OF_POINTS)
        self._point_files = PointFiles(reading, folder.points, width, self._points_changed)
        if self._window is not None:
            place = self._window.place
            if (place.width, place.height) != (width, height):
                self.resize(width, height)
        log.info("OpenSpace %s ready after %.1f s", ".".join(map(str, self._link.version)), time.monotonic() - started)

    def close(self) -> None:
        if self._joystick is not None:
            self._joystick.close()
            self._joystick = None
        if self._point_files is not None:
            self._point_files.close()
            self._point_files = None
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._grabber is not None:
            self._grabber.close()
            self._grabber = None
        if self._window is not None:
            self._window.close()
            self._window = None
        if self._programs is not None:
            self._programs.close()
            self._programs = None
        if self._folder is not None:
            self._folder.remove()
            self._folder = None
        self._last = None

    def describe(self) -> dict[str, Any]:
        link = self._connected()
        version = ".".join(map(str, link.version))
        return {"engine": self.name, "renderer": f"OpenSpace {version}", "gpu": False, "api": link.dialect.value}

    # -- pictures ------------------------------------------------------------------------------------------------

    def resize(self, width: int, height: int) -> None:
        self._put_back()
        self._resize(width, height)

    def _resize(self, width: int, height: int) -> None:
        window, grabber = self._window, self._grabber
        if window is None or grabber is None:
            raise EngineError("the size of OpenSpace's window can only be changed on an X display")
        window.resize(width, height)
        self._resized = self._files().resized(width)
        self._grab_from(self._display)
        self._settle()

    def draw(self, now: float) -> Frame:
        if self._programs is not None:
            self._programs.check("in the middle of the session")
        if self._connected().lost.is_set():
            raise EngineError(f"OpenSpace has closed its API{self._last_words()}")
        if self._aside.live is not None and self._last is not None:
            return self._last
        if self._unsettled:
            self._settle()
        self._told = self._feed.told
        self._ask_camera(now)
        if self._watched and self._last is not None and not self._damaged.is_set():
            return self._last
        self._damaged.clear()
        pixels = self._take_picture()
        if self._last is not None and _same(self._last.pixels, pixels):
            return self._last
        self._frames += 1
        self._last = Frame(self._frames, pixels, self._told.time, self._camera)
        return self._last

    def still_in_parts(self, now: float, request: FrameRequest) -> Generator[None, None, Still]:
        """See :meth:`Engine.still_in_parts`. The live picture stands still until :meth:`end_stills`; OpenSpace smooths
        as it is set to, whatever ``antialias`` says."""
        if request.depth or request.ids:
            raise EngineError("OpenSpace does not tell depth or bodies: its API and its window have the picture only")
        if self._feed.told.flying:
            raise EngineError("OpenSpace has one camera, and a flight is under way: ask again when it has arrived")
        moment = None if request.time is None else utc_of(request.time)
        if request.camera is not None:
            self._pilot.check_camera(request.camera)
        return self._still(request.size, moment, request.camera)

    def _still(
        self, size: tuple[int, int] | None, moment: str | None, camera: dict[str, Any] | None
    ) -> Generator[None, None, Still]:
        while True:
            live = self._put_aside()
            was = live.shown
            self._aside.resize(size or live.size)
            yield from self._points_resized()
            if self._aside.live is None:  # the live picture was put back meanwhile
                continue
            self._aside.show(Shown(moment or was.time, camera or was.camera, paused=True))
            pixels = yield from self._steady_picture()
            if pixels is not None:
                shown = self._pilot.shown()
                return Still(0, pixels, f"{shown.time}Z", plain_state(shown.camera))

    def _points_resized(self) -> Generator[None, None, None]:
        """Until points have their size in the window's picture, or that is the live picture again."""
        while self._aside.live is not None and self._resized is not None and not self._resized.done():
            yield
            self._pilot.wait_frame(self._files().patience)

    def _steady_picture(self) -> Generator[None, None, np.ndarray | None]:
        """The window's picture when it has come to rest; None if the live picture was put back meanwhile."""
        began = since = time.monotonic()
        picture = self._take_picture()
        while (now := time.monotonic()) < min(since + STEADY, began + STEADY_TIMEOUT):
            yield
            if self._aside.live is None:
                return None
            self._pilot.wait_frame()
            before, picture = picture, self._take_picture()
            if not _same(before, picture):
                since = now
        return picture

    def end_stills(self) -> None:
        self._put_back()

    # -- tours ---------------------------------------------------------------------------------------------------

    def body_positions_in_parts(
        self, targets: Sequence[str], times: Sequence[str]
    ) -> Generator[None, None, tuple[np.ndarray, np.ndarray]]:
        """See :meth:`Engine.body_positions_in_parts`. OpenSpace's clock goes there for a moment, as for a still."""
        if self._feed.told.flying:
            raise EngineError("OpenSpace's time stands still during a flight: ask again when it has arrived")
        moments = [utc_of(time) for time in times]
        nodes = self._pilot.nodes()
        for target in targets:
            if target not in nodes:
                raise UnknownTarget(target, nodes)
        sun = ["Sun"] if "Sun" in nodes else []
        return self._whereabouts([*targets, *sun], len(targets), moments)

    def _whereabouts(
        self, nodes: list[str], count: int, moments: list[str]
    ) -> Generator[None, None, tuple[np.ndarray, np.ndarray]]:
        if not moments or not count:
            return np.zeros((len(moments), count, 3)), np.zeros((len(moments), count, 3, 3))
        rows = yield from between(lambda some: self._looked(nodes, some), moments)
        positions, rotations = rows[..., :3], rows[..., 3:].reshape(*rows.shape[:2], 3, 3).swapaxes(-1, -2)
        return positions[:, :count] - positions[:, count:].sum(axis=1, keepdims=True), rotations[:, :count]

    def _looked(self, nodes: list[str], moments: Sequence[str]) -> Generator[None, None, np.ndarray]:
        """Rows of :meth:`Pilot.whereabouts` at each moment."""
        found: list[np.ndarray] = []
        wanted = ""
        while len(found) < len(moments):
            if self._aside.live is None or wanted != moments[len(found)]:
                live = self._put_aside()
                wanted = moments[len(found)]
                self._aside.show(Shown(wanted, live.shown.camera, paused=True))
            following = moments[len(found) + 1] if len(found) + 1 < len(moments) else None
            told, rows = self._pilot.whereabouts(nodes, following)
            if not same_time(told, wanted):
                raise EngineError(f"OpenSpace did not go to {wanted}: its time is {told}")
            found.append(rows)
            wanted = following or wanted
            yield
        return np.array(found)

    def set_view(self, camera: dict[str, Any], time: str | None, mark: Any, now: float) -> Any:
        """See :meth:`Engine.place`: one script for each step."""
        self._put_back()
        if mark is not None and (self._feed.told.flying or mark != self._moves):
            return None
        if not isinstance(anchor := camera.get("Anchor"), str) or anchor not in self._anchors:
            self._pilot.check_camera(camera)
            self._anchors.add(str(anchor))
        moment = None if time is None else utc_of(time)
        before = self._pilot.step(camera, moment)
        asked, seen = self._placed, self._seen  # the latter asked for after the step before, so answered by now
        alone = seen is None or (same_camera(seen, plain_state(before)) and reached(seen, asked))
        if mark is not None and not alone:
            self._pilot.set_camera(before)
            return None
        self._placed, self._seen = camera, None
        self._pilot.ask_camera(self._see_placed)
        self._feed.expect(focus=camera["Anchor"], **({} if moment is None else {"time": f"{moment}Z"}))
        self._told = self._feed.told
        self._moves += 1
        return self._moves

    def _see_placed(self, state: dict[str, Any]) -> None:
        """Where OpenSpace says that the camera is after a step."""
        self._seen = self._camera = state

    def next_change(self, now: float) -> float:
        if self._aside.live is not None:
            return math.inf
        return math.inf if self._watched else 1 / self._context.frame_rate

    def move(self, motion: Motion, now: float) -> None:
        assert self._joystick is not None
        if self._aside.live is not None:
            return  # it would move what is not seen
        self._moves += bool(motion.axes)
        if motion.axes and self._feed.told.flying:
            self._pilot.stop_flight()
            self._feed.land()
        self._joystick.move(motion.axes, motion.is_held)
        self._told = self._feed.told

    # -- camera --------------------------------------------------------------------------------------------------

    def targets(self) -> list[Target]:
        return self._pilot.targets()

    @property
    def focus(self) -> str:
        return self._told.focus

    def set_focus(self, target: str) -> None:
        self._put_back()
        self._moves += 1
        self._pilot.set_focus(target)
        self._changed(focus=target)

    def fly_to(self, target: str, duration: float, distance: float | None, now: float) -> None:
        self._put_back()
        self._moves += 1
        self._pilot.fly_to(target, duration, distance)
        self._took_off()

    @property
    def flying(self) -> bool:
        return self._told.flying

    def home(self, now: float) -> None:
        self._put_back()
        self._moves += 1
        self._pilot.fly_to_state(self._first_camera, HOME_FLIGHT)
        self._took_off()

    def camera(self) -> dict[str, Any]:
        if self._aside.live is not None:
            return plain_state(self._aside.live.shown.camera)
        self._camera, self._camera_at = self._pilot.camera(), time.monotonic()
        return self._camera

    def set_camera(self, state: dict[str, Any], now: float) -> None:
        self._put_back()
        self._moves += 1
        self._pilot.set_camera(state)
        self._camera_at = -math.inf
        self._changed(focus=state["Anchor"])

    # -- time ----------------------------------------------------------------------------------------------------

    @property
    def time(self) -> str:
        return self._told.time

    def set_time(self, time: str, now: float) -> None:
        self._put_back()
        self._changed(time=self._pilot.set_time(time))

    @property
    def rate(self) -> float:
        return self._told.rate

    def set_rate(self, rate: float, now: float) -> None:
        self._put_back()
        self._pilot.set_rate(rate)
        self._changed(rate=float(rate))

    @property
    def paused(self) -> bool:
        return self._told.paused

    def set_paused(self, paused: bool, now: float) -> None:
        self._put_back()
        self._pilot.set_paused(paused)
        self._changed(paused=paused)

    # -- inside --------------------------------------------------------------------------------------------------

    def _connected(self) -> api.ApiLink:
        if self._link is None:
            raise EngineError("the openspace engine is not open")
        return self._link

    def _check_version(self, link: api.ApiLink) -> None:
        if link.version[:2] < OLDEST:
            told, oldest = ".".join(map(str, link.version)), ".".join(map(str, OLDEST))
            raise EngineError(f"OpenSpace {told} is too old: install {oldest} or newer")

    def _find_window(self, display: str, programs: Programs) -> None:
        """Where there is an X display; elsewhere the grabber finds the window by its name."""
        self._display = display
        if not display:
            return
        from openspace_server.engines.openspace.window.x_window import XWindow  # its library is only there where X is

        window = self._window = XWindow(display, WINDOW_NAME, self._heard_damage)

        def found() -> bool:
            programs.check("before it had a window")
            return window.find()

        if not wait_until(found, WINDOW_TIMEOUT):
            raise EngineError(f"OpenSpace has opened no window on display {display}{programs.last_words()}")
        self._watched = window.watch(display)

    def _grab_from(self, display: str) -> None:
        place = self._window.place if self._window is not None else None
        if self._grabber is not None:
            self._grabber.close()
        self._grabber = ScreenGrabber(display, place, WINDOW_NAME)
        self._damaged.set()

    def _take_picture(self) -> np.ndarray:
        assert self._grabber is not None
        try:
            return self._grabber.grab()
        except EngineError as problem:
            # The display goes with the program, whose end is the better reason.
            if self._programs is not None and wait_until(self._ended, 0.5):
                self._programs.check("in the middle of the session")
            raise EngineError(f"{problem}{self._last_words()}") from None

    def _ended(self) -> bool:
        return self._programs is not None and self._programs.exit_code is not None

    def _last_words(self) -> str:
        return self._programs.last_words() if self._programs is not None else ""

    def _heard_damage(self) -> None:
        if not self._damaged.is_set():
            self._damaged.set()
            self._context.on_changed()

    def _changed(self, **told: Any) -> None:
        """OpenSpace has done what it was asked; its next pictures show it."""
        self._feed.expect(**told)
        self._told = self._feed.told
        self._unsettled = True

    def _points_changed(self) -> None:
        """On another thread: the next picture is one that shows them."""
        self._unsettled = True
        self._context.on_changed()

    def _took_off(self) -> None:
        self._feed.take_off()
        self._told = self._feed.told

    def _settle(self) -> None:
        """Wait until a picture drawn after everything asked so far is on the screen."""
        self._unsettled = False
        self._pilot.wait_frame(self._files().patience)
        self._damaged.set()

    def _put_aside(self) -> Live:
        """Make OpenSpace free for a picture of another size, time or camera."""
        if self._window is not None:
            place = self._window.place
            size = (place.width, place.height)
        else:
            height, width = self.draw(time.monotonic()).pixels.shape[:2]
            size = (width, height)
        return self._aside.put(size, self._told.rate)

    def _put_back(self) -> None:
        """Show the live picture again, if it was put aside."""
        if (shown := self._aside.put_back()) is not None:
            self._feed.expect(time=f"{shown.time}Z", paused=shown.paused, focus=shown.camera["Anchor"])
            self._told = self._feed.told
            self._damaged.set()
            self._context.on_changed()

    def _ask_camera(self, now: float) -> None:
        """Keep the camera that pictures are labelled with fresh, without waiting for it."""
        if now - self._camera_at > CAMERA_AGE:
            self._camera_at = now

            def hear(state: dict[str, Any]) -> None:
                self._camera = state

            self._pilot.ask_camera(hear)

    def _tell_progress(self, programs: Programs, seconds: float) -> None:
        now = time.monotonic()
        if now - self._told_progress >= PROGRESS_INTERVAL:
            self._told_progress = now
            said = programs.console_since(0).strip().splitlines()
            last = f": {' '.join(said[-1].split())[:160]}" if said else ""
            self._context.on_progress(f"OpenSpace is loading, {seconds:.0f} s so far{last}")


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two pictures are the same to the last bit."""
    return one.shape == other.shape and bool(np.array_equal(one.view(np.uint32), other.view(np.uint32)))
