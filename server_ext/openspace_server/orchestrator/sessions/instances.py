"""Access to the instance of a running session: its gateway, and requests on behalf of its users."""

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
    """Every method raises SessionEnded or SessionNotRunning for a session without a running instance."""

    def __init__(self, hosts: Hosts, store: HostStore, agents: AgentConnections, timeout: float) -> None:
        self._hosts = hosts
        self._store = store
        self._agents = agents
        self._timeout = timeout

    async def gateway(self, row: SessionRow, channel: str) -> GatewayTarget:
        """The gateway socket for ``channel``."""
        host = await self._host(row)
        if host.kind == HostKind.AGENT:
            agent = self._agents.get(host.id)
            if agent is None:
                raise SessionNotRunning("its render host has not dialled in here")
            return GatewayTarget("", row.token, agent)
        return GatewayTarget(gateway_url(host, channel), row.token)

    async def frame(self, row: SessionRow) -> bytes:
        """Its next frame: an array message of kind ``frame``. Raises HostUnreachable."""
        host = await self._host(row)
        try:
            return await snapshots.frame(host, row, self._agents.get(host.id), self._timeout)
        except snapshots.FAULTS as problem:
            raise HostUnreachable(f"the session's frame could not be read: {problem}") from None

    async def resize(self, row: SessionRow, width: int, height: int) -> None:
        """Set its frame size. Raises HostUnreachable, CommandRefused."""
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
        if row.is_ended:
            raise SessionEnded(f"the session has ended ({row.state}){': ' + row.reason if row.reason else ''}")
        host = await self._store.host(row.host) if row.host else None
        if row.state not in ATTACHED or host is None:
            raise SessionNotRunning(f"the session is {row.state}, not {SessionState.RUNNING}")
        return host
