"""One viewer's control conversation: requests in, replies and news out, over a data channel or the bulk socket."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from openspace_server.engines.base import EngineError
from openspace_server.instance.streaming.fan_out import FrameQueue
from openspace_server.instance.streaming.send_stats import SendStats
from openspace_server.instance.viewers.input import Steering
from openspace_server.instance.viewers.rate_limit import Budget, patience
from openspace_server.instance.viewers.requests import answer
from openspace_server.instance.viewers.uploads import Intake
from openspace_server.protocols import viewer as messages
from openspace_server.protocols.fields import ProtocolError, parse_object
from openspace_server.protocols.shared_memory import OfferedMemory
from openspace_server.protocols.signaling import Join, Role

if TYPE_CHECKING:
    from openspace_server.instance.instance import Instance

log = logging.getLogger(__name__)

MAX_REQUESTS = 32
"""Requests of one viewer under way at a time."""
ERROR_INTERVAL = 1.0
"""Seconds between error messages about input, which comes too often to answer each."""
CONTROL_RATE, CONTROL_BURST = 500.0, 1000.0
INPUT_RATE, INPUT_BURST = 300.0, 600.0
"""Messages per second, and at once. A long one counts for several."""
BYTES_PER_MESSAGE = 4096
TIMER_GRAIN = 0.002
"""Seconds by which a timer may be early."""
GRABS = 10.0
"""Frames as arrays per second for those who do not steer: each has to be drawn."""

EXPIRED = "the link that you came by has expired"
REVOKED = "the link that you came by was revoked"


class Carrier(Protocol):
    """What carries a conversation."""

    @property
    def arrays(self) -> bool:
        """Whether binary array messages may be posted."""

    @property
    def transport(self) -> str:
        """How it reaches the viewer, for people."""

    @property
    def send_stats(self) -> SendStats | None:
        """Of the frames it carries, None if it carries none."""

    @property
    def queue(self) -> FrameQueue | None:
        """The video that it carries now."""

    @property
    def round_trip(self) -> float | None:
        """Seconds to the viewer and back as the carrier itself measured them, None if it does not."""

    @property
    def busy(self) -> bool:
        """The viewer has not yet taken what was posted: news can wait."""

    def post(self, message: str | bytes) -> None:
        """Send without waiting; nothing happens if the viewer is gone. Raises ProtocolError if it is too large."""

    async def drained(self) -> None:
        """Wait until what was posted is on its way, at once if the viewer is gone."""

    def cut_off(self, reason: str) -> None:
        """Say why and end the viewer."""


class Conversation:
    """Everything the instance knows of one viewer. Ends with :meth:`close`."""

    def __init__(self, instance: Instance, join: Join, carrier: Carrier) -> None:
        self.instance = instance
        self.carrier = carrier
        self.role = join.role
        self.of_owner = join.owner
        """Somebody whom the session's owner trusts to know it, whether to steer or only to watch."""
        self.owner = join.owner and join.role is Role.CONTROLLER
        self.party, self.share = join.party, join.share
        self.origin = join.origin
        self.observer = join.observer
        self.viewer = instance.control.free_name(join.viewer or uuid.uuid4().hex[:12], join.party)
        self.watches_stats = False
        self.watches_picks = False
        self.intake = Intake(self)
        self.heard_at = time.monotonic()
        self.joined_at = self.heard_at
        self.report: messages.Report | None = None
        self.grabs = Budget(GRABS, GRABS)
        self.memory: OfferedMemory | None = None
        """What is shared with a viewer on this machine."""
        self.placed: Any = None
        """Where a tour of this viewer last put the camera."""
        self._steering = Steering()
        self._tasks: set[asyncio.Task[None]] = set()
        self._budget = Budget(CONTROL_RATE, CONTROL_BURST)
        self._input_budget = Budget(INPUT_RATE, INPUT_BURST)
        self._patience = patience()
        self._complained_at = -ERROR_INTERVAL
        self._greeted = False
        self._expiry: asyncio.TimerHandle | None = None
        if join.seconds is not None:
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(max(0.0, join.seconds), self.carrier.cut_off, EXPIRED)
        self._start(self._greet())

    @property
    def steers(self) -> bool:
        return self.instance.control.steers(self)

    async def turn(self, size: int) -> None:
        """Wait until this viewer may say ``size`` bytes on ``control``: where that slows it down, nothing is lost."""
        pause = self._budget.wait(time.monotonic(), _cost(size))
        if pause > 0:
            await asyncio.sleep(pause + TIMER_GRAIN)

    def receive(self, raw: str | bytes) -> None:
        """One control message from the viewer; a request is answered when it is done."""
        self.heard_at = time.monotonic()
        if not self._affords(self._budget, len(raw), "control"):
            if (id := _id_of(raw)) is not None:
                self._post(messages.error(id, "too many requests"))
            return
        try:
            message = messages.decode_control(raw)
            if isinstance(message, messages.Report):
                self._reported(message)
                return
            if len(self._tasks) >= MAX_REQUESTS:
                raise ProtocolError(f"more than {MAX_REQUESTS} requests at a time")
        except ProtocolError as problem:
            self._post(messages.error(_id_of(raw), str(problem)))
            return
        self._start(self._serve(message))

    def steer(self, raw: str | bytes) -> None:
        """One input message from the viewer."""
        self.heard_at = time.monotonic()
        if not self._affords(self._input_budget, len(raw), "input"):
            return
        try:
            totals = messages.InputTotals.decode(raw)
            if not self.steers:
                self._steering.motion(totals)  # what was not applied must not be caught up on later
                self._steering.release()
                raise ProtocolError(f"input: {self._refusal()}")
        except ProtocolError as problem:
            self._complain(str(problem))
            return
        motion = self._steering.motion(totals)
        if motion is not None:
            self.instance.draw_loop.move(motion, totals.seq)

    def take(self, raw: bytes) -> None:
        """One binary message from the viewer: part of an array."""
        self.intake.receive(raw)

    def let_go(self) -> None:
        """Somebody else steers now: what is held is let go of."""
        release = self._steering.release()
        if release is not None:
            self.instance.draw_loop.move(release)

    def news(self, message: str) -> bool:
        """Post something that nobody asked for; False if the viewer is not ready for it now."""
        if not self._greeted or self.carrier.busy:
            return False
        self._post(message)
        return True

    def tell(self, message: str) -> None:
        """Post something important that nobody asked for, ready or not."""
        if self._greeted:
            self._post(message)

    def want_key(self) -> None:
        """The viewer asks for a key frame."""
        if self.carrier.queue is not None:
            self.carrier.queue.key_requests.request()

    def close(self) -> None:
        """The viewer is gone: let go of the camera and forget what it still waits for."""
        self.let_go()
        if self._expiry is not None:
            self._expiry.cancel()
        self.intake.close()
        self.forget_memory()
        for task in self._tasks:
            task.cancel()

    def forget_memory(self) -> None:
        """Answers go over the socket again."""
        if self.memory is not None:
            self.memory.close()
            self.memory = None

    async def _greet(self) -> None:
        hello = await self.instance.hello()
        greeting = {"type": "hello", "role": self.role, "viewer": self.viewer, "owner": self.owner, **hello}
        greeting["steers"] = self.steers
        try:
            self._post(json.dumps(greeting))
        except ProtocolError as problem:  # a scene with thousands of targets
            log.warning("targets left out of hello: %s", problem)
            self._post(json.dumps(greeting | {"targets": []}))
        self._greeted = True

    async def _serve(self, request: messages.Request) -> None:
        try:
            result = await answer(self, request)
            if isinstance(result, Iterator):
                for message in result:
                    self._post(message)
                    await self.carrier.drained()
                return
            self._post(messages.reply(request.id, result))
        except (ProtocolError, EngineError) as problem:
            self._post(messages.error(request.id, str(problem)))
        except Exception:
            log.exception("request %s failed", request.verb)
            self._post(messages.error(request.id, f"{request.verb}: internal error, see the instance's log"))
        await self.carrier.drained()

    def _reported(self, report: messages.Report) -> None:
        self.report = report
        if self.carrier.queue is not None:
            self.instance.director.on_report(self.carrier.queue, report)

    def _refusal(self) -> str:
        return "only controllers steer" if self.role is Role.VIEWER else self.instance.control.refusal(self)

    def _affords(self, budget: Budget, size: int, what: str) -> bool:
        """Whether the viewer may say something of ``size`` bytes; one who floods on and on is cut off."""
        if budget.allows(self.heard_at, _cost(size)):
            return True
        if self._patience.allows(self.heard_at):
            self._complain(f"{what}: too many messages, some were left out")
        else:
            self.carrier.cut_off(f"too many {what} messages")
        return False

    def _complain(self, reason: str) -> None:
        """Tell what is wrong with messages that come too often to answer each."""
        if self.heard_at - self._complained_at >= ERROR_INTERVAL:
            self._complained_at = self.heard_at
            self._post(messages.error(None, reason))

    def _post(self, message: str | bytes) -> None:
        self.carrier.post(message)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _cost(size: int) -> float:
    """What a message of ``size`` bytes takes off a budget."""
    return 1.0 + size // BYTES_PER_MESSAGE


def _id_of(raw: str | bytes) -> int | None:
    """The id of a request that could not be accepted, if it has one."""
    if len(raw) > messages.MAX_CONTROL_BYTES:
        return None
    try:
        id = parse_object(raw).get("id")
    except ProtocolError:
        return None
    return id if isinstance(id, int) and not isinstance(id, bool) else None
