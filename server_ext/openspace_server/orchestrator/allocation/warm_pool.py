"""Warm sessions: running before anybody asks for them, so that a start takes an instant."""

from __future__ import annotations

from collections.abc import Callable

from openspace_server.orchestrator.allocation.allocator import Grants, Terms
from openspace_server.orchestrator.allocation.requests import NewSession
from openspace_server.orchestrator.errors import NoFreeSlot, QuotaReached
from openspace_server.orchestrator.hosts.hosts import Hosts
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.models import POOL
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols.picture import DEFAULT_SIZE
from openspace_server.protocols.sessions import SessionState


class Pool:
    """The pool is an owner like any other, and its size is that owner's quota: so several processes that fill it at the
    same time do not overfill it."""

    def __init__(self, settings: Settings, sessions: SessionStore, grants: Grants, hosts: Hosts) -> None:
        self._settings = settings
        self._sessions = sessions
        self._grants = grants
        self._hosts = hosts

    async def hurry(self, follow: Callable[[str], None]) -> None:
        """Have warm sessions that make room for somebody end now rather than at their next turn."""
        for row in await self._sessions.sessions([POOL]) if self._settings.warm else ():
            if row.state == SessionState.STOPPING:
                follow(row.id)

    async def fill(self) -> list[str]:
        """Reserve what is missing, as far as slots are free; the new sessions."""
        wanted, made = self._settings.warm, []
        if not wanted or len(await self._sessions.sessions([POOL])) >= wanted:
            return []
        request = NewSession("", self._settings.engine, *DEFAULT_SIZE)
        hosts = await self._hosts.usable()
        for _ in range(wanted):
            try:
                row, _ = await self._grants.reserve(POOL, request, None, hosts, Terms(quota=wanted))
            except (NoFreeSlot, QuotaReached):
                break
            made.append(row.id)
        return made
