"""Hosts that dial in: the connections that this process holds. Who makes them lies above; here they are only used."""

from __future__ import annotations

from typing import Protocol

Message = str | bytes


class Stream(Protocol):
    """A socket to an instance, whatever carries it; an ``End`` of :mod:`openspace_server.sockets.ends`."""

    @property
    def close_code(self) -> int | None: ...

    @property
    def close_reason(self) -> str | None: ...

    async def receive(self) -> Message | None:
        """The next message; None when it is closed."""

    async def send(self, message: Message) -> None:
        """Raises OSError or WebSocketClosedError when it is closed."""

    async def close(self, code: int | None = None, reason: str | None = None) -> None: ...


class AgentLink(Protocol):
    """One host's open link."""

    async def ask(self, message: str) -> Message:
        """The supervisor's reply to one command. Raises OSError when the link breaks."""

    async def open(self, channel: str) -> Stream:
        """A new socket to the host's gateway, ``join`` still to be said. Raises OSError when the link breaks."""


class Links:
    """The open links, by host id."""

    def __init__(self) -> None:
        self._links: dict[str, AgentLink] = {}

    def __contains__(self, host: object) -> bool:
        return host in self._links

    def get(self, host: str) -> AgentLink | None:
        return self._links.get(host)

    def put(self, host: str, link: AgentLink) -> None:
        """A newer link takes the older one's place."""
        self._links[host] = link

    def drop(self, host: str, link: AgentLink) -> None:
        if self._links.get(host) is link:
            del self._links[host]

    @property
    def hosts(self) -> list[str]:
        return list(self._links)
