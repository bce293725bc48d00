"""Settings of the API server: access and limits."""

from __future__ import annotations

from dataclasses import dataclass, field

ANY_ORIGIN = "*"


@dataclass(frozen=True)
class ApiSettings:
    """Access and limits of the API server.

    Attributes:
        trust_loopback: connections from this machine need no password.
        secret: a WebSocket whose upgrade carries ``Authorization: Bearer <secret>`` needs nothing else; that is the
            render host's gateway.
        password: required of others; without one they are refused.
        allowed_origins: web pages that may connect, such as ``"http://localhost:4690"``; ``"*"`` allows all. A web page
            that is not listed is refused whatever the rest says, because the API runs Lua.
        max_message_bytes: a longer message closes the connection.
        max_buffered_bytes: a client that leaves so much unread is disconnected.
        stalled_seconds: a client that leaves anything unread for so long is disconnected.
    """

    trust_loopback: bool = True
    secret: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    allowed_origins: frozenset[str] = frozenset()
    max_connections: int = 512
    max_topics: int = 4096
    max_message_bytes: int = 1024 * 1024
    max_buffered_bytes: int = 8 * 1024 * 1024
    stalled_seconds: float = 30.0
