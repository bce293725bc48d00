"""STUN and TURN servers for viewers, with separate credentials for each viewer.

The credentials have the format of coturn's ``use-auth-secret`` and others ("a REST API for access to TURN services"):
the name is ``<expiry>:<viewer>``, the password the HMAC-SHA1 of the name under a secret shared with the TURN server.
Without configured servers there are none, and no server outside is contacted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from openspace_server.protocols.signaling import IceServer

POLICIES = ("all", "relay")
_STUN = re.compile(r"stuns?:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?")
_TURN = re.compile(r"turns?:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(\?transport=(udp|tcp))?")


@dataclass(frozen=True)
class IceSettings:
    """``stun`` and ``turn`` are URLs; ``secret`` is shared with the TURN servers; credentials last ``lifetime``
    seconds. ``policy`` "relay": viewers use TURN only. ``instances``: instances use the servers as well."""

    stun: Sequence[str] = ()
    turn: Sequence[str] = ()
    secret: str = ""
    lifetime: int = 6 * 3600
    policy: str = "all"
    instances: bool = False

    def check(self) -> None:
        """Raises ValueError stating what is wrong."""
        for url in self.stun:
            if not _STUN.fullmatch(url):
                raise ValueError(f"ice_servers: expected stun:address:port or stuns:address:port, got {url!r}")
        for url in self.turn:
            if not _TURN.fullmatch(url):
                raise ValueError(
                    "turn_servers: expected turn:address:port?transport=udp (or tcp) or turns:address:port, "
                    f"got {url!r}"
                )
        if self.turn and not self.secret:
            raise ValueError("turn_servers: need turn_secret, the TURN servers' static-auth-secret")
        if self.policy == "relay" and not self.turn:
            raise ValueError("ice_transport_policy: relay needs turn_servers")

    def servers(self, viewer: str) -> tuple[IceServer, ...]:
        """The servers for one viewer; ``viewer``: any word that reveals nothing about a person."""
        servers = [IceServer((url,)) for url in self.stun]
        if self.turn:
            name, password = make_credentials(self.secret, viewer, self.lifetime)
            servers.append(IceServer(tuple(self.turn), name, password))
        return tuple(servers)

    def message(self, viewer: str) -> str | None:
        """The message for a view, sent before the offer; None without servers."""
        if not self.stun and not self.turn:
            return None
        servers = [server.as_json() for server in self.servers(viewer)]
        message: dict[str, Any] = {"type": "ice-servers", "ice_servers": servers, "policy": self.policy}
        return json.dumps(message)


def make_credentials(secret: str, viewer: str, lifetime: float) -> tuple[str, str]:
    """Name and password that are valid for ``lifetime`` seconds."""
    name = f"{int(time.time() + lifetime)}:{viewer}"
    digest = hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()
    return name, base64.b64encode(digest).decode()
