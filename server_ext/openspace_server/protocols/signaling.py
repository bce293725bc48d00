"""Signaling messages between viewers and instances, relayed by gateway and Jupyter server. The instance offers.

``join`` opens every gateway socket (signaling, bulk, media, api): it names the session and proves the right to it
with the session's token, which only the orchestrator holds. The instance sees ``join`` without the token.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from openspace_server.protocols.fields import ProtocolError, boolean, describe, number, parse_object, text

MESSAGE_TYPES = ("join", "offer", "answer", "ice-candidate", "ready", "ping", "pong", "bye", "error")
MAX_MESSAGE_BYTES = 256 * 1024
MAX_SDP = 64 * 1024


class Role(StrEnum):
    """Role of a viewer: a controller may steer, a spectator (``viewer`` on the wire) watches."""

    CONTROLLER = "controller"
    SPECTATOR = "viewer"


class Origin(StrEnum):
    """Origin of a viewer, stated in its ``join`` by the server that has the session's token."""

    ORCHESTRATOR = "orchestrator"
    KERNEL = "kernel"
    OWNER = "owner"
    GUEST = "guest"


MAX_ICE_SERVERS = 16
MAX_URL = 512


@dataclass(frozen=True)
class IceServer:
    """A STUN or TURN server, in the words of WebRTC's RTCIceServer."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = field(default="", repr=False)

    def as_json(self) -> dict[str, Any]:
        known = {"username": self.username, "credential": self.credential} if self.username else {}
        return {"urls": list(self.urls), **known}

    @classmethod
    def read(cls, value: object) -> IceServer:
        """Raises ProtocolError."""
        urls = value.get("urls") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(urls, list) or not 0 < len(urls) <= MAX_ICE_SERVERS:
            raise ProtocolError(f"ice_servers: expected objects with urls, got {describe(value)}")
        if not all(isinstance(url, str) and len(url) <= MAX_URL for url in urls):
            raise ProtocolError(f"ice_servers: urls: expected a list of strings, got {describe(urls)}")
        return cls(tuple(urls), text(value, "username", 256, ""), text(value, "credential", 256, ""))


@dataclass(frozen=True)
class Join:
    """The first message on a gateway socket: ``{"type": "join", "session", "role", "viewer", "owner"?, "token"?,
    "party"?, "share"?, "seconds"?, "observer"?, "kernel"?, "ice_servers"?}``. It is
    written by the relay, which is trusted because it has the token.

    Attributes:
        viewer: the viewer's name, for people.
        owner: it is a view of the session's owner.
        party: the guest whose view it is: the views of one party have one name and steer together.
        share: the id of the share link of a guest.
        seconds: for which the viewer may stay; None for no limit.
        observer: it is the orchestrator, which does not count as a viewer. Only the gateway's token proves it.
        ice_servers: the servers that the instance itself uses for this viewer.
        kernel: it is a program of the session's owner, such as a notebook's kernel, and no view.
    """

    session: str
    role: Role
    viewer: str
    token: str | None = None
    owner: bool = False
    party: str = ""
    share: str = ""
    seconds: float | None = None
    observer: bool = False
    ice_servers: tuple[IceServer, ...] = ()
    kernel: bool = False

    @property
    def origin(self) -> Origin:
        if self.observer:
            return Origin.ORCHESTRATOR
        if self.kernel:
            return Origin.KERNEL
        return Origin.OWNER if self.owner else Origin.GUEST

    def encode(self) -> str:
        message: dict[str, Any] = {
            "type": "join",
            "session": self.session,
            "role": self.role,
            "viewer": self.viewer,
        }
        for name in ("owner", "party", "share", "observer", "kernel"):
            if value := getattr(self, name):
                message[name] = value
        if self.seconds is not None:
            message["seconds"] = self.seconds
        if self.ice_servers:
            message["ice_servers"] = [server.as_json() for server in self.ice_servers]
        return json.dumps(message if self.token is None else message | {"token": self.token})

    @classmethod
    def decode(cls, raw: str | bytes) -> Join:
        message = decode(raw)
        if message["type"] != "join":
            raise ProtocolError(f"expected join as the first message, got {describe(message['type'])}")
        try:
            role = Role(text(message, "role", default=Role.SPECTATOR))
        except ValueError:
            raise ProtocolError(f"role: expected controller or viewer, got {describe(message['role'])}") from None
        token = text(message, "token", limit=256) if "token" in message else None
        viewer = text(message, "viewer", limit=64, default="")
        return cls(
            text(message, "session", limit=64),
            role,
            viewer,
            token,
            boolean(message, "owner", False),
            text(message, "party", limit=64, default=""),
            text(message, "share", limit=64, default=""),
            number(message, "seconds") if message.get("seconds") is not None else None,
            boolean(message, "observer", False),
            _ice_servers(message.get("ice_servers", [])),
            boolean(message, "kernel", False),
        )


def _ice_servers(value: object) -> tuple[IceServer, ...]:
    if not isinstance(value, list) or len(value) > MAX_ICE_SERVERS:
        raise ProtocolError(f"ice_servers: expected a list of at most {MAX_ICE_SERVERS}, got {describe(value)}")
    return tuple(IceServer.read(one) for one in value)


def decode(raw: str | bytes) -> dict[str, Any]:
    """One signaling message, its ``type`` known and its SDP or candidate of the right shape and size.

    Raises:
        ProtocolError: naming what was wrong.
    """
    if len(raw) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"signaling message longer than {MAX_MESSAGE_BYTES} bytes")
    message = parse_object(raw)
    if message.get("type") not in MESSAGE_TYPES:
        raise ProtocolError(f"type: expected one of {', '.join(MESSAGE_TYPES)}, got {describe(message.get('type'))}")
    if message["type"] in ("offer", "answer"):
        text(message, "sdp", limit=MAX_SDP)
    if message["type"] == "ice-candidate" and not isinstance(message.get("candidate"), dict | None):
        raise ProtocolError(f"candidate: expected an object or null, got {describe(message['candidate'])}")
    return message


def offer(sdp: str) -> str:
    return json.dumps({"type": "offer", "sdp": sdp})


def answer(sdp: str) -> str:
    return json.dumps({"type": "answer", "sdp": sdp})


def ice_candidate(candidate: dict[str, Any]) -> str:
    return json.dumps({"type": "ice-candidate", "candidate": candidate})


def error(reason: str) -> str:
    return json.dumps({"type": "error", "reason": reason})
