"""The supervisor: the five published commands over a WebSocket, any number of them per connection."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from openspace_server.protocols import credentials
from openspace_server.protocols import supervisor as protocol
from openspace_server.protocols.supervisor import Command, CommandError, InstanceState, reply
from openspace_server.render_host.access import refuse_browsers, require_secret
from openspace_server.render_host.settings import HostSettings
from openspace_server.render_host.slots import Assignment, Slot, Slots
from openspace_server.sockets.tuning import tune

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 64 * 1024
MAX_CONNECTIONS = 256
REMEMBERED_STARTS = 1024
STALE_FENCE = protocol.STALE_FENCE
NOT_TAKING_COMMANDS = "instance takes no commands"

Reply = dict[str, Any]


class Supervisor:
    """Executes commands on the slots. No I/O: START and STOP begin work and return."""

    def __init__(self, slots: Slots, settings: HostSettings) -> None:
        self.connections: set[SupervisorHandler] = set()
        self.verifier = credentials.Verifier(settings.secret) if settings.secret else None
        self._slots = slots
        self._settings = settings
        self._started: OrderedDict[tuple[str | None, str], Reply] = OrderedDict()
        self._fences: OrderedDict[str, int] = OrderedDict()
        self._commands: dict[str, Callable[[Command], Reply]] = {
            "START": self._start,
            "STOP": self._stop,
            "RESOLUTION": self._resolution,
            "STATUS": self._status,
            "SERVER_STATUS": self._server_status,
        }

    def close(self) -> None:
        """Close all connections."""
        for connection in list(self.connections):
            connection.close(1001, "the render host ends")

    def answer(self, raw: str | bytes) -> Reply:
        """The reply to any message."""
        if isinstance(raw, bytes):
            return {"command": None, "error": "invalid message received: binary frame", "id": -1}
        try:
            command = protocol.decode_command(raw)
        except CommandError as refused:
            return refused.reply
        return self._commands[command.name](command)

    def _start(self, command: Command) -> Reply:
        request_id = command.extra.get("request_id")
        key = (command.session, str(request_id))
        if request_id is not None and key in self._started:
            return self._started[key]
        slot_key = command.extra.get("slot")
        if slot_key is not None:
            # There has been a later allocation of the same slot: this START was in flight for too long.
            if command.fence < self._fences.get(slot_key, 0):
                return reply(command, -1, STALE_FENCE)
            self._note_slot_fence(slot_key, command.fence)
            for superseded in self._slots.superseded(slot_key, command.fence):
                superseded.stop()
        slot = self._slots.lowest_free()
        if slot is None:
            return reply(command, -1, protocol.NO_AVAILABLE_SLOTS)
        slot.start(
            Assignment(
                session=command.session or f"slot-{slot.id}",
                engine=command.engine or self._settings.engine,
                width=command.width or self._settings.width,
                height=command.height or self._settings.height,
                token=command.token,
                fence=command.fence,
                slot_key=slot_key,
            )
        )
        answer = reply(command, slot.id)
        if request_id is not None:
            self._started[key] = answer
            while len(self._started) > REMEMBERED_STARTS:
                self._started.popitem(last=False)
        return answer

    def _note_slot_fence(self, slot_key: str, fence: int) -> None:
        """Remember the highest fence of a slot in the orchestrator's numbering."""
        self._fences[slot_key] = max(fence, self._fences.pop(slot_key, 0))
        while len(self._fences) > REMEMBERED_STARTS:
            self._fences.popitem(last=False)

    def _stop(self, command: Command) -> Reply:
        slot = self._slot(command)
        if slot is None:
            return _invalid_id(command)
        if not _applies_to(slot, command):
            return reply(command, slot.id, protocol.NOT_RUNNING)
        fence = command.extra.get("fence")
        if fence is not None and fence < slot.fence:
            return reply(command, slot.id, STALE_FENCE)
        _note_fence(slot, command)
        slot.stop()
        return reply(command, slot.id)

    def _resolution(self, command: Command) -> Reply:
        slot = self._slot(command)
        size: Reply = {"width": command.width, "height": command.height}
        if slot is None:
            return _invalid_id(command) | size
        if not _applies_to(slot, command) or slot.state is InstanceState.DEINITIALIZING:
            return reply(command, slot.id, protocol.NOT_RUNNING, **size)
        _note_fence(slot, command)
        assert command.width is not None
        assert command.height is not None
        if not slot.resize(command.width, command.height):
            return reply(command, slot.id, NOT_TAKING_COMMANDS, **size)
        return reply(command, slot.id, **size)

    def _status(self, command: Command) -> Reply:
        slot = self._slot(command)
        if slot is None:
            return _invalid_id(command) | {"status": InstanceState.INVALID}
        answer = reply(command, slot.id, status=slot.state, reason=slot.reason)
        if slot.state is not InstanceState.IDLE and slot.assignment is not None:
            answer |= {
                "session": slot.assignment.session,
                "engine": slot.assignment.engine,
                "width": slot.width,
                "height": slot.height,
                "fence": slot.assignment.fence,
            }
            if slot.viewers is not None:
                answer["viewers"] = slot.viewers
            if _applies_to(slot, command):
                _note_fence(slot, command)
        return answer

    def _server_status(self, command: Command) -> Reply:
        return reply(command, running=self._slots.busy, total=len(self._slots))

    def _slot(self, command: Command) -> Slot | None:
        assert command.id is not None
        try:
            return self._slots[command.id]
        except IndexError:
            return None


def _invalid_id(command: Command) -> Reply:
    return reply(command, command.id if command.id is not None else -1, protocol.INVALID_ID)


def _applies_to(slot: Slot, command: Command) -> bool:
    """Whether the slot is busy, with the session that the command names, if it names one.

    A command for a session that has ended must not affect the next one in its slot.
    """
    if slot.state is InstanceState.IDLE or slot.assignment is None:
        return False
    return command.session is None or command.session == slot.assignment.session


def _note_fence(slot: Slot, command: Command) -> None:
    if command.session is not None:
        slot.fence = max(slot.fence, command.extra.get("fence", 0))


class SupervisorHandler(WebSocketHandler):
    """One connection. A message is read only after the reply to the previous one was written."""

    def initialize(self, supervisor: Supervisor, settings: HostSettings, on_command: Callable[[], None]) -> None:
        self._supervisor = supervisor
        self._settings = settings
        self._on_command = on_command
        # The digest of the only message that a signed connection may send; None for a bearer's, which may send any.
        self._only: str | None = None

    @property
    def max_message_size(self) -> int:
        return MAX_MESSAGE_BYTES

    def prepare(self) -> None:
        refuse_browsers(self.request.headers)
        self._only = require_secret(self.request.headers, self._settings.secret, self._supervisor.verifier)
        if len(self._supervisor.connections) >= MAX_CONNECTIONS:
            raise HTTPError(503, "too many supervisor connections")

    def open(self, *_: str) -> None:
        self._supervisor.connections.add(self)
        if self.ws_connection is not None:
            tune(getattr(self.ws_connection, "stream", None))

    async def on_message(self, message: str | bytes) -> None:
        if self._only is not None:
            allowed, self._only = self._only, ""
            if credentials.digest(message) != allowed:
                self.close(1008, "not the message that was signed")
                return
        self._on_command()
        try:
            await self.write_message(protocol.encode(self._supervisor.answer(message)))
        except WebSocketClosedError:
            return
        await asyncio.sleep(0)  # a client that sends without pause must not block the others

    def on_close(self) -> None:
        self._supervisor.connections.discard(self)
