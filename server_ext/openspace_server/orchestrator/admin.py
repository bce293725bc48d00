"""The orchestrator as those see it who run the hosts, and as hosts see it that dial in: every host and every session,
whoever owns it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openspace_server.orchestrator.errors import UnknownHost
from openspace_server.orchestrator.hosts.agent_connections import AgentConnection, AgentConnections
from openspace_server.orchestrator.hosts.hosts import Hosts
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.hosts import HostStore
from openspace_server.orchestrator.store.models import HostRow
from openspace_server.orchestrator.store.sessions import SessionStore

SHOWN = ("id", "name", "kind", "state", "reason", "region", "graphics_card", "ram", "storage", "engines")


class Administration:
    """Whoever calls it has looked whether the caller may."""

    def __init__(
        self, settings: Settings, store: HostStore, sessions: SessionStore, hosts: Hosts, agents: AgentConnections
    ) -> None:
        self._settings = settings
        self._store = store
        self._sessions = sessions
        self._hosts = hosts
        self._agents = agents

    async def hosts(self) -> Sequence[dict[str, Any]]:
        """Every host; without addresses and secrets."""
        busy = await self._store.busy()
        return [
            {name: getattr(host, name) for name in SHOWN}
            | {"slots": host.slots, "busy": busy.get(host.id, 0), "occupied": host.occupied, "drain": host.drain}
            for host in await self._store.hosts()
        ]

    async def sessions(self) -> Sequence[dict[str, Any]]:
        """Everybody's live sessions."""
        rows = await self._sessions.live()
        return [row.view().as_json() | {"owner": row.owner, "host": row.host} for row in rows]

    async def drain(self, host: str, drain: bool) -> None:
        """Give ``host`` no new sessions, or give it some again. Raises UnknownHost."""
        if not await self._store.set_drain(host, drain):
            raise UnknownHost("there is no such render host")

    # -- hosts that dial in ----------------------------------------------------------------------------------------

    async def agent(self, name: str) -> HostRow | None:
        """The host that may dial in under ``name``."""
        return await self._store.agent(name)

    async def describe(self, id: str, traits: dict[str, str]) -> None:
        """What a host that dialled in tells of itself."""
        if traits:
            await self._store.set_traits(id, **traits)

    async def join(self, id: str, agent: AgentConnection) -> None:
        """It has dialled in: use it, and look at it now."""
        self._agents.put(id, agent)
        await self._hosts.look()

    async def heard(self, host: str) -> None:
        """A host that dialled in is alive."""
        await self._store.renew(host, self._settings.host_timeout)
