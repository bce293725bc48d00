"""The embedded engine: our own solar system and stars on Panda3D, with nothing to install but pip packages."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np

from openspace_server.engines.base import Engine, EngineError, Frame, Motion, Target
from openspace_server.engines.embedded import clock as clocks
from openspace_server.engines.embedded.bodies import BODIES, find
from openspace_server.engines.embedded.ephemeris import Sky, sky
from openspace_server.engines.embedded.navigator import Navigator
from openspace_server.engines.embedded.pipe import Canvas
from openspace_server.engines.embedded.rotation import spin_rate
from openspace_server.engines.embedded.scene import Scene
from openspace_server.engines.embedded.view import RADII, View

SMALLEST, LARGEST = 64, 8192
_HOME_SECONDS = 2.0
_OPAQUE = np.frombuffer(bytes((0, 0, 0, 255)), np.uint32)
_SPINS = np.array([abs(spin_rate(i)) for i in range(len(BODIES))])


class EmbeddedEngine(Engine):
    """See :class:`~openspace_server.engines.base.Engine`. Camera states are in ICRF axes (``ReferenceFrame``
    "Root")."""

    name = "embedded"

    def __init__(self) -> None:
        self._canvas: Canvas | None = None
        self._frames = 0
        self._dirty = True
        self._drawn_at = 0.0
        self._speed = 0.0  # pixels per simulated second, of whatever moves most

    # -- life ---------------------------------------------------------------------------------------------------------

    def open(self, width: int, height: int) -> None:
        self.close()
        self._size = _checked_size(width, height)
        self._canvas = Canvas(width, height)
        try:
            self._scene = Scene(self._canvas)
        except Exception:
            self.close()
            raise
        self._frames, self._dirty = 0, True
        start = (datetime.now(UTC) - clocks.EPOCH).total_seconds()
        self._clock: clocks.SimulationClock | None = None
        self._start = start
        self._sky = sky(start)
        self._navigator = Navigator(self._sky)

    def close(self) -> None:
        if self._canvas is not None:
            self._canvas.close()
            self._canvas = None

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

    # -- pictures -----------------------------------------------------------------------------------------------------

    def draw(self, now: float) -> Frame:
        canvas = self._opened()
        self._advance(now)
        width, height = self._size
        nav, at = self._navigator, self._sky.positions
        offsets = (at - at[nav.focus]) - nav.position
        view = View(self._sky, at[nav.focus] + nav.position, nav.orientation, width, height, offsets)
        self._scene.update(view, nav.focus)
        raw = np.frombuffer(canvas.render(), np.uint8)
        if raw.size != width * height * 4:
            # A GL pipe may take one more picture to take on a new size.
            raw = np.frombuffer(canvas.render(), np.uint8)
        if raw.size != width * height * 4:
            raise EngineError(f"the renderer did not give a picture of {width} x {height} pixels")
        # Bottom row first, and blending leaves its traces in alpha.
        words = np.bitwise_or(raw.view(np.uint32).reshape(height, width)[::-1], _OPAQUE, order="C")
        pixels = words.view(np.uint8).reshape(height, width, 4)
        self._frames += 1
        self._dirty = False
        self._drawn_at = now
        self._speed = self._pixel_speed(view)
        return Frame(self._frames, pixels, self.time, self.camera())

    def next_change(self, now: float) -> float:
        self._opened()
        if self._dirty or self._navigator.moving:
            return 0.0
        rate = abs(self._ticking(now).speed(now))
        if rate == 0:
            return math.inf
        wait = 1 / max(self._speed * rate, 1e-9)
        return min(max(self._drawn_at + wait - now, 0.0), 1.0)

    def _pixel_speed(self, view: View) -> float:
        """Pixels per simulated second of the fastest thing in the picture: bodies against the camera, or turning."""
        sky_, focus = view.sky, self._navigator.focus
        velocity = (sky_.velocities - sky_.velocities[focus]) @ view.axes.T
        towards = view.seen / view.distances[:, None]
        across = velocity - np.einsum("ij,ij->i", velocity, towards)[:, None] * towards
        radial = np.abs(np.einsum("ij,ij->i", velocity, towards)) / view.distances
        moving = view.focal * np.linalg.norm(across, axis=1) / view.distances + radial * view.radius_pixels
        altitude = np.maximum(view.distances - RADII, 1.0)
        # Seen from low above, the ground just below moves fastest.
        ground = view.focal * RADII / altitude
        turning = np.where(view.radius_pixels > 1, _SPINS * ground, 0.0)
        return float(np.max(np.where(view.on_screen, moving + turning, 0.0)))

    def _advance(self, now: float) -> None:
        """Simulation and camera to wall time ``now``."""
        self._sync(now)
        self._navigator.advance(now, self._sky)

    def _sync(self, now: float) -> Sky:
        seconds = self._ticking(now).seconds(now)
        if seconds != self._sky.seconds:
            self._sky = sky(seconds)
        return self._sky

    def _ticking(self, now: float) -> clocks.SimulationClock:
        """The clock, which starts with the first wall time we are told."""
        self._opened()
        if self._clock is None:
            self._clock = clocks.SimulationClock(self._start, now)
        return self._clock

    def _opened(self) -> Canvas:
        if self._canvas is None:
            raise EngineError("the embedded engine is not open")
        return self._canvas

    # -- camera -------------------------------------------------------------------------------------------------------

    def move(self, motion: Motion, now: float) -> None:
        self._sync(now)
        axes = {axis: float(amount) for axis, amount in motion.axes.items() if math.isfinite(amount)}
        if any(axes.values()):
            self._dirty = True
        self._navigator.move(axes, motion.held, now)

    def targets(self) -> list[Target]:
        return [body.target() for body in BODIES]

    @property
    def focus(self) -> str:
        self._opened()
        return BODIES[self._navigator.focus].identifier

    def set_focus(self, target: str) -> None:
        index = find(target)
        self._opened()
        self._navigator.set_focus(index, self._sky)
        self._dirty = True

    def fly_to(self, target: str, duration: float, distance: float | None, now: float) -> None:
        index = find(target)
        self._navigator.fly_to(index, duration, distance, now, self._sync(now))
        self._dirty = True

    @property
    def flying(self) -> bool:
        return self._canvas is not None and self._navigator.flying

    def home(self, now: float) -> None:
        self._navigator.home(_HOME_SECONDS, now, self._sync(now))
        self._dirty = True

    def camera(self) -> dict[str, Any]:
        self._opened()
        return {**self._navigator.state(self._sky), "Timestamp": self.time}

    def set_camera(self, state: dict[str, Any], now: float) -> None:
        """``Timestamp`` is not applied: time has its own call."""
        self._navigator.set_state(state, self._sync(now))
        self._dirty = True

    # -- time ---------------------------------------------------------------------------------------------------------

    @property
    def time(self) -> str:
        self._opened()
        return clocks.iso(self._sky.seconds)

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

    # -- what is shown ------------------------------------------------------------------------------------------------

    def show(
        self, *, orbits: bool | None = None, labels: bool | None = None, constellations: bool | None = None
    ) -> None:
        """Switch orbit lines, names or constellation lines on or off; None leaves them."""
        self._opened()
        for part, wanted in (("show_orbits", orbits), ("show_labels", labels), ("show_constellations", constellations)):
            if wanted is not None:
                setattr(self._scene, part, bool(wanted))
        self._dirty = True


def _checked_size(width: int, height: int) -> tuple[int, int]:
    for side in (width, height):
        if type(side) is not int or not SMALLEST <= side <= LARGEST:
            raise EngineError(
                f"picture sides must be whole numbers from {SMALLEST} to {LARGEST} pixels, got {width!r} x {height!r}"
            )
    return width, height
