"""Hosts that dial in: the connections that this process holds. Who makes them lies above; here they are only used."""

from __future__ import annotations

from typing import Protocol

from openspace_server.sockets.ends import End, Message


class AgentLink(Protocol):
    """One host's open link."""

    async def ask(self, message: str) -> Message:
        """The supervisor's reply to one command. Raises OSError when the link breaks."""

    async def open(self, channel: str) -> End:
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
