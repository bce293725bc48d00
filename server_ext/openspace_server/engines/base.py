"""The engine contract: what an instance needs of a renderer.

An engine knows nothing of WebRTC, viewers or sockets.

Every method is called on one thread, the instance's draw thread, so an engine needs no locks.
Wall-clock arguments named ``now`` are seconds of :func:`time.monotonic`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import numpy as np

from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.frame_request import FrameRequest
from openspace_server.protocols.suggestions import did_you_mean, near


class EngineError(Exception):
    """A request the engine refuses, or a start that failed; ``str(error)`` is meant for the user."""


class UnknownTarget(EngineError):
    """A name that is not in the scene; the message lists near names."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        hint = did_you_mean(near(name, known, count=4), f"known targets: {', '.join(known)}")
        super().__init__(f"unknown target {name!r}: {hint}")


@dataclass(frozen=True)
class Frame:
    """One drawn frame.

    Attributes:
        id: counts drawn frames from 1.
        pixels: uint8 ``(height, width, 4)``, BGRA, top row first, C-contiguous; never written again by the engine.
        time: simulation time, ISO 8601 UTC.
        camera: navigation state (see :meth:`Engine.camera`).
    """

    id: int
    pixels: np.ndarray
    time: str
    camera: dict[str, Any]


@dataclass(frozen=True)
class Still(Frame):
    """A frame made on request next to the live view (:meth:`Engine.still`); its ``id`` is 0.

    Attributes:
        depth: float64 ``(height, width)``: metres from the camera to the body that the middle of the pixel shows,
            along the sight line; infinity where it shows none. None unless asked for.
        ids: uint16 ``(height, width)``: 1 + the index in ``bodies`` of the body that the middle of the pixel shows,
            0 for none. A body too small for that has the one pixel it is in. None unless asked for.
        bodies: what ``ids`` counts, identifiers; empty unless asked for.

    Depth and ids know solid bodies only: stars, points, rings, air, trails and names have none.
    """

    depth: np.ndarray | None = None
    ids: np.ndarray | None = None
    bodies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Motion:
    """Camera motion to apply now: axis differences in the units of ``protocols.viewer.AXES``.

    ``is_held`` says whether the user still drags; when it turns False the camera may coast and come to rest.
    """

    axes: dict[str, float] = field(default_factory=dict)
    is_held: bool = False


@dataclass(frozen=True)
class Target:
    """A target of flights. ``radius`` in metres; ``kind`` such as "star", "planet", "moon"."""

    identifier: str
    name: str
    kind: str
    radius: float


@dataclass(frozen=True)
class EngineContext:
    """What an engine that runs a program of its own needs of its instance.

    Attributes:
        slot: the instance's number on its host.
        api_port, api_tcp_port: where that program's OpenSpace API should listen, over WebSocket and over TCP; 0 for
            free ports.
        frame_rate: how often per second to look for a new frame where nothing announces one.
        on_changed: to be called, from any thread, when the view or the state has changed by itself and
            :meth:`Engine.next_change` did not foresee it.
        on_progress: to be called, from any thread, with the progress of a start that takes long; it extends the
            time that the start may take.
        is_ending: whether the instance is about to end, so that :meth:`Engine.open` should give up.
    """

    slot: int = 0
    api_port: int = 0
    api_tcp_port: int = 0
    frame_rate: int = 30
    on_changed: Callable[[], None] = lambda: None
    on_progress: Callable[[str], None] = lambda text: None
    is_ending: Callable[[], bool] = lambda: False


class Engine(ABC):
    """What draws in an instance."""

    name: ClassVar[str]

    def attach(self, context: EngineContext) -> None:  # noqa: B027 -- most engines need none
        """Called once, before :meth:`open`. For engines that run a program of their own."""

    @property
    def api_port(self) -> int | None:
        """Where a program of the engine's own serves the OpenSpace API on this machine; None if none does."""
        return None

    @abstractmethod
    def open(self, width: int, height: int) -> None:
        """Prepare to draw frames of ``width`` x ``height`` pixels. Raises EngineError with what to do."""

    @abstractmethod
    def close(self) -> None:
        """Free everything; safe to call twice and after a failed open."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What draws, for people: at least ``{"engine", "renderer", "gpu": bool}``."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None:
        """From the next draw on, frames have this size."""

    @abstractmethod
    def draw(self, now: float) -> Frame:
        """Advance camera and simulation to ``now`` and draw. The previous frame itself may be returned if nothing in
        the view has changed."""

    def still(self, now: float, size: tuple[int, int] | None = None, **options: Any) -> Still:
        """A frame made next to the live view, whose time, camera, flights and size do not change.

        The same time, camera, size, antialias and scene give the same pixels, byte for byte, whatever was drawn
        before. Everything that was added to the scene is in it.

        Args:
            size, options: as in :class:`~openspace_server.protocols.frame_request.FrameRequest`, the default of
                ``antialias`` being 4.

        Raises EngineError for an invalid request, and from engines that have no such stills; UnknownTarget.
        """
        try:
            request = FrameRequest(size, **options)
        except ProtocolError as problem:
            raise EngineError(str(problem)) from None
        parts = self.still_in_parts(now, request)
        while True:
            try:
                next(parts)
            except StopIteration as done:
                return cast(Still, done.value)

    def still_in_parts(self, now: float, request: FrameRequest) -> Generator[None, None, Still]:
        """As :meth:`still`, in parts that take about as long as one live frame, so that :meth:`draw` and everything
        else may be called in between: a generator that returns the still. The call itself raises what is wrong with
        the request; ``close()`` cancels the still."""
        raise EngineError(f"the {self.name} engine draws no stills of its own: grab a frame of the live view instead")

    def end_stills(self) -> None:  # noqa: B027 -- most engines make them next to the live view
        """No still is waited for any more: the engine restores what it changed for stills. Raises EngineError."""

    @abstractmethod
    def next_change(self, now: float) -> float:
        """Seconds from ``now`` until a new frame would differ visibly from the last one drawn.

        0 while the camera moves; the time a body needs to move by about a pixel otherwise (never more than 1 s while
        simulation time runs); infinity while nothing will change by itself.
        """

    def on_change(self, callback: Callable[[], None]) -> None:  # noqa: B027 (not every engine has such changes)
        """From now on ``callback`` is called, on any thread, when something is ready that only drawing will show, such
        as points that were prepared on another thread: :meth:`next_change` is 0 then."""

    @abstractmethod
    def move(self, motion: Motion, now: float) -> None:
        """Apply input to the camera. Ends a flight that is under way."""

    @abstractmethod
    def targets(self) -> list[Target]:
        """Everything ``fly_to`` and ``set_focus`` accept."""

    @property
    @abstractmethod
    def focus(self) -> str:
        """Identifier of the body the camera orbits."""

    @abstractmethod
    def set_focus(self, target: str) -> None:
        """Orbit ``target`` from where the camera is, turning to it. Raises UnknownTarget."""

    @abstractmethod
    def fly_to(self, target: str, duration: float, distance: float | None, now: float) -> None:
        """Start a flight of ``duration`` seconds to ``distance`` metres from the target's centre.

        ``None`` chooses a distance that shows the target well; duration 0 jumps. Raises UnknownTarget, EngineError.
        """

    @property
    @abstractmethod
    def flying(self) -> bool:
        """True while a flight is under way."""

    @abstractmethod
    def home(self, now: float) -> None:
        """Fly back to the first view."""

    @property
    @abstractmethod
    def time(self) -> str:
        """Simulation time as of the last draw or change: ISO 8601 UTC such as ``2026-08-12T17:45:00.000Z``."""

    @abstractmethod
    def set_time(self, time: str, now: float) -> None:
        """Jump to an ISO 8601 time (UTC unless it says otherwise). Raises EngineError."""

    @property
    @abstractmethod
    def rate(self) -> float:
        """Simulated seconds per second."""

    @abstractmethod
    def set_rate(self, rate: float, now: float) -> None:
        """Any finite rate, negative runs backwards. Raises EngineError."""

    @property
    @abstractmethod
    def paused(self) -> bool: ...

    @abstractmethod
    def set_paused(self, paused: bool, now: float) -> None: ...

    @abstractmethod
    def camera(self) -> dict[str, Any]:
        """The navigation state: ``{"Anchor", "Position": [x, y, z] metres from the anchor, "Up": [x, y, z], "Aim"?,
        "ReferenceFrame", "Timestamp"}``, in the axes of ``ReferenceFrame`` (default: the anchor's inertial frame)."""

    @abstractmethod
    def set_camera(self, state: dict[str, Any], now: float) -> None:
        """Set the camera to a state as :meth:`camera` returns it. Raises EngineError, UnknownTarget."""

    def set_view(self, camera: dict[str, Any], time: str | None, mark: Any, now: float) -> Any:
        """Set camera and time together, as one step of many.

        Args:
            camera, time: as for :meth:`set_camera` and :meth:`set_time`; None keeps the time.
            mark: what the previous step returned; None for a first step.

        Returns a mark for the next step; None, with nothing done, if something else has moved the camera since the
        previous step. Raises EngineError, UnknownTarget.
        """
        if mark is not None and (self.flying or _without_time(self.camera()) != mark):
            return None
        if time is not None:
            self.set_time(time, now)
        self.set_camera(camera, now)
        return _without_time(self.camera())

    # -- the sky ---------------------------------------------------------------------------------------------------

    def body_positions_in_parts(
        self, targets: Sequence[str], times: Sequence[str]
    ) -> Generator[None, None, tuple[np.ndarray, np.ndarray]]:
        """Positions and rotations of ``targets`` at ``times`` (ISO 8601) in OpenSpace's world axes; in parts, as
        :meth:`still_in_parts`.

        Returns float64 ``(times, targets, 3)``, metres from the Sun, and ``(times, targets, 3, 3)``, rotation matrices
        from body-fixed axes. Raises UnknownTarget, EngineError.
        """
        raise EngineError(f"the {self.name} engine does not tell where bodies are")


def _without_time(camera: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in camera.items() if name != "Timestamp"}
