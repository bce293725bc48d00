"""Stand-ins for the parts around a viewer, without processes and sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openspace_server.engines.base import Engine
from openspace_server.instance.drawing.draw_loop import EngineState
from openspace_server.instance.streaming.fan_out import FrameQueue
from openspace_server.instance.streaming.send_stats import SendStats, SendTotals
from openspace_server.instance.streaming.stats import DrawStats
from openspace_server.instance.streaming.stream_settings import StreamSettings
from openspace_server.instance.viewers.point_clouds import PointClouds
from openspace_server.instance.viewers.steering_control import SteeringControl
from openspace_server.instance.viewers.viewer import Viewer
from openspace_server.protocols.signaling import Join, Role
from tests.instance.engines import MovingEngine


class FakeTransport:
    """Keeps what is sent."""

    def __init__(self, *, carries_arrays: bool = False) -> None:
        self.carries_arrays = carries_arrays
        self.transport_name = "fake"
        self.frame_queue: FrameQueue | None = None
        self.send_stats: SendStats | None = None
        self.round_trip: float | None = None
        self.is_busy = False
        self.sent: list[Any] = []
        self.disconnected: str | None = None

    def send(self, message: str | bytes) -> None:
        self.sent.append(json.loads(message) if isinstance(message, str) else message)

    async def wait_sent(self) -> None:
        return

    def disconnect(self, reason: str) -> None:
        self.disconnected = reason


class FakeDrawLoop:
    """Calls the engine at once."""

    encoder_name = "none"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.stats = DrawStats()
        self.state: EngineState | None = None
        self.moved: list[tuple[Any, int | None]] = []

    async def call(self, command: Any, *, fresh: bool = False, changes: bool = False) -> Any:
        return command(self.engine, 0.0)

    async def fly(self, start: Any, duration: float) -> bool:
        start(self.engine, 0.0)
        return True

    def move(self, motion: Any, input_seq: int | None = None) -> None:
        self.moved.append((motion, input_seq))


class FakeDirector:
    def __init__(self) -> None:
        self.layers: dict[int, Any] = {}
        self.send_totals = SendTotals()
        self.reports: list[Any] = []

    def on_report(self, queue: FrameQueue, report: Any) -> None:
        self.reports.append(report)


class FakeInstance:
    """What requests need of an instance, with an engine that is called at once."""

    def __init__(self) -> None:
        engine = MovingEngine()
        engine.open(64, 64)
        self.draw_loop: Any = FakeDrawLoop(engine)
        self.director: Any = FakeDirector()
        self.frame_grabs: Any = None
        self.stills: Any = None
        self.points = PointClouds(self.draw_loop)
        self.steering = SteeringControl(lambda: None)
        self.settings = StreamSettings(1280, 720)
        self.script_host: Any = None
        self.attached: list[Viewer] = []
        self.dismissed: list[str] = []
        self.announced = 0

    def attach(self, role: Role = Role.CONTROLLER, *, transport: FakeTransport | None = None, **join: Any) -> Viewer:
        viewer = Viewer(Join("s", role, "test", **join), transport or FakeTransport(), self.steering)
        self.attached.append(viewer)
        self.steering.add(viewer)
        return viewer

    @property
    def viewers(self) -> list[Viewer]:
        return [viewer for viewer in self.attached if not viewer.is_observer]

    async def hello(self) -> dict[str, Any]:
        return {"targets": []}

    def state_message(self) -> dict[str, Any]:
        engine = self.draw_loop.engine
        return {"type": "state", "focus": engine.focus, "paused": engine.paused, "width": self.settings.width}

    async def fresh_state(self) -> dict[str, Any]:
        return self.state_message()

    def announce_state(self) -> None:
        self.announced += 1

    async def change_settings(self, change: Any) -> None:
        self.settings = change(self.settings)

    def dismiss(self, share: str) -> int:
        self.dismissed.append(share)
        return 3


async def settled() -> None:
    """Everything that was started and needs no waiting is done."""
    for _ in range(10):
        await asyncio.sleep(0)
