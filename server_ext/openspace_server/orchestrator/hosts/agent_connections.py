"""Connections of render hosts that dial in (agents), as far as they ended in this process."""

from __future__ import annotations

from typing import Protocol

from openspace_server.sockets.endpoints import Endpoint, Message


class AgentConnection(Protocol):
    """The open connection of one agent."""

    async def ask(self, message: str) -> Message:
        """The supervisor's reply to one command. Raises OSError when the connection breaks."""

    async def open(self, channel: str) -> Endpoint:
        """A new socket to the host's gateway; ``join`` comes first. Raises OSError when the connection breaks."""


class AgentConnections:
    """The open connections, by host id."""

    def __init__(self) -> None:
        self._connections: dict[str, AgentConnection] = {}

    def __contains__(self, host: object) -> bool:
        return host in self._connections

    def get(self, host: str) -> AgentConnection | None:
        return self._connections.get(host)

    def put(self, host: str, connection: AgentConnection) -> None:
        """Use ``connection`` from now on, instead of an older one of that host."""
        self._connections[host] = connection

    def drop(self, host: str, connection: AgentConnection) -> None:
        if self._connections.get(host) is connection:
            del self._connections[host]

    @property
    def hosts(self) -> list[str]:
        return list(self._connections)
