"""The openspace engine: starts OpenSpace, captures its window, and steers it through its API."""

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
from openspace_server.engines.openspace.api.body_positions import interpolate
from openspace_server.engines.openspace.api.joystick import Joystick
from openspace_server.engines.openspace.api.lua import Scripts
from openspace_server.engines.openspace.api.navigation import (
    Navigation,
    ViewState,
    has_reached,
    plain_state,
    same_camera,
    same_time,
    utc_of,
)
from openspace_server.engines.openspace.api.state_feed import EngineState, StateFeed
from openspace_server.engines.openspace.points.mixin import PointClouds
from openspace_server.engines.openspace.points.nodes import POINT_CATEGORIES, PointFiles
from openspace_server.engines.openspace.process.installation import OLDEST, check_profile, find_installation
from openspace_server.engines.openspace.process.instance_folder import (
    WINDOW_FILE,
    WINDOW_NAME,
    InstanceFolder,
    free_ports,
    make_folder,
)
from openspace_server.engines.openspace.process.processes import Processes, wait_until
from openspace_server.engines.openspace.settings import OpenSpaceSettings
from openspace_server.engines.openspace.window.live_view import LiveView, SavedView
from openspace_server.engines.openspace.window.screen_grabber import ScreenGrabber
from openspace_server.protocols.frame_request import FrameRequest

if TYPE_CHECKING:
    from openspace_server.engines.openspace.window.x_window import XWindow

log = logging.getLogger(__name__)

SCREEN = (3840, 2160)
"""A virtual display's size in pixels: what a session may be resized to, unless it starts larger."""
WINDOW_TIMEOUT = 10.0
PROGRESS_INTERVAL = 2.0
HOME_FLIGHT = 4.0
STEADY = 0.1
"""Seconds that a still must stay the same: maps and models load over some frames."""
STEADY_TIMEOUT = 2.0
"""Seconds after which a still is taken as it is, since something in it moves by itself."""
CAMERA_AGE = 0.5
"""Seconds after which the camera that labels frames is requested again."""


class OpenSpaceEngine(PointClouds):
    """See :class:`~openspace_server.engines.base.Engine`. Settings come from the environment (``settings.py``)."""

    name = "openspace"

    def __init__(self) -> None:
        self._context = EngineContext()
        self._processes: Processes | None = None
        self._folder: InstanceFolder | None = None
        self._window: XWindow | None = None
        self._grabber: ScreenGrabber | None = None
        self._client: api.ApiClient | None = None
        self._joystick: Joystick | None = None
        self._last: Frame | None = None
        self._state = EngineState()
        self._frames = 0
        self._damaged = threading.Event()
        self._watched = False
        self._unsettled = False
        self._resized: Future[None] | None = None
        """Ends when points have their sizes for a window of this size."""
        self._move_count = 0
        """How often a call has moved the camera."""
        self._requested_camera: dict[str, Any] = {}
        self._reached_camera: dict[str, Any] | None = None
        """The camera that the last step of a tour requested, and the one that OpenSpace then reported."""
        self._anchors: set[str] = set()
        self._camera: dict[str, Any] = {}
        self._camera_at = -math.inf
        self._reported_progress_at = -math.inf

    def attach(self, context: EngineContext) -> None:
        self._context = context

    @property
    def api_port(self) -> int | None:
        return self._folder.ports.web_socket if self._folder is not None else None

    # -- lifecycle------------------------------------------------------------------------------------------------

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
        processes = self._processes = Processes(folder, command, environment, screen, self._context.on_changed)
        processes.wait_started(self._context.is_ending)
        if processes.display is not None:
            os.environ["XAUTHORITY"] = str(folder.authority)  # for the grabber's own connection
        display = processes.display or settings.display or os.environ.get("DISPLAY", "")

        def check() -> None:
            processes.check(f"while loading profile {settings.profile!r}")
            if self._context.is_ending():
                raise EngineError("stopped while OpenSpace was loading")
            self._report_progress(processes, time.monotonic() - started)

        deadline = started + settings.loading
        try:
            self._client = api.connect(folder.ports.tcp, check, deadline)
        except EngineError as problem:
            raise EngineError(
                f"{problem}{processes.last_words()}" if processes.exit_code is None else str(problem)
            ) from None
        self._check_version(self._client)
        scripts = Scripts(self._client, processes.console_since, processes.console_size)
        self._navigation = Navigation(self._client, scripts)
        self._live_view = LiveView(self._navigation, lambda size: self._resize(*size))
        self._feed = StateFeed(self._client, self._context.on_changed)
        self._joystick = Joystick(self._client)
        self._find_window(display, processes)
        self._grab_from(display)
        self._feed.wait()
        self._state = self._feed.state
        self._first_camera = self._camera = self._navigation.camera()
        reading = Scripts(self._client, processes.console_since, processes.console_size, POINT_CATEGORIES)
        self._point_files = PointFiles(reading, folder.points, width, self._points_changed)
        if self._window is not None:
            rect = self._window.rect
            if (rect.width, rect.height) != (width, height):
                self.resize(width, height)
        log.info(
            "OpenSpace %s ready after %.1f s", ".".join(map(str, self._client.version)), time.monotonic() - started
        )

    def close(self) -> None:
        if self._joystick is not None:
            self._joystick.close()
            self._joystick = None
        if self._point_files is not None:
            self._point_files.close()
            self._point_files = None
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._grabber is not None:
            self._grabber.close()
            self._grabber = None
        if self._window is not None:
            self._window.close()
            self._window = None
        if self._processes is not None:
            self._processes.close()
            self._processes = None
        if self._folder is not None:
            self._folder.remove()
            self._folder = None
        self._last = None

    def describe(self) -> dict[str, Any]:
        client = self._connected()
        version = ".".join(map(str, client.version))
        return {"engine": self.name, "renderer": f"OpenSpace {version}", "gpu": False, "api": client.dialect.value}

    # -- frames --------------------------------------------------------------------------------------------------

    def resize(self, width: int, height: int) -> None:
        self._restore_live_view()
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
        if self._processes is not None:
            self._processes.check("in the middle of the session")
        if self._connected().lost.is_set():
            raise EngineError(f"OpenSpace has closed its API{self._last_words()}")
        if self._live_view.saved is not None and self._last is not None:
            return self._last
        if self._unsettled:
            self._settle()
        self._state = self._feed.state
        self._ask_camera(now)
        if self._watched and self._last is not None and not self._damaged.is_set():
            return self._last
        self._damaged.clear()
        pixels = self._capture()
        if self._last is not None and _same(self._last.pixels, pixels):
            return self._last
        self._frames += 1
        self._last = Frame(self._frames, pixels, self._state.time, self._camera)
        return self._last

    def still_in_parts(self, now: float, request: FrameRequest) -> Generator[None, None, Still]:
        """See :meth:`Engine.still_in_parts`. The live view stands still until :meth:`end_stills`; OpenSpace uses its
        own antialiasing, whatever ``antialias`` says."""
        if request.depth or request.ids:
            raise EngineError("OpenSpace gives neither depth nor bodies: its API and its window have the frame only")
        if self._feed.state.flying:
            raise EngineError("OpenSpace has one camera, and a flight is under way: ask again when it has arrived")
        moment = None if request.time is None else utc_of(request.time)
        if request.camera is not None:
            self._navigation.check_camera(request.camera)
        return self._still(request.size, moment, request.camera)

    def _still(
        self, size: tuple[int, int] | None, moment: str | None, camera: dict[str, Any] | None
    ) -> Generator[None, None, Still]:
        while True:
            saved = self._suspend_live_view()
            self._live_view.resize(size or saved.size)
            yield from self._points_resized()
            if self._live_view.saved is None:  # the live view was restored meanwhile
                continue
            self._live_view.show(ViewState(moment or saved.state.time, camera or saved.state.camera, paused=True))
            pixels = yield from self._steady_frame()
            if pixels is not None:
                state = self._navigation.view_state()
                return Still(0, pixels, f"{state.time}Z", plain_state(state.camera))

    def _points_resized(self) -> Generator[None, None, None]:
        """Wait until points have their size in the window, or the live view is restored."""
        while self._live_view.saved is not None and self._resized is not None and not self._resized.done():
            yield
            self._navigation.wait_frame(self._files().patience)

    def _steady_frame(self) -> Generator[None, None, np.ndarray | None]:
        """A frame of the window when it no longer changes; None if the live view was restored meanwhile."""
        began = since = time.monotonic()
        pixels = self._capture()
        while (now := time.monotonic()) < min(since + STEADY, began + STEADY_TIMEOUT):
            yield
            if self._live_view.saved is None:
                return None
            self._navigation.wait_frame()
            before, pixels = pixels, self._capture()
            if not _same(before, pixels):
                since = now
        return pixels

    def end_stills(self) -> None:
        self._restore_live_view()

    # -- tours ---------------------------------------------------------------------------------------------------

    def body_positions_in_parts(
        self, targets: Sequence[str], times: Sequence[str]
    ) -> Generator[None, None, tuple[np.ndarray, np.ndarray]]:
        """See :meth:`Engine.body_positions_in_parts`. OpenSpace's clock is set for a moment, as for a still."""
        if self._feed.state.flying:
            raise EngineError("OpenSpace's time stands still during a flight: ask again when it has arrived")
        moments = [utc_of(time) for time in times]
        nodes = self._navigation.nodes()
        for target in targets:
            if target not in nodes:
                raise UnknownTarget(target, nodes)
        sun = ["Sun"] if "Sun" in nodes else []
        return self._sampled_positions([*targets, *sun], len(targets), moments)

    def _sampled_positions(
        self, nodes: list[str], count: int, moments: list[str]
    ) -> Generator[None, None, tuple[np.ndarray, np.ndarray]]:
        if not moments or not count:
            return np.zeros((len(moments), count, 3)), np.zeros((len(moments), count, 3, 3))
        rows = yield from interpolate(lambda some: self._sample(nodes, some), moments)
        positions, rotations = rows[..., :3], rows[..., 3:].reshape(*rows.shape[:2], 3, 3).swapaxes(-1, -2)
        return positions[:, :count] - positions[:, count:].sum(axis=1, keepdims=True), rotations[:, :count]

    def _sample(self, nodes: list[str], moments: Sequence[str]) -> Generator[None, None, np.ndarray]:
        """Rows of :meth:`Navigation.body_positions` at each moment."""
        found: list[np.ndarray] = []
        moment = ""
        while len(found) < len(moments):
            if self._live_view.saved is None or moment != moments[len(found)]:
                saved = self._suspend_live_view()
                moment = moments[len(found)]
                self._live_view.show(ViewState(moment, saved.state.camera, paused=True))
            following = moments[len(found) + 1] if len(found) + 1 < len(moments) else None
            actual, rows = self._navigation.body_positions(nodes, following)
            if not same_time(actual, moment):
                raise EngineError(f"OpenSpace did not go to {moment}: its time is {actual}")
            found.append(rows)
            moment = following or moment
            yield
        return np.array(found)

    def set_view(self, camera: dict[str, Any], time: str | None, mark: Any, now: float) -> Any:
        """See :meth:`Engine.set_view`: one script for each step."""
        self._restore_live_view()
        if mark is not None and (self._feed.state.flying or mark != self._move_count):
            return None
        if not isinstance(anchor := camera.get("Anchor"), str) or anchor not in self._anchors:
            self._navigation.check_camera(camera)
            self._anchors.add(str(anchor))
        moment = None if time is None else utc_of(time)
        before = self._navigation.step(camera, moment)
        requested, reached = self._requested_camera, self._reached_camera  # the latter was asked for after that step
        alone = reached is None or (same_camera(reached, plain_state(before)) and has_reached(reached, requested))
        if mark is not None and not alone:
            self._navigation.set_camera(before)
            return None
        self._requested_camera, self._reached_camera = camera, None
        self._navigation.ask_camera(self._on_camera)
        self._feed.expect(focus=camera["Anchor"], **({} if moment is None else {"time": f"{moment}Z"}))
        self._state = self._feed.state
        self._move_count += 1
        return self._move_count

    def _on_camera(self, state: dict[str, Any]) -> None:
        """OpenSpace's camera after a step."""
        self._reached_camera = self._camera = state

    def next_change(self, now: float) -> float:
        if self._live_view.saved is not None:
            return math.inf
        return math.inf if self._watched else 1 / self._context.frame_rate

    def move(self, motion: Motion, now: float) -> None:
        assert self._joystick is not None
        if self._live_view.saved is not None:
            return  # it would move what is not seen
        self._move_count += bool(motion.axes)
        if motion.axes and self._feed.state.flying:
            self._navigation.stop_flight()
            self._feed.land()
        self._joystick.move(motion.axes, motion.is_held)
        self._state = self._feed.state

    # -- camera --------------------------------------------------------------------------------------------------

    def targets(self) -> list[Target]:
        return self._navigation.targets()

    @property
    def focus(self) -> str:
        return self._state.focus

    def set_focus(self, target: str) -> None:
        self._restore_live_view()
        self._move_count += 1
        self._navigation.set_focus(target)
        self._expect(focus=target)

    def fly_to(self, target: str, duration: float, distance: float | None, now: float) -> None:
        self._restore_live_view()
        self._move_count += 1
        self._navigation.fly_to(target, duration, distance)
        self._take_off()

    @property
    def flying(self) -> bool:
        return self._state.flying

    def home(self, now: float) -> None:
        self._restore_live_view()
        self._move_count += 1
        self._navigation.fly_to_state(self._first_camera, HOME_FLIGHT)
        self._take_off()

    def camera(self) -> dict[str, Any]:
        if self._live_view.saved is not None:
            return plain_state(self._live_view.saved.state.camera)
        self._camera, self._camera_at = self._navigation.camera(), time.monotonic()
        return self._camera

    def set_camera(self, state: dict[str, Any], now: float) -> None:
        self._restore_live_view()
        self._move_count += 1
        self._navigation.set_camera(state)
        self._camera_at = -math.inf
        self._expect(focus=state["Anchor"])

    # -- time ----------------------------------------------------------------------------------------------------

    @property
    def time(self) -> str:
        return self._state.time

    def set_time(self, time: str, now: float) -> None:
        self._restore_live_view()
        self._expect(time=self._navigation.set_time(time))

    @property
    def rate(self) -> float:
        return self._state.rate

    def set_rate(self, rate: float, now: float) -> None:
        self._restore_live_view()
        self._navigation.set_rate(rate)
        self._expect(rate=float(rate))

    @property
    def paused(self) -> bool:
        return self._state.paused

    def set_paused(self, paused: bool, now: float) -> None:
        self._restore_live_view()
        self._navigation.set_paused(paused)
        self._expect(paused=paused)

    # -- internals-----------------------------------------------------------------------------------------------

    def _connected(self) -> api.ApiClient:
        if self._client is None:
            raise EngineError("the openspace engine is not open")
        return self._client

    def _check_version(self, client: api.ApiClient) -> None:
        if client.version[:2] < OLDEST:
            version, oldest = ".".join(map(str, client.version)), ".".join(map(str, OLDEST))
            raise EngineError(f"OpenSpace {version} is too old: install {oldest} or newer")

    def _find_window(self, display: str, processes: Processes) -> None:
        """Find the window where there is an X display; elsewhere the grabber finds it by its name."""
        self._display = display
        if not display:
            return
        from openspace_server.engines.openspace.window.x_window import XWindow  # its library is only there where X is

        window = self._window = XWindow(display, WINDOW_NAME, self._on_damage)

        def found() -> bool:
            processes.check("before it had a window")
            return window.find()

        if not wait_until(found, WINDOW_TIMEOUT):
            raise EngineError(f"OpenSpace has opened no window on display {display}{processes.last_words()}")
        self._watched = window.watch(display)

    def _grab_from(self, display: str) -> None:
        rect = self._window.rect if self._window is not None else None
        if self._grabber is not None:
            self._grabber.close()
        self._grabber = ScreenGrabber(display, rect, WINDOW_NAME)
        self._damaged.set()

    def _capture(self) -> np.ndarray:
        assert self._grabber is not None
        try:
            return self._grabber.grab()
        except EngineError as problem:
            # The display ends with the program, whose end is the better reason.
            if self._processes is not None and wait_until(self._is_ended, 0.5):
                self._processes.check("in the middle of the session")
            raise EngineError(f"{problem}{self._last_words()}") from None

    def _is_ended(self) -> bool:
        return self._processes is not None and self._processes.exit_code is not None

    def _last_words(self) -> str:
        return self._processes.last_words() if self._processes is not None else ""

    def _on_damage(self) -> None:
        if not self._damaged.is_set():
            self._damaged.set()
            self._context.on_changed()

    def _expect(self, **changes: Any) -> None:
        """Note changes that OpenSpace has made on request; its next frames show them."""
        self._feed.expect(**changes)
        self._state = self._feed.state
        self._unsettled = True

    def _points_changed(self) -> None:
        """Called on another thread: the next frame shows them."""
        self._unsettled = True
        self._context.on_changed()

    def _take_off(self) -> None:
        self._feed.take_off()
        self._state = self._feed.state

    def _settle(self) -> None:
        """Wait until a frame drawn after everything requested so far is on the screen."""
        self._unsettled = False
        self._navigation.wait_frame(self._files().patience)
        self._damaged.set()

    def _suspend_live_view(self) -> SavedView:
        """Free OpenSpace for a frame of another size, time or camera."""
        if self._window is not None:
            rect = self._window.rect
            size = (rect.width, rect.height)
        else:
            height, width = self.draw(time.monotonic()).pixels.shape[:2]
            size = (width, height)
        return self._live_view.suspend(size, self._state.rate)

    def _restore_live_view(self) -> None:
        """Show the live view again, if it was suspended."""
        if (state := self._live_view.restore()) is not None:
            self._feed.expect(time=f"{state.time}Z", paused=state.paused, focus=state.camera["Anchor"])
            self._state = self._feed.state
            self._damaged.set()
            self._context.on_changed()

    def _ask_camera(self, now: float) -> None:
        """Keep the camera that labels frames fresh, without waiting for it."""
        if now - self._camera_at > CAMERA_AGE:
            self._camera_at = now

            def on_camera(state: dict[str, Any]) -> None:
                self._camera = state

            self._navigation.ask_camera(on_camera)

    def _report_progress(self, processes: Processes, seconds: float) -> None:
        now = time.monotonic()
        if now - self._reported_progress_at >= PROGRESS_INTERVAL:
            self._reported_progress_at = now
            said = processes.console_since(0).strip().splitlines()
            last = f": {' '.join(said[-1].split())[:160]}" if said else ""
            self._context.on_progress(f"OpenSpace is loading, {seconds:.0f} s so far{last}")


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two frames are the same to the last bit."""
    return one.shape == other.shape and bool(np.array_equal(one.view(np.uint32), other.view(np.uint32)))
