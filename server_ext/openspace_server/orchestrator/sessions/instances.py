"""The instance behind a session that runs: the way to it, and what is asked of it for its users."""

from __future__ import annotations

from dataclasses import dataclass, field

from openspace_server.orchestrator.errors import HostUnreachable, SessionEnded, SessionNotRunning
from openspace_server.orchestrator.hosts.agent_connections import AgentLink, Links
from openspace_server.orchestrator.hosts.hosts import Hosts
from openspace_server.orchestrator.sessions import snapshots
from openspace_server.orchestrator.sessions.snapshots import gateway_url
from openspace_server.orchestrator.store.hosts import HostStore
from openspace_server.orchestrator.store.models import HostKind, HostRow, SessionRow
from openspace_server.orchestrator.store.sessions import ATTACHED
from openspace_server.protocols.sessions import SessionState


@dataclass(frozen=True)
class GatewayTarget:
    """Where a session's viewers are let in, and the token that proves the right to it. ``link``: the agent that carries
    them there, instead of ``url``."""

    url: str
    token: str = field(repr=False)
    link: AgentLink | None = None


class Instances:
    """Every method raises SessionEnded or SessionNotRunning for a session that has no instance to ask."""

    def __init__(self, hosts: Hosts, store: HostStore, links: Links, timeout: float) -> None:
        self._hosts = hosts
        self._store = store
        self._links = links
        self._timeout = timeout

    async def gateway(self, row: SessionRow, channel: str) -> GatewayTarget:
        """Where ``channel`` is."""
        host = await self._host(row)
        if host.kind == HostKind.AGENT:
            link = self._links.get(host.id)
            if link is None:
                raise SessionNotRunning("its render host has not dialled in here")
            return GatewayTarget("", row.token, link)
        return GatewayTarget(gateway_url(host, channel), row.token)

    async def frame(self, row: SessionRow) -> bytes:
        """What it shows now: an array message of kind ``frame``. Raises HostUnreachable."""
        host = await self._host(row)
        try:
            return await snapshots.frame(host, row, self._links.get(host.id), self._timeout)
        except snapshots.FAULTS as problem:
            raise HostUnreachable(f"no picture of it could be had: {problem}") from None

    async def resize(self, row: SessionRow, width: int, height: int) -> None:
        """Tell it its picture size. Raises HostUnreachable, CommandRefused."""
        await self._hosts.client(await self._host(row)).resolution(row, width, height)

    async def dismiss(self, row: SessionRow, share: str) -> None:
        """Send away who came by the link ``share``, which lets nobody in any more. Raises HostUnreachable."""
        host = await self._host(row)
        try:
            await snapshots.dismiss(host, row, self._links.get(host.id), self._timeout, share)
        except snapshots.FAULTS as problem:
            raise HostUnreachable(
                f"the link is revoked and lets nobody in, but whoever watches now could not be sent away: {problem}"
            ) from None

    async def _host(self, row: SessionRow) -> HostRow:
        if row.ended:
            raise SessionEnded(f"the session has ended ({row.state}){': ' + row.reason if row.reason else ''}")
        host = await self._store.host(row.host) if row.host else None
        if row.state not in ATTACHED or host is None:
            raise SessionNotRunning(f"the session is {row.state}, not {SessionState.RUNNING}")
        return host
