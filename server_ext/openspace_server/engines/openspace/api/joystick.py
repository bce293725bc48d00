"""The virtual joystick of OpenSpace, driven by drag input.

``flightcontroller`` sets velocities that last until the next message, so a lost zero would leave the camera drifting
for ever. Here a push lasts no longer than :data:`PUSH` without further motion, and a release zeroes at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from openspace_server.engines.openspace.api.client import ApiClient, ConnectionLost
from openspace_server.engines.openspace.api.dialect import joystick_connect, joystick_state

PUSH = 0.1
"""Seconds that a motion is spread over, and that a push lasts."""
SLOWEST_FRAME = 2.0
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
    """Sends from a thread of its own, so that callers do not wait for OpenSpace to read."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._topic = client.start("flightcontroller", joystick_connect(client.dialect), lambda payload: None)
        self._wake = threading.Condition()
        self._new: list[Mapping[str, float]] = []
        self._pushes: list[tuple[float, Mapping[str, float]]] = []  # until when
        self._released = False
        self._closed = False
        self._read = threading.Event()
        """OpenSpace has read the last state. It reads once per frame: a push and its end in one frame would cancel."""
        self._read.set()
        self._thread = threading.Thread(target=self._run, name="joystick", daemon=True)
        self._thread.start()

    def move(self, axes: Mapping[str, float], is_held: bool) -> None:
        """Motion in the units of ``protocols.viewer.AXES``; without motion, a release if not ``is_held``."""
        with self._wake:
            if axes:
                self._new.append(axes)
            elif not is_held:
                self._released = True
            self._wake.notify()

    def close(self) -> None:
        """Release the joystick and end the thread."""
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
                self._read.wait(SLOWEST_FRAME)
                with self._wake:
                    state = self._state(time.monotonic())
                if state != sent:
                    self._send(state)
                    sent = state
            if sent:
                self._send({})
        except ConnectionLost:
            pass  # OpenSpace has released it by itself, and the engine will report that it is gone

    def _rest(self) -> float | None:
        """Seconds until the oldest push ends; None while there is none."""
        if self._new or self._released or self._closed:
            return 0.0
        return max(0.0, self._pushes[0][0] - time.monotonic()) if self._pushes else None

    def _state(self, now: float) -> dict[str, float]:
        """The pushes of the last moments, added up. A new one lasts from now on, however late this thread is."""
        if self._released:
            self._pushes, self._released = [], False
        self._pushes = [(end, axes) for end, axes in self._pushes if end > now]
        self._pushes += [(now + PUSH, axes) for axes in self._new]
        self._new = []
        state: dict[str, float] = {}
        for _, axes in self._pushes:
            for axis, amount in axes.items():
                name, speed = SPEEDS[axis]
                state[name] = state.get(name, 0.0) + amount / (speed * PUSH)
        return {name: max(-1.0, min(1.0, value)) for name, value in state.items() if value}

    def _send(self, state: dict[str, float]) -> None:
        zeros = dict.fromkeys((name for name, _ in SPEEDS.values()), 0.0)
        self._read.clear()
        self._client.send_to(self._topic, joystick_state(self._client.dialect, zeros | state))
        self._client.request("version", {}, lambda answer: self._read.set())
