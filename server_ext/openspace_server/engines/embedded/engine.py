"""The embedded engine: solar system and stars on Panda3D, from pip packages only."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError, Frame, Still
from openspace_server.engines.embedded.camera import navigation_states as states
from openspace_server.engines.embedded.camera.navigation_states import Pose
from openspace_server.engines.embedded.camera.navigator import RADII, Navigator
from openspace_server.engines.embedded.graphics.canvas import Canvas
from openspace_server.engines.embedded.graphics.view import View
from openspace_server.engines.embedded.points.points import REST
from openspace_server.engines.embedded.scene import stills
from openspace_server.engines.embedded.scene.scene import Scene
from openspace_server.engines.embedded.scene_api import SceneApi
from openspace_server.engines.embedded.scene_graph.engine_properties import NavigationProperties, RenderProperties
from openspace_server.engines.embedded.scene_graph.nodes import Nodes
from openspace_server.engines.embedded.sky import simulation_clock as clocks
from openspace_server.engines.embedded.sky.bodies import BODIES
from openspace_server.engines.embedded.sky.ephemeris import Ephemeris, ephemeris_at
from openspace_server.engines.embedded.sky.rotation import spin_rate
from openspace_server.engines.point_engine import PickedPoint
from openspace_server.engines.properties import PropertyTree
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.frame_request import FrameRequest
from openspace_server.protocols.limits import check_size

_EARLY = 0.9  # part of a rest after which it counts as over, as waiting for its end may end a little early
_ANTIALIAS = 4  # samples per pixel of a still
_STILLS_KEPT = 10.0  # seconds after the last still for which its canvas is kept
_OPAQUE = np.frombuffer(bytes((0, 0, 0, 255)), np.uint32)
_SPINS = np.array([abs(spin_rate(i)) for i in range(len(BODIES))])


class EmbeddedEngine(SceneApi):
    """See :class:`~openspace_server.engines.scene_engine.SceneEngine`. Camera states are in OpenSpace's world axes
    (``ReferenceFrame`` "Root", which is galactic) unless they were set in others; "ICRF" is also known."""

    name = "embedded"

    def __init__(self) -> None:
        self._canvas: Canvas | None = None
        self._tree = PropertyTree()
        self._nodes = Nodes(self._tree, self._touch)
        self._navigation_properties = NavigationProperties(self._tree, self, lambda: self._drawn_at)
        self._render_properties = RenderProperties(self._tree)
        self._tree.watch(lambda change: self._touch())
        self._last: Frame | None = None
        self._frames = 0
        self._dirty, self._steered = True, False
        self._on_change: Callable[[], None] = lambda: None
        self._drawn_at = self._moved_at = self._still_at = -math.inf
        self._seen: View | None = None  # what the last frame shows
        self._speed: float | None = None  # pixels per simulated second of what moves most in it, computed on demand

    # -- lifecycle-----------------------------------------------------------------------------------------------------

    def open(self, width: int, height: int) -> None:
        self.close()
        self._size = _checked_size(width, height)
        self._canvas = Canvas(width, height)
        try:
            self._scene = Scene(self._canvas, lambda: self._on_change())
            self._still_renderer = stills.StillRenderer(self._canvas, self._scene)
        except Exception:
            self.close()
            raise
        self._frames, self._dirty, self._last = 0, True, None
        start = (datetime.now(UTC) - clocks.EPOCH).total_seconds()
        self._clock: clocks.SimulationClock | None = None
        self._start = start
        self._ephemeris = ephemeris_at(start)
        self._navigator = Navigator(self._ephemeris)

    def close(self) -> None:
        if self._canvas is not None:
            if hasattr(self, "_scene"):
                self._scene.points.close()
            self._canvas.close()
            self._canvas = self._last = None

    @property
    def _is_open(self) -> bool:
        return self._canvas is not None

    def describe(self) -> dict[str, Any]:
        probe = self._opened().probe
        return {"engine": self.name, "renderer": probe.renderer, "gpu": probe.gpu, "pipe": probe.pipe}

    def resize(self, width: int, height: int) -> None:
        size = _checked_size(width, height)
        canvas = self._opened()
        if size != self._size:
            canvas.resize(width, height)
            self._size = size
            self._dirty = True

    # -- frames -------------------------------------------------------------------------------------------------------

    def draw(self, now: float) -> Frame:
        canvas = self._opened()
        self.advance(now)
        self._note_motion(now)
        self._last = self._draw_frame(canvas, *self._size, self._is_followed(now))
        if now - self._still_at > _STILLS_KEPT:
            self._still_renderer.release()
        self._frames += 1
        self._dirty = False
        self._drawn_at = now
        return self._last

    def _note_motion(self, now: float) -> None:
        if self._navigator.moving or self._steered:
            self._moved_at = now
        self._steered = False

    def _is_followed(self, now: float) -> bool:
        """Whether another frame follows so soon that a part of the points must suffice: the camera moves or did so
        lately, time runs, or frames have been drawn one right after the other."""
        rest = self._scene.points.rest
        return (
            now - self._moved_at < _EARLY * rest
            or now - self._drawn_at < _EARLY * REST
            or self._motion_wait(now) < rest
        )

    def still_in_parts(self, now: float, request: FrameRequest) -> Generator[None, None, Still]:
        self._opened()
        width, height = request.size or self._size
        antialias = request.antialias or _ANTIALIAS
        self.advance(now)
        self._still_at = now
        moment = self._ephemeris if request.time is None else ephemeris_at(clocks.parse(request.time))
        pose = self._navigator.pose_at(moment) if request.camera is None else self._read(request.camera, moment)
        look = self._nodes.look
        view = self._view(pose, moment, look.scales, (width, height), exact=True)
        when = clocks.iso(moment.seconds)
        state = {**states.write(pose, moment), "Timestamp": when}
        plan = stills.StillPlan(view, pose.anchor, look, antialias, request.depth, request.ids, when, state)
        return self._still_renderer.still(plan, self._render_properties.finish)

    def _draw_frame(self, canvas: Canvas, width: int, height: int, moving: bool) -> Frame:
        nav, look = self._navigator, self._nodes.look
        view = self._view(nav.pose(), self._ephemeris, nav.scales, (width, height))
        self._scene.update(view, nav.focus, look, moving)
        began = clock.thread_time()
        raw = canvas.render(width, height)
        self._scene.points.record_draw_time(clock.thread_time() - began)
        # Blending leaves its traces in alpha.
        words = np.bitwise_or(raw.view(np.uint32)[..., 0], _OPAQUE, order="C")
        pixels = words.view(np.uint8).reshape(height, width, 4)
        self._seen, self._speed = view, None
        return Frame(self._frames + 1, self._render_properties.finish(pixels), self.time, self.camera())

    def _view(
        self, pose: Pose, moment: Ephemeris, scales: np.ndarray, size: tuple[int, int], *, exact: bool = False
    ) -> View:
        at = moment.positions
        offsets = (at - at[pose.anchor]) - pose.position
        return View(moment, at[pose.anchor] + pose.position, pose.orientation, *size, offsets, RADII * scales, exact)

    def pick(self, x: float, y: float) -> PickedPoint | None:
        self._opened()
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise EngineError(f"a position in the frame is 0 to 1 from the left and from the top, got {x!r}, {y!r}")
        return self._scene.pick(x, y)

    def on_change(self, callback: Callable[[], None]) -> None:
        self._on_change = callback

    def last_frame(self) -> Frame | None:
        return self._last

    def next_change(self, now: float) -> float:
        self._opened()
        if self._dirty or self._navigator.moving:
            return 0.0
        points = self._scene.points
        if points.ready:
            return 0.0
        at = self._drawn_at + self._motion_wait(now)
        if not points.drew_all and self._motion_wait(now) >= points.rest:
            at = min(at, max(self._moved_at + points.rest, self._drawn_at + REST))
        return max(at - now, 0.0)

    def _motion_wait(self, now: float) -> float:
        """Seconds in which something in the last frame moves by a pixel as time runs, at most one; infinity when
        nothing moves."""
        rate = abs(self._ticking(now).speed(now))
        if rate == 0 or self._seen is None:
            return math.inf
        if self._speed is None:
            self._speed = self._pixel_speed(self._seen)
        return min(1 / max(self._speed * rate, 1e-9), 1.0)

    def _pixel_speed(self, view: View) -> float:
        """Pixels per simulated second of the fastest motion in the frame: bodies against the camera, or turning."""
        ephemeris, focus = view.ephemeris, self._navigator.focus
        velocity = (ephemeris.velocities - ephemeris.velocities[focus]) @ view.axes.T
        towards = view.seen / view.distances[:, None]
        across = velocity - np.einsum("ij,ij->i", velocity, towards)[:, None] * towards
        radial = np.abs(np.einsum("ij,ij->i", velocity, towards)) / view.distances
        moving = view.focal * np.linalg.norm(across, axis=1) / view.distances + radial * view.radius_pixels
        altitude = np.maximum(view.distances - view.radii, 1.0)
        # Seen from low above, the ground just below moves fastest.
        ground = view.focal * view.radii / altitude
        turning = np.where(view.radius_pixels > 1, _SPINS * ground, 0.0)
        return float(np.max(np.where(view.on_screen, moving + turning, 0.0)))

    @property
    def tree(self) -> PropertyTree:
        return self._tree

    def advance(self, now: float) -> None:
        self._sync(now)
        look = self._nodes.look
        if not np.array_equal(look.scales, self._navigator.scales):
            self._navigator.rescale(look.scales, self._ephemeris)
        self._navigator.advance(now, self._ephemeris)
        self._navigation_properties.apply(self._navigator)

    def _touch(self) -> None:
        self._dirty = True

    def _sync(self, now: float) -> Ephemeris:
        seconds = self._ticking(now).seconds(now)
        if seconds != self._ephemeris.seconds:
            self._ephemeris = ephemeris_at(seconds)
        return self._ephemeris

    def _ticking(self, now: float) -> clocks.SimulationClock:
        """The clock, which starts with the first wall time that is passed in."""
        self._opened()
        if self._clock is None:
            self._clock = clocks.SimulationClock(self._start, now)
        return self._clock

    def _opened(self) -> Canvas:
        if self._canvas is None:
            raise EngineError("the embedded engine is not open")
        return self._canvas

    # -- time ---------------------------------------------------------------------------------------------------------

    @property
    def time(self) -> str:
        self._opened()
        return clocks.iso(self._ephemeris.seconds)

    def set_time(self, time: str, now: float) -> None:
        seconds = clocks.parse(time)
        self._ticking(now).set(seconds, now)
        self._sync(now)
        self._dirty = True

    @property
    def rate(self) -> float:
        return self._clock.rate if self._clock is not None else 1.0

    def set_rate(self, rate: float, now: float) -> None:
        self._ticking(now).set_rate(rate, now)

    @property
    def paused(self) -> bool:
        return self._clock is not None and self._clock.paused

    def set_paused(self, paused: bool, now: float) -> None:
        self._ticking(now).set_paused(paused, now)


def _checked_size(width: int, height: int) -> tuple[int, int]:
    try:
        return check_size({"width": width, "height": height})
    except ProtocolError as problem:
        raise EngineError(str(problem)) from None
