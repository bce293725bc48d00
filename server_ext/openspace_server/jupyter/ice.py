"""STUN and TURN servers for viewers, with credentials of their own for each.

The credentials are those that coturn's ``use-auth-secret`` and others understand ("a REST API for access to TURN
services"): the name is ``<expiry>:<who>``, the password HMAC-SHA1 of the name under a secret that the TURN server and
this one share. Without servers in the settings there are none, and nobody outside is asked for anything.
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
    seconds. ``policy`` "relay": viewers are to use nothing but TURN. ``instances``: instances use the servers, too."""

    stun: Sequence[str] = ()
    turn: Sequence[str] = ()
    secret: str = ""
    lifetime: int = 6 * 3600
    policy: str = "all"
    instances: bool = False

    def check(self) -> None:
        """Raises ValueError saying what is wrong."""
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

    def servers(self, who: str) -> tuple[IceServer, ...]:
        """For one viewer, ``who`` being any word that says nothing about a person."""
        servers = [IceServer((url,)) for url in self.stun]
        if self.turn:
            name, password = mint(self.secret, who, self.lifetime)
            servers.append(IceServer(tuple(self.turn), name, password))
        return tuple(servers)

    def message(self, who: str) -> str | None:
        """What a view is told before the offer; None for nothing."""
        if not self.stun and not self.turn:
            return None
        servers = [server.as_json() for server in self.servers(who)]
        told: dict[str, Any] = {"type": "ice-servers", "ice_servers": servers, "policy": self.policy}
        return json.dumps(told)


def mint(secret: str, who: str, lifetime: float) -> tuple[str, str]:
    """Name and password that are good for ``lifetime`` seconds."""
    name = f"{int(time.time() + lifetime)}:{who}"
    digest = hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()
    return name, base64.b64encode(digest).decode()
