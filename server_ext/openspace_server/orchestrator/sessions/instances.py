"""The instance behind a session that runs: the way to it, and what is asked of it for its users."""

from __future__ import annotations

from dataclasses import dataclass, field

from openspace_server.orchestrator.errors import HostUnreachable, SessionEnded, SessionNotRunning
from openspace_server.orchestrator.hosts.agent_connections import AgentConnection, AgentConnections
from openspace_server.orchestrator.hosts.hosts import Hosts
from openspace_server.orchestrator.sessions import snapshots
from openspace_server.orchestrator.sessions.snapshots import gateway_url
from openspace_server.orchestrator.store.hosts import HostStore
from openspace_server.orchestrator.store.models import HostKind, HostRow, SessionRow
from openspace_server.orchestrator.store.sessions import ATTACHED
from openspace_server.protocols.sessions import SessionState


@dataclass(frozen=True)
class GatewayTarget:
    """The gateway socket of a session, and the token that opens it. ``agent``: the connection to open it through,
    instead of ``url``."""

    url: str
    token: str = field(repr=False)
    agent: AgentConnection | None = None


class Instances:
    """Every method raises SessionEnded or SessionNotRunning for a session that has no instance to ask."""

    def __init__(self, hosts: Hosts, store: HostStore, agents: AgentConnections, timeout: float) -> None:
        self._hosts = hosts
        self._store = store
        self._agents = agents
        self._timeout = timeout

    async def gateway(self, row: SessionRow, channel: str) -> GatewayTarget:
        """Where ``channel`` is."""
        host = await self._host(row)
        if host.kind == HostKind.AGENT:
            agent = self._agents.get(host.id)
            if agent is None:
                raise SessionNotRunning("its render host has not dialled in here")
            return GatewayTarget("", row.token, agent)
        return GatewayTarget(gateway_url(host, channel), row.token)

    async def frame(self, row: SessionRow) -> bytes:
        """What it shows now: an array message of kind ``frame``. Raises HostUnreachable."""
        host = await self._host(row)
        try:
            return await snapshots.frame(host, row, self._agents.get(host.id), self._timeout)
        except snapshots.FAULTS as problem:
            raise HostUnreachable(f"no picture of it could be had: {problem}") from None

    async def resize(self, row: SessionRow, width: int, height: int) -> None:
        """Tell it its picture size. Raises HostUnreachable, CommandRefused."""
        await self._hosts.client(await self._host(row)).resolution(row, width, height)

    async def dismiss(self, row: SessionRow, share: str) -> None:
        """Disconnect the viewers that came by the revoked share link ``share``. Raises HostUnreachable."""
        host = await self._host(row)
        try:
            await snapshots.dismiss(host, row, self._agents.get(host.id), self._timeout, share)
        except snapshots.FAULTS as problem:
            raise HostUnreachable(
                f"the share link is revoked, but its present viewers could not be disconnected: {problem}"
            ) from None

    async def _host(self, row: SessionRow) -> HostRow:
        if row.ended:
            raise SessionEnded(f"the session has ended ({row.state}){': ' + row.reason if row.reason else ''}")
        host = await self._store.host(row.host) if row.host else None
        if row.state not in ATTACHED or host is None:
            raise SessionNotRunning(f"the session is {row.state}, not {SessionState.RUNNING}")
        return host
