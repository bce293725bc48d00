"""TCP options of long-lived sockets: no delay, and dead peers detected without WebSocket pings.

A WebSocket ping queues behind a large message on a slow line, and would end the connection of a peer that is busy
reading; TCP keep-alive does not.
"""

from __future__ import annotations

import socket
from typing import Any

from tornado.iostream import IOStream

KEEPALIVE_IDLE = 30
KEEPALIVE_INTERVAL = 10
KEEPALIVE_PROBES = 3
READ_CHUNK_BYTES = 256 * 1024


def tune(stream: Any) -> None:
    """Set TCP_NODELAY, keep-alive (a vanished peer is noticed within a minute) and larger reads on ``stream``."""
    if not isinstance(stream, IOStream) or stream.closed():
        return
    stream.read_chunk_size = READ_CHUNK_BYTES
    if stream.socket.family not in (socket.AF_INET, socket.AF_INET6):
        return
    stream.set_nodelay(True)
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        if hasattr(socket, name):  # macOS lacks TCP_KEEPIDLE
            stream.socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
