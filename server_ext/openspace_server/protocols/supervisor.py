"""The published supervisor protocol (JSON over WebSocket, port 4699): commands in, replies out.

Every reply carries ``command``, ``error`` and ``id``. Fields beyond the published ones are optional and echoed back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from openspace_server.protocols.fields import ProtocolError, describe, integer, parse_object, text
from openspace_server.protocols.limits import check_size

DEFAULT_PORT = 4699
DEFAULT_GATEWAY_PORT = 8443
DEFAULT_API_PORT = 4682

NONE = "none"
NO_AVAILABLE_SLOTS = "no available slots"
NOT_RUNNING = "not running"
INVALID_ID = "invalid id"
JSON_DECODE_ERROR = "json decode error"

COMMANDS = ("START", "STOP", "RESOLUTION", "STATUS", "SERVER_STATUS")
ECHOED = ("session", "fence", "request_id", "engine", "width", "height", "slot")
STALE_FENCE = "stale fence"


class InstanceState(StrEnum):
    """States of one slot, as STATUS names them."""

    IDLE = "IDLE"
    INITIALIZING = "INITIALIZING"
    RUNNING = "RUNNING"
    DEINITIALIZING = "DEINITIALIZING"
    INVALID = "INVALID"


@dataclass(frozen=True)
class Command:
    """One decoded request. ``id`` is None where the command has none; ``extra`` are the fields to echo."""

    name: str
    id: int | None = None
    width: int | None = None
    height: int | None = None
    token: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def session(self) -> str | None:
        return self.extra.get("session")

    @property
    def fence(self) -> int:
        fence: int = self.extra.get("fence", 0)
        return fence

    @property
    def engine(self) -> str | None:
        return self.extra.get("engine")


class CommandError(ProtocolError):
    """A request that gets an error reply, which is ``reply``."""

    def __init__(self, reply: dict[str, Any]) -> None:
        super().__init__(reply["error"])
        self.reply = reply


def reply(command: Command, id: int = 0, error: str = NONE, **more: Any) -> dict[str, Any]:
    """The reply object to ``command``, with its extra fields echoed."""
    return {"command": command.name, "error": error, "id": id, **command.extra, **more}


def encode(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))


def decode_command(raw: str | bytes) -> Command:
    """Decode one request.

    Raises:
        CommandError: with the reply for the sender.
    """
    try:
        message = parse_object(raw)
    except ProtocolError as problem:
        raise CommandError({"command": None, "error": str(problem), "id": -1}) from None
    name = message.get("command")
    if not isinstance(name, str) or name not in COMMANDS:
        shown = name if isinstance(name, str) else describe(name)
        echo = name if isinstance(name, str) else None
        raise CommandError({"command": echo, "error": f"invalid message received: {shown[:60]}", "id": -1})
    try:
        return _checked(name, message)
    except ProtocolError as problem:
        raise CommandError({"command": name, "error": f"invalid message received: {problem}", "id": -1}) from None


def _checked(name: str, message: dict[str, Any]) -> Command:
    extra = {key: message[key] for key in ECHOED if key in message}
    for key in ("session", "request_id", "engine", "slot"):
        if key in extra:
            text(extra, key, limit=128)
    if "fence" in extra:
        integer(extra, "fence", 0, 2**62)
    token = text(message, "token", limit=256) if "token" in message else None
    id = message.get("id") if name in ("STOP", "RESOLUTION", "STATUS") else None
    if name in ("STOP", "RESOLUTION", "STATUS") and (isinstance(id, bool) or not isinstance(id, int)):
        raise ProtocolError(f"id: expected an integer, got {describe(id)}")
    width = height = None
    if name == "RESOLUTION" or "width" in message or "height" in message:
        width, height = check_size(message)
    return Command(name, id, width, height, token, extra)
