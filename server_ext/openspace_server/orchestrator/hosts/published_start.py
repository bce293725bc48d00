"""START on hosts that speak the published protocol only: without session, fence or request id.

Only the reply to START connects an instance with a session. STARTs are sent to a host one at a time. If a reply was
lost, an unclaimed instance that appeared meanwhile is adopted, but only on a host that serves this database alone;
elsewhere it is left alone and counted as occupied.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from openspace_server.orchestrator.errors import HostUnreachable
from openspace_server.orchestrator.hosts.supervisor_client import SupervisorClient
from openspace_server.orchestrator.store.models import HostRow, SessionRow
from openspace_server.orchestrator.store.sessions import SessionStore


class PublishedStart:
    """One START at a time for each host."""

    def __init__(self, sessions: SessionStore) -> None:
        self._sessions = sessions
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._unanswered: dict[tuple[str, int | None], set[int]] = {}

    async def start(self, row: SessionRow, host: HostRow, client: SupervisorClient) -> int:
        """Start an instance for ``row``; its id. Raises as ``SupervisorClient.start``."""
        key = (row.id, row.fence)
        async with self._locks[host.id]:
            if key in self._unanswered and host.exclusive:
                new = await self._unclaimed(host, client) - self._unanswered[key]
                if new:
                    del self._unanswered[key]
                    return min(new)
            before = await self._unclaimed(host, client)
            try:
                instance = await client.start(row)
            except HostUnreachable:
                self._unanswered.setdefault(key, before)
                raise
            self._unanswered.pop(key, None)
            return instance

    async def _unclaimed(self, host: HostRow, client: SupervisorClient) -> set[int]:
        """The busy instances that belong to no session of this database."""
        total = await client.slots()
        busy = {id for id in range(total) if (await client.status(id)).busy}
        return busy - {row.instance for row in await self._sessions.live(host.id) if row.instance is not None}
