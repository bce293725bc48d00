"""START on a host that speaks the published protocol only: no session, no fence, no request id.

The reply to START is the only thing that ties an instance to a session. STARTs on one host are sent one by one,
and if a reply was lost, an instance that came up meanwhile and that no session claims is taken for the one: but only on
a host that serves nobody else. Elsewhere it is left alone and counts as occupied.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from openspace_server.orchestrator.errors import HostUnreachable
from openspace_server.orchestrator.hosts.supervisor_client import HostClient
from openspace_server.orchestrator.store.models import HostRow, SessionRow
from openspace_server.orchestrator.store.sessions import SessionStore


class PlainStarts:
    """One START at a time for each host."""

    def __init__(self, sessions: SessionStore) -> None:
        self._sessions = sessions
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._unanswered: dict[tuple[str, int | None], set[int]] = {}

    async def start(self, row: SessionRow, host: HostRow, client: HostClient) -> int:
        """The id of its instance. Raises as ``HostClient.start``."""
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

    async def _unclaimed(self, host: HostRow, client: HostClient) -> set[int]:
        """The busy instances that belong to no session that we know of."""
        total = await client.slots()
        busy = {id for id in range(total) if (await client.status(id)).busy}
        return busy - {row.instance for row in await self._sessions.live(host.id) if row.instance is not None}
