"""The orchestrator as the server extension sees it: sessions of owners, and nothing of hosts, slots or polling.
What administrators and hosts that dial in need is in :attr:`Orchestrator.admin`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from openspace_server.orchestrator import metrics
from openspace_server.orchestrator.admin import Administration
from openspace_server.orchestrator.allocation.admission import Admission
from openspace_server.orchestrator.allocation.allocator import AllocationPolicy, Allocator
from openspace_server.orchestrator.allocation.requests import NewSession
from openspace_server.orchestrator.allocation.warm_pool import WarmPool
from openspace_server.orchestrator.errors import (
    CommandRefused,
    HostUnreachable,
    NoFreeSlot,
    QuotaReached,
    SessionEnded,
    SessionNotRunning,
    UnknownSession,
    UnknownShare,
)
from openspace_server.orchestrator.hosts.agent_connections import AgentConnections
from openspace_server.orchestrator.hosts.hosts import Hosts
from openspace_server.orchestrator.periodic import Rounds
from openspace_server.orchestrator.sessions.instances import GatewayTarget, Instances
from openspace_server.orchestrator.sessions.lifecycle import Lifecycle
from openspace_server.orchestrator.sessions.notifications import News, Watchers
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.database import Database, Happening
from openspace_server.orchestrator.store.hosts import HostStore
from openspace_server.orchestrator.store.leases import Leases
from openspace_server.orchestrator.store.models import SessionRow
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.orchestrator.store.shares import Share, Shares
from openspace_server.protocols.sessions import SessionState, SessionView, SessionWarning

log = logging.getLogger(__name__)

Owners = Sequence[str]


class Orchestrator:
    """Belongs to the event loop it was started in. Every method that names a session takes the owners whose sessions
    the caller may touch, and raises UnknownSession for anybody else's."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._database = Database(settings.url)
        self._leases = Leases(self._database, settings.worker_lease)
        self._sessions = SessionStore(self._database)
        self._allocator = Allocator(self._database, self._leases.worker)
        self._host_store = HostStore(self._database)
        self.shares = Shares(self._database)
        self._watchers = Watchers()
        self._admission = Admission(self._database.beside(".rush"))
        self.agents = AgentConnections()
        self._hosts = Hosts(settings, self._host_store, self._sessions, self.agents)
        self._lifecycle = Lifecycle(
            settings, self._sessions, self._allocator, self._hosts, self._watchers, self._admission
        )
        self._warm_pool = WarmPool(settings, self._sessions, self._allocator, self._hosts)
        self._rounds = Rounds()
        self._instances = Instances(self._hosts, self._host_store, self.agents, settings.command_timeout)
        self.admin = Administration(settings, self._host_store, self._sessions, self._hosts, self.agents)
        self.listen(metrics.note)
        self._policy = AllocationPolicy(
            settings.quota, settings.max_duration, settings.idle_limit, settings.away_limit, settings.warm > 0
        )

    async def start(self) -> None:
        """Open the database, look at the hosts, and go on with every session that nobody else looks after."""
        settings = self.settings
        await self._database.set_up()
        await self._leases.join()
        await self._hosts.start()
        await self._take_over()
        self._rounds.add(settings.worker_lease / 3, self._leases.renew)
        self._rounds.add(settings.tick_interval, self._take_over)
        self._rounds.add(settings.probe_interval, self._hosts.look)
        self._rounds.add(settings.tick_interval, self._fill_warm_pool)
        self._rounds.add(settings.tick_interval, self._count)

    async def stop(self) -> None:
        """Let go of everything; sessions on hosts go on."""
        await self._rounds.stop()
        await self._lifecycle.stop()
        try:
            await self._hosts.stop()
            await self._leases.leave()
        except (SQLAlchemyError, OSError):
            log.warning("the database did not hear of our end: others take over when our lease has passed")
        finally:
            await self._database.close()

    def listen(self, listener: Callable[[Happening], None]) -> None:
        """Tell ``listener`` of each event that this process logs, once it is committed."""
        self._database.listeners.append(listener)

    @property
    def live(self) -> list[str]:
        """The sessions that live, as far as this process follows them."""
        return self._lifecycle.following

    async def create(self, owner: str, request: NewSession, key: str | None = None) -> tuple[SessionView, bool]:
        """Reserve a slot and begin to start: (session, True), or (the session this key made before, False).

        Raises:
            QuotaReached, NoFreeSlot, KeyReused.
        """
        with self._admission.request():
            row, created = await self._reserve(owner, request, key)
        self._lifecycle.follow(row.id)
        if created and row.state == SessionState.REQUESTED:
            await self._warm_pool.hasten_evictions(self._lifecycle.follow)
        if created and row.instance is not None and (row.width, row.height) != (request.width, request.height):
            await self._resize_warm(row, request)
        return row.view(), created

    async def _reserve(self, owner: str, request: NewSession, key: str | None) -> tuple[SessionRow, bool]:
        try:
            return await self._allocator.reserve(owner, request, key, await self._hosts.usable(), self._policy)
        except (NoFreeSlot, QuotaReached) as refusal:
            metrics.REFUSALS.labels(refusal.code).inc()
            raise
        except IntegrityError:  # another process was quicker with the same key
            return await self._allocator.reserve(owner, request, key, await self._hosts.usable(), self._policy)

    async def _resize_warm(self, row: SessionRow, request: NewSession) -> None:
        host = await self._host_store.host(row.host) if row.host else None
        if host is None:
            return
        try:
            await self._hosts.client(host).resolution(row, request.width, request.height)
            await self._sessions.set_size(row, request.width, request.height)
        except (HostUnreachable, CommandRefused) as problem:
            log.warning("session %s: keeps its size: %s", row.id, problem)

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
        row = await self._mine(owners, id)
        await self._instances.resize(row, width, height)
        await self._sessions.set_size(row, width, height)
        await self._sessions.set_used(id)
        view = await self.get(owners, id)
        self._watchers.publish(view)
        return view

    async def delete(self, owners: Owners, id: str) -> SessionView:
        """End it; returns when its instance is gone, or after ``stop_timeout`` while that still goes on."""
        await self._mine(owners, id)
        await self.terminate(id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.stop_timeout):
                async for view in self.watch(owners, id):
                    if view.state.ended:
                        return view
        return await self.get(owners, id)

    async def terminate(self, id: str, reason: str = "") -> None:
        """Begin to end a session, whosever it is."""
        for _attempt in range(5):  # a session that is just started again has another fence by now
            row = await self._sessions.session(id)
            if row is None or row.ended or row.state == SessionState.STOPPING:
                break
            waiting = row.state in (SessionState.REQUESTED, SessionState.RESERVED)
            if waiting and await self._sessions.end(row, SessionState.STOPPED, reason, only_from=row.state):
                break
            if await self._sessions.set_stopping(row, reason, SessionState.STOPPED):
                break
        self._lifecycle.follow(id)

    async def watch(self, owners: Owners, id: str) -> AsyncGenerator[SessionView]:
        """The session as it is, then each change; ends after a terminal state."""
        async with contextlib.aclosing(self.news(owners, id)) as news:
            async for item in news:
                if isinstance(item, SessionView):
                    yield item

    async def news(self, owners: Owners, id: str) -> AsyncGenerator[News]:
        """As :meth:`watch`, and warnings of its end."""
        with self._watchers.watch(id) as changes:
            view = (await self._mine(owners, id)).view()
            yield view
            if warning := self._watchers.warning(id):
                yield warning
            while not view.state.ended:
                news = await changes.get()
                if isinstance(news, SessionWarning):
                    yield news
                elif news != view:
                    view = news
                    yield view

    async def used(self, id: str) -> None:
        """Somebody uses it."""
        await self._sessions.set_used(id)

    async def queue_position(self, owners: Owners, id: str) -> int | None:
        """How many sessions wait in the queue ahead of it; None when it does not wait."""
        return await self._allocator.queue_position(await self._mine(owners, id))

    async def frame(self, owners: Owners, id: str) -> bytes:
        """What the session shows now: an array message of kind ``frame``.

        Raises:
            UnknownSession, SessionEnded, SessionNotRunning, HostUnreachable.
        """
        return await self._instances.frame(await self._mine(owners, id))

    async def guest(self, session: str, share: str) -> tuple[Share, str]:
        """The share link that a guest came by, if it is still valid, and the session's owner. Raises UnknownShare."""
        found = await self.shares.find(session, share)
        row = await self._sessions.session(session)
        if row is None:
            raise UnknownShare()
        return found, row.owner

    async def revoke(self, owners: Owners, id: str, share: str) -> None:
        """Revoke a share link and disconnect the viewers that came by it.

        Raises:
            UnknownSession, UnknownShare.
            HostUnreachable: the link is revoked, but the viewers that came by it could not be disconnected.
        """
        row = await self._mine(owners, id)
        await self.shares.revoke(id, share)
        with contextlib.suppress(SessionEnded, SessionNotRunning):  # then nobody is there
            await self._instances.dismiss(row, share)

    async def gateway(self, owners: Owners, id: str, channel: str) -> GatewayTarget:
        """Where ``channel`` of a running session is.

        Raises:
            UnknownSession, SessionEnded, SessionNotRunning.
        """
        return await self._instances.gateway(await self._mine(owners, id), channel)

    async def _mine(self, owners: Owners, id: str) -> SessionRow:
        row = await self._sessions.session(id)
        if row is None or row.owner not in owners:
            raise UnknownSession()
        self._see(row)
        return row

    async def _take_over(self) -> None:
        for session in await self._leases.take_over():
            log.info("session %s goes on", session)
            self._lifecycle.follow(session)

    async def _fill_warm_pool(self) -> None:
        for session in await self._warm_pool.fill():
            self._lifecycle.follow(session)

    async def _count(self) -> None:
        metrics.count(await self._sessions.counts(), await self._host_store.hosts(), await self._host_store.busy())

    def _see(self, row: SessionRow) -> None:
        """Another process with the same database may have made it: follow it from now on."""
        if not row.ended and row.id not in self._lifecycle.following:
            self._lifecycle.follow(row.id)
