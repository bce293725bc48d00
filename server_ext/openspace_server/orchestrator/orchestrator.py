"""The orchestrator as the server extension sees it: sessions of owners, and nothing of hosts, slots or polling."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from openspace_server.orchestrator.database import Database
from openspace_server.orchestrator.errors import SessionEnded, SessionNotRunning, UnknownSession
from openspace_server.orchestrator.host_client import HostClient
from openspace_server.orchestrator.host_store import HostStore
from openspace_server.orchestrator.hosts import Hosts
from openspace_server.orchestrator.lifecycle import Lifecycle
from openspace_server.orchestrator.models import HostRow, SessionRow
from openspace_server.orchestrator.requests import NewSession
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store import SessionStore
from openspace_server.orchestrator.watchers import Watchers
from openspace_server.protocols.sessions import SessionState, SessionView

log = logging.getLogger(__name__)

Owners = Sequence[str]


@dataclass(frozen=True)
class GatewayTarget:
    """Where a session's viewers are let in, and the token that proves the right to it."""

    url: str
    token: str = field(repr=False)


class Orchestrator:
    """Belongs to the event loop it was started in. Every method that names a session takes the owners whose sessions
    the caller may touch, and raises UnknownSession for anybody else's."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._database = Database(settings.url)
        self._sessions = SessionStore(self._database)
        self._host_store = HostStore(self._database)
        self._watchers = Watchers()
        self._hosts = Hosts(settings, self._host_store, self._sessions)
        self._lifecycle = Lifecycle(settings, self._sessions, self._host_store, self._hosts, self._watchers)

    async def start(self) -> None:
        """Open the database, look at the hosts, and go on with every session that has not ended."""
        await self._database.set_up()
        await self._hosts.start()
        for row in await self._sessions.live():
            log.info("session %s (%s) goes on", row.id, row.state)
            self._lifecycle.follow(row.id)

    async def stop(self) -> None:
        """Let go of everything; sessions on hosts go on."""
        await self._lifecycle.stop()
        try:
            await self._hosts.stop()
        finally:
            await self._database.close()

    @property
    def live(self) -> list[str]:
        """The sessions that live, as far as this process follows them."""
        return self._lifecycle.following

    async def create(self, owner: str, request: NewSession, key: str | None = None) -> tuple[SessionView, bool]:
        """Reserve a slot and begin to start: (session, True), or (the session this key made before, False).

        Raises:
            NoFreeSlot, KeyReused.
        """
        if earlier := await self._sessions.earlier(owner, key, request):
            return earlier.view(), False
        row, created = await self._sessions.reserve(owner, request, key, await self._hosts.usable())
        self._lifecycle.follow(row.id)
        return row.view(), created

    async def list(self, owners: Owners, ended: bool = False) -> list[SessionView]:
        """Oldest first; those that ended only when asked for."""
        rows = await self._sessions.sessions(owners, ended)
        for row in rows:
            self._see(row)
        return [row.view() for row in rows]

    async def get(self, owners: Owners, id: str) -> SessionView:
        return (await self._mine(owners, id)).view()

    async def resize(self, owners: Owners, id: str, width: int, height: int) -> SessionView:
        """Tell the instance its picture size.

        Raises:
            UnknownSession, SessionEnded, SessionNotRunning, HostUnreachable, CommandRefused.
        """
        row, host = await self._running(owners, id)
        await HostClient(host, self.settings.command_timeout).resolution(row, width, height)
        await self._sessions.set_size(row, width, height)
        view = await self.get(owners, id)
        self._watchers.publish(view)
        return view

    async def delete(self, owners: Owners, id: str) -> SessionView:
        """End it; returns when its instance is gone, or after ``stop_timeout`` while that still goes on."""
        row = await self._mine(owners, id)
        if not row.ended and not await self._sessions.end(row, SessionState.STOPPED, only_from=SessionState.RESERVED):
            await self._sessions.set_stopping(row)
        if not row.ended:
            self._lifecycle.follow(row.id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.stop_timeout):
                async for view in self.watch(owners, id):
                    if view.state.ended:
                        return view
        return await self.get(owners, id)

    async def watch(self, owners: Owners, id: str) -> AsyncGenerator[SessionView]:
        """The session as it is, then each change; ends after a terminal state."""
        with self._watchers.watch(id) as changes:
            view = (await self._mine(owners, id)).view()
            yield view
            while not view.state.ended:
                news = await changes.get()
                if news != view:
                    view = news
                    yield view

    async def gateway(self, owners: Owners, id: str, channel: str) -> GatewayTarget:
        """Where ``channel`` of a running session is.

        Raises:
            UnknownSession, SessionEnded, SessionNotRunning.
        """
        row, host = await self._running(owners, id)
        address = f"[{host.address}]" if ":" in host.address else host.address
        return GatewayTarget(f"ws://{address}:{host.gateway_port}/{channel}", row.token)

    async def _running(self, owners: Owners, id: str) -> tuple[SessionRow, HostRow]:
        row = await self._mine(owners, id)
        if row.ended:
            raise SessionEnded(f"the session has ended ({row.state}){': ' + row.reason if row.reason else ''}")
        host = await self._host_store.host(row.host)
        if row.state != SessionState.RUNNING or host is None:
            raise SessionNotRunning(f"the session is {row.state}, not {SessionState.RUNNING}")
        return row, host

    async def _mine(self, owners: Owners, id: str) -> SessionRow:
        row = await self._sessions.session(id)
        if row is None or row.owner not in owners:
            raise UnknownSession()
        self._see(row)
        return row

    def _see(self, row: SessionRow) -> None:
        """Another process with the same database may have made it: follow it from now on."""
        if not row.ended and row.id not in self._lifecycle.following:
            self._lifecycle.follow(row.id)
