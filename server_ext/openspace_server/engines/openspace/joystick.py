"""Dragging as OpenSpace's virtual joystick understands it.

``flightcontroller`` sets velocities that last until it is told others, so a lost zero would leave the camera drifting
for ever. Here a push lasts no longer than :data:`PUSH` without further motion, and letting go zeroes at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from openspace_server.engines.openspace.dialect import joystick_connect, joystick_state
from openspace_server.engines.openspace.link import ApiLink, LinkLost

PUSH = 0.1
"""Seconds that a motion is spread over, and that a push lasts."""
SPEEDS: Mapping[str, tuple[str, float]] = {
    "orbitX": ("orbitX", -0.6),
    "orbitY": ("orbitY", -0.6),
    "zoom": ("zoomIn", 1.2),
    "roll": ("localRollX", 0.8),
    "lookX": ("panX", -0.6),
    "lookY": ("panY", -0.6),
}
"""Axis of ours → axis of the joystick, and how much of ours it makes per second at full push."""


class Joystick:
    """Sends from a thread of its own, so that nobody waits for OpenSpace to read."""

    def __init__(self, link: ApiLink) -> None:
        self._link = link
        self._topic = link.start("flightcontroller", joystick_connect(link.dialect), lambda payload: None)
        self._wake = threading.Condition()
        self._moved: list[tuple[float, Mapping[str, float]]] = []
        self._let_go = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="joystick", daemon=True)
        self._thread.start()

    def move(self, axes: Mapping[str, float], held: bool) -> None:
        """Motion in the units of ``protocols.viewer.AXES``; without motion, letting go if not ``held``."""
        with self._wake:
            if axes:
                self._moved.append((time.monotonic(), axes))
            elif not held:
                self._let_go = True
            self._wake.notify()

    def close(self) -> None:
        """Let go, and end."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(1.0)

    def _run(self) -> None:
        sent: dict[str, float] = {}
        try:
            while not self._closed:
                with self._wake:
                    self._wake.wait(self._rest())
                    state = self._state(time.monotonic())
                if state != sent:
                    self._send(state)
                    sent = state
            if sent:
                self._send({})
        except LinkLost:
            pass  # OpenSpace has let go by itself, and the engine will say that it is gone

    def _rest(self) -> float | None:
        """Seconds until the oldest push ends; None while there is none."""
        if self._let_go or self._closed:
            return 0.0
        return max(0.0, self._moved[0][0] + PUSH - time.monotonic()) if self._moved else None

    def _state(self, now: float) -> dict[str, float]:
        """The pushes of the last moments, added up."""
        if self._let_go:
            self._moved, self._let_go = [], False
        self._moved = [(at, axes) for at, axes in self._moved if at + PUSH > now]
        state: dict[str, float] = {}
        for _, axes in self._moved:
            for axis, amount in axes.items():
                name, speed = SPEEDS[axis]
                state[name] = state.get(name, 0.0) + amount / (speed * PUSH)
        return {name: max(-1.0, min(1.0, value)) for name, value in state.items() if value}

    def _send(self, state: dict[str, float]) -> None:
        zeros = dict.fromkeys((name for name, _ in SPEEDS.values()), 0.0)
        self._link.talk(self._topic, joystick_state(self._link.dialect, zeros | state))
