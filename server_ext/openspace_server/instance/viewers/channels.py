"""The channels of one viewer: requests and reports on ``control``, motion on ``input``, arrays on ``bulk``."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Coroutine
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.instance.viewers.array_reply import ArrayReply
from openspace_server.instance.viewers.instance_access import InstanceAccess
from openspace_server.instance.viewers.rate_limit import RateLimit, flood_limit
from openspace_server.instance.viewers.requests import answer
from openspace_server.instance.viewers.uploads import Uploads
from openspace_server.instance.viewers.viewer import Viewer
from openspace_server.protocols import viewer as messages
from openspace_server.protocols.fields import ProtocolError, parse_object
from openspace_server.protocols.signaling import Role

log = logging.getLogger(__name__)

MAX_REQUESTS = 32
"""Requests of one viewer in progress at a time."""
ERROR_INTERVAL = 1.0
"""Seconds between error messages about input, which comes too often to answer each."""
CONTROL_RATE, CONTROL_BURST = 500.0, 1000.0
INPUT_RATE, INPUT_BURST = 300.0, 600.0
"""Messages per second, and at once. A long one counts for several."""
BYTES_PER_MESSAGE = 4096
TIMER_GRAIN = 0.002
"""Seconds by which a timer may be early."""

EXPIRED = "the link that you came by has expired"


class ViewerChannels:
    """Receives the messages of one viewer. Ends with :meth:`close`."""

    def __init__(self, instance: InstanceAccess, viewer: Viewer, seconds: float | None = None) -> None:
        """``seconds``: the viewer is disconnected after so many."""
        self.viewer = viewer
        self._instance = instance
        self._uploads = Uploads(viewer, instance.points)
        self._control_limit = RateLimit(CONTROL_RATE, CONTROL_BURST)
        self._input_limit = RateLimit(INPUT_RATE, INPUT_BURST)
        self._flood_limit = flood_limit()
        self._error_at = -ERROR_INTERVAL
        self._is_closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._expiry: asyncio.TimerHandle | None = None
        if seconds is not None:
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(max(0.0, seconds), viewer.transport.disconnect, EXPIRED)
        self._start(self._greet())

    async def wait_turn(self, size: int) -> None:
        """Wait until the rate limit of ``control`` allows ``size`` bytes, which slows the viewer and loses nothing."""
        pause = self._control_limit.wait(time.monotonic(), _cost(size))
        if pause > 0:
            await asyncio.sleep(pause + TIMER_GRAIN)

    def on_control(self, raw: str | bytes) -> None:
        """Handle one message on ``control``; a request is answered when it is done."""
        if self._is_closed:
            return  # disconnected while it waited for its turn
        self._see()
        if not self._is_allowed(self._control_limit, len(raw), "control"):
            if (id := _id_of(raw)) is not None:
                self.viewer.send(messages.error(id, "too many requests"))
            return
        try:
            message = messages.decode_control(raw)
            if isinstance(message, messages.Report):
                self._on_report(message)
                return
            if len(self._tasks) >= MAX_REQUESTS:
                raise ProtocolError(f"more than {MAX_REQUESTS} requests at a time")
        except ProtocolError as problem:
            self.viewer.send(messages.error(_id_of(raw), str(problem)))
            return
        self._start(self._answer(message))

    def on_input(self, raw: str | bytes) -> None:
        """Handle one message on ``input``."""
        self._see()
        if not self._is_allowed(self._input_limit, len(raw), "input"):
            return
        viewer = self.viewer
        try:
            totals = messages.InputTotals.decode(raw)
            if not viewer.is_steering:
                viewer.input.motion(totals)  # what was refused must not be applied later
                viewer.input.release()
                raise ProtocolError(f"input: {self._input_refusal()}")
        except ProtocolError as problem:
            self._send_error(str(problem))
            return
        motion = viewer.input.motion(totals)
        if motion is not None:
            self._instance.draw_loop.move(motion, totals.seq)

    def on_bulk(self, raw: bytes) -> None:
        """Handle one binary message: a part of an array."""
        self._see()
        self._uploads.receive(raw)

    def release_input(self) -> None:
        """Release what the viewer still holds."""
        release = self.viewer.input.release()
        if release is not None:
            self._instance.draw_loop.move(release)

    def close(self) -> None:
        """The viewer is gone: release the camera and cancel its requests."""
        self._is_closed = True
        self.release_input()
        if self._expiry is not None:
            self._expiry.cancel()
        self._uploads.close()
        self.viewer.forget_memory()
        for task in self._tasks:
            task.cancel()

    async def _greet(self) -> None:
        hello = await self._instance.hello()
        viewer = self.viewer
        greeting = {"type": "hello", "role": viewer.role, "viewer": viewer.name, "owner": viewer.is_owner, **hello}
        greeting["steers"] = viewer.is_steering
        try:
            viewer.send(json.dumps(greeting))
        except ProtocolError as problem:  # a scene with thousands of targets
            log.warning("targets left out of hello: %s", problem)
            viewer.send(json.dumps(greeting | {"targets": []}))
        viewer.is_greeted = True

    async def _answer(self, request: messages.Request) -> None:
        viewer, transport = self.viewer, self.viewer.transport
        try:
            result = await answer(self._instance, viewer, request)
            if isinstance(result, ArrayReply):
                for message in result.messages(request.id):
                    transport.send(message)
                    await transport.wait_sent()
                return
            transport.send(messages.reply(request.id, result))
        except (ProtocolError, EngineError) as problem:
            transport.send(messages.error(request.id, str(problem)))
        except Exception:
            log.exception("request %s failed", request.verb)
            transport.send(messages.error(request.id, f"{request.verb}: internal error, see the instance's log"))
        await transport.wait_sent()

    def _on_report(self, report: messages.Report) -> None:
        self.viewer.report = report
        if self.viewer.transport.frame_queue is not None:
            self._instance.director.on_report(self.viewer.transport.frame_queue, report)

    def _input_refusal(self) -> str:
        return "only controllers steer" if self.viewer.role is Role.SPECTATOR else self.viewer.refusal()

    def _see(self) -> None:
        self.viewer.last_seen = time.monotonic()

    def _is_allowed(self, limit: RateLimit, size: int, channel: str) -> bool:
        """Whether a message of ``size`` bytes is allowed; a viewer that keeps flooding is disconnected."""
        now = self.viewer.last_seen
        if limit.allows(now, _cost(size)):
            return True
        if self._flood_limit.allows(now):
            self._send_error(f"{channel}: too many messages, some were ignored")
        else:
            self.viewer.transport.disconnect(f"too many {channel} messages")
        return False

    def _send_error(self, reason: str) -> None:
        """Send what is wrong with messages that come too often to answer each."""
        if self.viewer.last_seen - self._error_at >= ERROR_INTERVAL:
            self._error_at = self.viewer.last_seen
            self.viewer.send(messages.error(None, reason))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _cost(size: int) -> float:
    """How many messages one of ``size`` bytes counts for."""
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
