"""The instance: the draw loop, the stream settings, and all attached viewers."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import Engine, EngineError
from openspace_server.instance.drawing.draw_loop import DrawLoop, EngineState
from openspace_server.instance.drawing.frame_grabs import FrameGrabs
from openspace_server.instance.drawing.stills import Stills
from openspace_server.instance.process.host_pipe import Configuration
from openspace_server.instance.streaming.director import Director
from openspace_server.instance.streaming.hardware_encoder import find_hardware
from openspace_server.instance.streaming.stream_settings import StreamSettings
from openspace_server.instance.viewers.channels import ViewerChannels
from openspace_server.instance.viewers.metrics import stats_message
from openspace_server.instance.viewers.point_clouds import PointClouds
from openspace_server.instance.viewers.steering_control import SteeringControl
from openspace_server.instance.viewers.transport import Transport
from openspace_server.instance.viewers.viewer import Viewer
from openspace_server.protocols.signaling import Join

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost

log = logging.getLogger(__name__)

STATE_INTERVAL = 0.1
"""Seconds between state messages at least."""
CLOCK_INTERVAL = 5.0
"""While simulation time runs, it is sent to viewers at least this often, in seconds."""

REVOKED = "the link that you came by was revoked"


class Instance:
    """Lives on the event loop.

    ``on_resize(width, height)`` is called for sizes that viewers chose, ``on_viewers(count)`` when the number of
    viewers changes.
    """

    def __init__(
        self,
        configuration: Configuration,
        engine: Engine,
        on_resize: Callable[[int, int], None],
        on_viewers: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.settings = StreamSettings(
            configuration.width, configuration.height, configuration.frame_rate, configuration.bit_rate
        )
        size = (configuration.width, configuration.height)
        self.draw_loop = DrawLoop(engine, size, stamped=configuration.stamp)
        self.director = Director(
            self.draw_loop, self.settings, stamped=configuration.stamp, on_frame_rate=self.announce_state
        )
        self.stills = Stills(self.draw_loop)
        self.frame_grabs = FrameGrabs(self.draw_loop, self.stills)
        self.points = PointClouds(self.draw_loop)
        self.steering = SteeringControl(self._on_steering_change)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the first frame is drawn; its exception is why it never will be."""
        self.closed: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        """Done when the draw thread has ended."""
        self.script_host: asyncio.Future[ScriptHost | None] = asyncio.get_running_loop().create_future()
        """Scripts and properties, some time after the first frame; None if the engine has no scene."""
        self._on_resize, self._on_viewers = on_resize, on_viewers
        self._channels: dict[Viewer, ViewerChannels] = {}
        self._viewer_count = 0
        self._changing_settings = asyncio.Lock()
        self._announced_at = 0.0
        self._announcing: asyncio.Task[None] | None = None
        self._dismissed: set[str] = set()

    def start(self) -> None:
        """Open the engine and draw; frames go to the director."""
        self.draw_loop.start(self.director, self)

    async def find_encoder(self) -> None:
        """Change to a hardware encoder if one works here; takes seconds."""
        found = await find_hardware()
        if found is not None:
            log.info("encoding with %s", found.name)
            self.draw_loop.use_codec(found)
            self.announce_state()

    # -- viewers -------------------------------------------------------------------------------------------------

    def attach(self, join: Join, transport: Transport) -> ViewerChannels:
        """The control channel of a viewer has opened."""
        viewer = Viewer(join, transport, self.steering)
        channels = self._channels[viewer] = ViewerChannels(self, viewer, join.seconds)
        self.steering.add(viewer)
        self._count_viewers()
        if join.share in self._dismissed:  # revoked while it connected
            asyncio.get_running_loop().call_soon(transport.disconnect, REVOKED)
        return channels

    def detach(self, viewer: Viewer) -> None:
        """A viewer is gone. Safe to repeat."""
        channels = self._channels.pop(viewer, None)
        if channels is not None:
            channels.close()
            self.steering.remove(viewer)
            self._count_viewers()

    def dismiss(self, share: str) -> int:
        """Disconnect the guests of the link ``share``, now and from now on; the number of them."""
        self._dismissed.add(share)
        guests = [viewer for viewer in self.attached if viewer.share == share]
        for viewer in guests:
            viewer.transport.disconnect(REVOKED)
        return len(guests)

    @property
    def attached(self) -> list[Viewer]:
        """All viewers, the orchestrator's included, in the order they came."""
        return list(self._channels)

    @property
    def viewers(self) -> list[Viewer]:
        """The viewers that watch, in the order they came."""
        return [viewer for viewer in self._channels if not viewer.is_observer]

    def _count_viewers(self) -> None:
        count = len(self.viewers)
        if count != self._viewer_count:
            self._viewer_count = count
            self._on_viewers(count)
            self.announce_state()

    def _on_steering_change(self) -> None:
        message = self.steering.message()
        for viewer, channels in list(self._channels.items()):
            if not viewer.is_steering:
                channels.release_input()
            viewer.announce(json.dumps({"type": "control", "steers": viewer.is_steering, **message}))
        self.announce_state()

    # -- messages to viewers -------------------------------------------------------------------------------------

    async def hello(self) -> dict[str, Any]:
        """The fields of ``hello`` that are the same for all viewers."""
        describe, targets = await self.draw_loop.call(
            lambda engine, now: (engine.describe(), engine.targets()), fresh=True
        )
        return {
            "engine": describe,
            "targets": [{"identifier": t.identifier, "name": t.name, "kind": t.kind} for t in targets],
            "encoder": self.draw_loop.encoder_name,
            "state": self.state_message(),
        }

    def state_message(self) -> dict[str, Any]:
        """The state as of the last drawing or change."""
        engine = self.draw_loop.state
        assert engine is not None, "viewers are attached after the first frame"
        return {
            "type": "state",
            "time": engine.time,
            "rate": engine.rate,
            "paused": engine.paused,
            "focus": engine.focus,
            "flying": engine.flying,
            "width": self.settings.width,
            "height": self.settings.height,
            "frame_rate": self.director.frame_rate,
            "chosen_frame_rate": self.settings.chosen_frame_rate,
            "bit_rate": self.settings.bit_rate,
            "viewers": self._viewer_count,
            "following": self.settings.is_following,
            "encoder": self.draw_loop.encoder_name,
            "picks": self.picks,
            **self.steering.message(),
        }

    @property
    def picks(self) -> str:
        """When views are to pick the point under the pointer: "never", at a "click", or when it rests ("hover")."""
        if not self.points.names:
            return "never"
        return "hover" if any(viewer.watches_picks for viewer in self._channels) else "click"

    async def fresh_state(self) -> dict[str, Any]:
        """The state as of now."""
        await self.draw_loop.call(lambda engine, now: None, fresh=True)
        return self.state_message()

    def announce_state(self) -> None:
        """Send the state to all viewers, soon and not too often."""
        if self._announcing is None and self._channels and not self.closed.done():
            self._announcing = asyncio.create_task(self._announce_state())

    async def _announce_state(self) -> None:
        await asyncio.sleep(self._announced_at + STATE_INTERVAL - time.monotonic())
        # Changes from here on need another message.
        self._announcing, self._announced_at = None, time.monotonic()
        message = json.dumps(await self.fresh_state())
        missed = [viewer for viewer in self.attached if not viewer.notify(message)]
        if missed:
            self.announce_state()

    def tick(self) -> None:
        """To be called once a second."""
        self.director.tick()
        state = self.draw_loop.state
        is_running = state is not None and not state.paused and state.rate != 0
        if is_running and time.monotonic() - self._announced_at >= CLOCK_INTERVAL - 1:
            self.announce_state()
        watching = [viewer for viewer in self._channels if viewer.watches_stats]
        if watching:
            message = json.dumps(stats_message(self))
            for viewer in watching:
                viewer.notify(message)

    # -- the stream ----------------------------------------------------------------------------------------------

    async def change_settings(
        self, change: Callable[[StreamSettings], StreamSettings], *, by_host: bool = False
    ) -> None:
        """Apply ``change`` to the settings. Raises EngineError, changing nothing, if the engine refuses the size."""
        async with self._changing_settings:
            before, settings = self.settings, change(self.settings)
            if settings == before:
                return
            await self.draw_loop.resize(settings.width, settings.height)
            self.settings = settings
            self.director.change_settings(settings)
        self.announce_state()
        if not by_host and (settings.width, settings.height) != (before.width, before.height):
            self._on_resize(settings.width, settings.height)

    # -- from the draw thread ------------------------------------------------------------------------------------

    def on_first_frame(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def on_engine_state(self, state: EngineState) -> None:
        self.announce_state()

    def on_draw_loop_closed(self, error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(error or EngineError("stopped before the first frame"))
        if not self.closed.done():
            self.closed.set_result(error)
