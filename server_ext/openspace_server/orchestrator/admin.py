"""The orchestrator's interface for administrators, and for hosts that dial in: all hosts, and the sessions of all
owners."""

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


class Admin:
    """Checks no permissions: its caller does."""

    def __init__(
        self, settings: Settings, store: HostStore, sessions: SessionStore, hosts: Hosts, agents: AgentConnections
    ) -> None:
        self._settings = settings
        self._store = store
        self._sessions = sessions
        self._hosts = hosts
        self._agents = agents

    async def hosts(self) -> Sequence[dict[str, Any]]:
        """All hosts, without addresses and secrets."""
        busy = await self._store.busy()
        return [
            {name: getattr(host, name) for name in SHOWN}
            | {"slots": host.slots, "busy": busy.get(host.id, 0), "occupied": host.occupied, "drain": host.drain}
            for host in await self._store.hosts()
        ]

    async def sessions(self) -> Sequence[dict[str, Any]]:
        """The live sessions of all owners."""
        rows = await self._sessions.live()
        return [row.view().as_json() | {"owner": row.owner, "host": row.host} for row in rows]

    async def drain(self, host: str, drain: bool) -> None:
        """Drain ``host``, so that it gets no new sessions, or undo that. Raises UnknownHost."""
        if not await self._store.set_drain(host, drain):
            raise UnknownHost("there is no such render host")

    # -- hosts that dial in ----------------------------------------------------------------------------------------

    async def agent(self, name: str) -> HostRow | None:
        """The host that may dial in under ``name``."""
        return await self._store.agent(name)

    async def describe(self, id: str, traits: dict[str, str]) -> None:
        """Record what a host that dials in reports about itself."""
        if traits:
            await self._store.set_traits(id, **traits)

    async def join(self, id: str, connection: AgentConnection) -> None:
        """Use the connection of a host that has dialled in, and probe the host now."""
        self._agents.put(id, connection)
        await self._hosts.probe()

    async def renew(self, host: str) -> None:
        """Renew the lease of a host that dialled in."""
        await self._store.renew(host, self._settings.host_timeout)
