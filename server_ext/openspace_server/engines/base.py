"""The Engine contract: whatever draws. An engine knows nothing of WebRTC, viewers or sockets.

Every method is called on one thread, the instance's draw thread, so an engine needs no locks.
Wall-clock arguments named ``now`` are seconds of :func:`time.monotonic`.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np


class EngineError(Exception):
    """A request the engine refuses, or a start that failed; ``str(error)`` is meant for the user."""


class UnknownTarget(EngineError):
    """A scene name nobody has; the message lists near names."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        folded = {k.casefold(): k for k in known}
        near = [folded[n] for n in difflib.get_close_matches(name.casefold(), list(folded), n=4, cutoff=0.5)]
        hint = f"did you mean {' or '.join(near)}?" if near else f"known targets: {', '.join(known)}"
        super().__init__(f"unknown target {name!r}: {hint}")


@dataclass(frozen=True)
class Frame:
    """One drawn picture.

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
class Motion:
    """Camera motion to apply now: axis differences in the units of ``protocols.viewer.AXES``.

    ``held`` tells whether the user still holds on; when it turns False the camera may coast and come to rest.
    """

    axes: dict[str, float] = field(default_factory=dict)
    held: bool = False


@dataclass(frozen=True)
class Target:
    """Something to fly to. ``radius`` in metres; ``kind`` such as "star", "planet", "moon"."""

    identifier: str
    name: str
    kind: str
    radius: float


class Engine(ABC):
    """What an instance needs from whatever draws."""

    name: ClassVar[str]

    @abstractmethod
    def open(self, width: int, height: int) -> None:
        """Create the picture of ``width`` x ``height`` pixels. Raises EngineError with what to do."""

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
        """Advance camera and simulation to ``now`` and draw."""

    @abstractmethod
    def next_change(self, now: float) -> float:
        """Seconds from ``now`` until a new picture would differ visibly from the last one drawn.

        0 while the camera moves; the time a body needs to move by about a pixel otherwise (never more than 1 s while
        simulation time runs); infinity while nothing will change by itself.
        """

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
        """Place the camera as ``camera()`` told. Raises EngineError, UnknownTarget."""
