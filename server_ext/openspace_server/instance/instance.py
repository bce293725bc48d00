"""The instance itself: the draw loop, the picture's settings, and everybody who watches."""

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
from openspace_server.instance.viewers.metrics import stats_message
from openspace_server.instance.viewers.point_clouds import PointScene
from openspace_server.instance.viewers.steering_control import Control
from openspace_server.instance.viewers.viewer import REVOKED, Carrier, Conversation
from openspace_server.protocols.signaling import Join

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost

log = logging.getLogger(__name__)

STATE_INTERVAL = 0.1
"""Seconds between state messages at least."""
CLOCK_INTERVAL = 5.0
"""While simulation time runs, viewers are told it at least this often, in seconds."""


class Instance:
    """Lives on the event loop. ``resized(width, height)`` hears of sizes that viewers chose, ``counted(viewers)`` how
    many there are, whenever that changes."""

    def __init__(
        self,
        configuration: Configuration,
        engine: Engine,
        resized: Callable[[int, int], None],
        counted: Callable[[int], None] = lambda viewers: None,
    ) -> None:
        self.settings = StreamSettings(
            configuration.width, configuration.height, configuration.frame_rate, configuration.bit_rate
        )
        size = (configuration.width, configuration.height)
        self.draw_loop = DrawLoop(engine, size, stamped=configuration.stamp)
        self.director = Director(
            self.draw_loop, self.settings, stamped=configuration.stamp, on_frame_rate=self.tell_state
        )
        self.stills = Stills(self.draw_loop)
        self.grabs = FrameGrabs(self.draw_loop, self.stills)
        self.points = PointScene(self.draw_loop)
        self.conversations: set[Conversation] = set()
        self.control = Control(self._control_changed)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the first picture is drawn; its exception is why it never will be."""
        self.over: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        """Done when the draw thread has ended."""
        self.program: asyncio.Future[ScriptHost | None] = asyncio.get_running_loop().create_future()
        """Scripts and properties, some time after the first picture; None if the engine has no scene."""
        self._resized, self._counted = resized, counted
        self._count = 0
        self._changing_picture = asyncio.Lock()
        self._told_at = 0.0
        self._dismissed: set[str] = set()
        self._telling: asyncio.Task[None] | None = None

    # -- viewers -------------------------------------------------------------------------------------------------

    def converse(self, join: Join, carrier: Carrier) -> Conversation:
        """A viewer's control channel has opened."""
        conversation = Conversation(self, join, carrier)
        self.conversations.add(conversation)
        self.control.joined(conversation)
        self._viewers_changed()
        if join.share in self._dismissed:  # it was on its way in
            asyncio.get_running_loop().call_soon(carrier.cut_off, REVOKED)
        return conversation

    def dismiss(self, share: str) -> int:
        """Send away everybody who came by the link ``share``, now and from now on; how many there were."""
        self._dismissed.add(share)
        gone = [conversation for conversation in self.conversations if conversation.share == share]
        for conversation in gone:
            conversation.carrier.cut_off(REVOKED)
        return len(gone)

    def leave(self, conversation: Conversation) -> None:
        """A viewer is gone."""
        if conversation in self.conversations:
            self.conversations.remove(conversation)
            conversation.close()
            self.control.left(conversation)
            self._viewers_changed()

    async def find_encoder(self) -> None:
        """Change to a hardware encoder if one works here; takes its time."""
        found = await find_hardware()
        if found is not None:
            log.info("encoding with %s", found.name)
            self.draw_loop.use_codec(found)
            self.tell_state()

    @property
    def viewers(self) -> list[Conversation]:
        """Everybody who watches, in the order they came."""
        return sorted((each for each in self.conversations if not each.observer), key=lambda each: each.joined_at)

    def _viewers_changed(self) -> None:
        count = len(self.viewers)
        if count != self._count:
            self._count = count
            self._counted(count)
            self.tell_state()

    def _control_changed(self) -> None:
        told = self.control.message()
        for conversation in self.conversations:
            steers = self.control.steers(conversation)
            if not steers:
                conversation.let_go()
            conversation.tell(json.dumps({"type": "control", "steers": steers, **told}))
        self.tell_state()

    async def hello(self) -> dict[str, Any]:
        """What every viewer is told first, but for its own role and name."""
        describe, targets = await self.draw_loop.call(
            lambda engine, now: (engine.describe(), engine.targets()), fresh=True
        )
        return {
            "engine": describe,
            "targets": [{"identifier": t.identifier, "name": t.name, "kind": t.kind} for t in targets],
            "encoder": self.draw_loop.encoder_name,
            "state": self.state_message(),
        }

    # -- what viewers are told -----------------------------------------------------------------------------------

    def state_message(self) -> dict[str, Any]:
        """The state as of the last drawing or change."""
        engine = self.draw_loop.state
        assert engine is not None, "viewers come after the first picture"
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
            "viewers": self._count,
            "following": self.settings.is_following,
            "encoder": self.draw_loop.encoder_name,
            "picks": self.picks,
            **self.control.message(),
        }

    @property
    def picks(self) -> str:
        """When views shall ask which point is under the pointer: "never", at a "click", or when it rests ("hover")."""
        if not self.points.names:
            return "never"
        return "hover" if any(each.watches_picks for each in self.conversations) else "click"

    async def fresh_state(self) -> dict[str, Any]:
        """The state as of now."""
        await self.draw_loop.call(lambda engine, now: None, fresh=True)
        return self.state_message()

    def stats_message(self) -> dict[str, Any]:
        return stats_message(self)

    def tell_state(self) -> None:
        """Tell every viewer the state, soon and not too often."""
        if self._telling is None and self.conversations and not self.over.done():
            self._telling = asyncio.create_task(self._tell_state())

    async def _tell_state(self) -> None:
        await asyncio.sleep(self._told_at + STATE_INTERVAL - time.monotonic())
        # Changes from here on need another message.
        self._telling, self._told_at = None, time.monotonic()
        message = json.dumps(await self.fresh_state())
        missed = [conversation for conversation in self.conversations if not conversation.news(message)]
        if missed:
            self.tell_state()

    def tick(self) -> None:
        """To be called once a second."""
        self.director.tick()
        state = self.draw_loop.state
        running = state is not None and not state.paused and state.rate != 0
        if running and time.monotonic() - self._told_at >= CLOCK_INTERVAL - 1:
            self.tell_state()
        watching = [conversation for conversation in self.conversations if conversation.watches_stats]
        if watching:
            message = json.dumps(self.stats_message())
            for conversation in watching:
                conversation.news(message)

    # -- the picture ---------------------------------------------------------------------------------------------

    async def change_picture(
        self, change: Callable[[StreamSettings], StreamSettings], *, by_host: bool = False
    ) -> None:
        """Apply ``change`` to the settings. Raises EngineError, changing nothing, if the engine refuses the size."""
        async with self._changing_picture:
            before, wanted = self.settings, change(self.settings)
            if wanted == before:
                return
            await self.draw_loop.resize(wanted.width, wanted.height)
            self.settings = wanted
            self.director.change_settings(wanted)
        self.tell_state()
        if not by_host and (wanted.width, wanted.height) != (before.width, before.height):
            self._resized(wanted.width, wanted.height)

    # -- from the draw thread ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the engine and draw; frames go to the director."""
        self.draw_loop.start(self.director, self)

    def on_first_frame(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def on_engine_state(self, state: EngineState) -> None:
        self.tell_state()

    def on_draw_loop_closed(self, error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(error or EngineError("stopped before the first picture"))
        if not self.over.done():
            self.over.set_result(error)
