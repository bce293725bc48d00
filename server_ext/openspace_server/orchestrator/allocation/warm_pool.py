"""Warm pool: sessions that already run, so that a new session starts at once."""

from __future__ import annotations

from collections.abc import Callable

from openspace_server.orchestrator.allocation.allocator import AllocationPolicy, Allocator
from openspace_server.orchestrator.allocation.requests import NewSession
from openspace_server.orchestrator.errors import NoFreeSlot, QuotaReached
from openspace_server.orchestrator.hosts.hosts import Hosts
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.models import POOL_OWNER
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols.limits import DEFAULT_SIZE
from openspace_server.protocols.sessions import SessionState


class WarmPool:
    """The pool is an owner like any other, and its size is that owner's quota, so that several processes that fill it
    at the same time do not overfill it."""

    def __init__(self, settings: Settings, sessions: SessionStore, allocator: Allocator, hosts: Hosts) -> None:
        self._settings = settings
        self._sessions = sessions
        self._allocator = allocator
        self._hosts = hosts

    async def hasten_evictions(self, follow: Callable[[str], None]) -> None:
        """Have the evicted sessions ended now rather than at their next poll: others wait for their slots."""
        for row in await self._sessions.sessions([POOL_OWNER]) if self._settings.warm else ():
            if row.state == SessionState.STOPPING:
                follow(row.id)

    async def fill(self) -> list[str]:
        """Reserve the missing sessions, as far as slots are free; the ids of the new ones."""
        size, new = self._settings.warm, []
        if not size or len(await self._sessions.sessions([POOL_OWNER])) >= size:
            return []
        request = NewSession("", self._settings.engine, *DEFAULT_SIZE)
        policy = AllocationPolicy(quota=size)
        hosts = await self._hosts.usable()
        for _ in range(size):
            try:
                row, _ = await self._allocator.reserve(POOL_OWNER, request, None, hosts, policy)
            except (NoFreeSlot, QuotaReached):
                break
            new.append(row.id)
        return new
