"""The orchestrator's interface for the server extension: sessions of owners, without hosts, slots or polling.
:attr:`Orchestrator.admin` is the interface for administrators and for hosts that dial in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from openspace_server.orchestrator import metrics
from openspace_server.orchestrator.admin import Admin
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
from openspace_server.orchestrator.periodic import PeriodicTasks
from openspace_server.orchestrator.sessions.instances import GatewayTarget, Instances
from openspace_server.orchestrator.sessions.lifecycle import Lifecycle
from openspace_server.orchestrator.sessions.notifications import Notification, Notifier
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.database import Database, LogEvent
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
    the caller may use, and raises UnknownSession for those of any other owner."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._database = Database(settings.url)
        self._leases = Leases(self._database, settings.worker_lease)
        self._sessions = SessionStore(self._database)
        self._allocator = Allocator(self._database, self._leases.worker)
        self._host_store = HostStore(self._database)
        self.shares = Shares(self._database)
        self._notifier = Notifier()
        self._admission = Admission(self._database.sibling_file(".rush"))
        self.agents = AgentConnections()
        self._hosts = Hosts(settings, self._host_store, self._sessions, self.agents)
        self._lifecycle = Lifecycle(
            settings, self._sessions, self._allocator, self._hosts, self._notifier, self._admission
        )
        self._warm_pool = WarmPool(settings, self._sessions, self._allocator, self._hosts)
        self._periodic = PeriodicTasks()
        self._instances = Instances(self._hosts, self._host_store, self.agents, settings.command_timeout)
        self.admin = Admin(settings, self._host_store, self._sessions, self._hosts, self.agents)
        self.listen(metrics.count_event)
        self._policy = AllocationPolicy(
            settings.quota, settings.max_duration, settings.idle_limit, settings.away_limit, settings.warm > 0
        )

    async def start(self) -> None:
        """Open the database, probe the hosts, and follow all sessions that no other process follows."""
        settings = self.settings
        await self._database.set_up()
        await self._leases.join()
        await self._hosts.start()
        await self._take_over()
        self._periodic.add(settings.worker_lease / 3, self._leases.renew)
        self._periodic.add(settings.tick_interval, self._take_over)
        self._periodic.add(settings.probe_interval, self._hosts.probe)
        self._periodic.add(settings.tick_interval, self._fill_warm_pool)
        self._periodic.add(settings.tick_interval, self._set_metrics)

    async def stop(self) -> None:
        """Release all resources; sessions on hosts continue."""
        await self._periodic.stop()
        await self._lifecycle.stop()
        try:
            await self._hosts.stop()
            await self._leases.leave()
        except (SQLAlchemyError, OSError):
            log.warning("the lease could not be given up: other processes take over when it has passed")
        finally:
            await self._database.close()

    def listen(self, listener: Callable[[LogEvent], None]) -> None:
        """Call ``listener`` for each event that this process logs, once it is committed."""
        self._database.listeners.append(listener)

    @property
    def live(self) -> list[str]:
        """The live sessions that this process follows."""
        return self._lifecycle.following

    async def create(self, owner: str, request: NewSession, key: str | None = None) -> tuple[SessionView, bool]:
        """Reserve a slot and begin to start: (session, True), or (the session already made with this key, False).

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
            log.warning("session %s: its frame size was not changed: %s", row.id, problem)

    async def list(self, owners: Owners, ended: bool = False) -> list[SessionView]:
        """The sessions of ``owners``, oldest first; with ``ended``, also those that have ended."""
        rows = await self._sessions.sessions(owners, ended)
        for row in rows:
            self._follow(row)
        return [row.view() for row in rows]

    async def get(self, owners: Owners, id: str) -> SessionView:
        return (await self._mine(owners, id)).view()

    async def resize(self, owners: Owners, id: str, width: int, height: int) -> SessionView:
        """Set the frame size.

        Raises:
            UnknownSession, SessionEnded, SessionNotRunning, HostUnreachable, CommandRefused.
        """
        row = await self._mine(owners, id)
        await self._instances.resize(row, width, height)
        await self._sessions.set_size(row, width, height)
        await self._sessions.set_used(id)
        view = await self.get(owners, id)
        self._notifier.publish(view)
        return view

    async def delete(self, owners: Owners, id: str) -> SessionView:
        """End it; returns when its instance is gone, at the latest after ``stop_timeout``."""
        await self._mine(owners, id)
        await self.terminate(id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.stop_timeout):
                async for view in self.watch(owners, id):
                    if view.state.is_ended:
                        return view
        return await self.get(owners, id)

    async def terminate(self, id: str, reason: str = "") -> None:
        """Begin to end a session of any owner."""
        for _attempt in range(5):  # a session that is restarted at the same time gets another fence
            row = await self._sessions.session(id)
            if row is None or row.is_ended or row.state == SessionState.STOPPING:
                break
            waiting = row.state in (SessionState.REQUESTED, SessionState.RESERVED)
            if waiting and await self._sessions.end(row, SessionState.STOPPED, reason, only_from=row.state):
                break
            if await self._sessions.set_stopping(row, reason, SessionState.STOPPED):
                break
        self._lifecycle.follow(id)

    async def watch(self, owners: Owners, id: str) -> AsyncGenerator[SessionView]:
        """The present session, then each change; ends after a terminal state."""
        async with contextlib.aclosing(self.notifications(owners, id)) as notifications:
            async for notification in notifications:
                if isinstance(notification, SessionView):
                    yield notification

    async def notifications(self, owners: Owners, id: str) -> AsyncGenerator[Notification]:
        """As :meth:`watch`, and warnings of its end."""
        with self._notifier.subscribe(id) as queue:
            view = (await self._mine(owners, id)).view()
            yield view
            if warning := self._notifier.warning(id):
                yield warning
            while not view.state.is_ended:
                notification = await queue.get()
                if isinstance(notification, SessionWarning):
                    yield notification
                elif notification != view:
                    view = notification
                    yield view

    async def mark_used(self, id: str) -> None:
        """A viewer uses it now."""
        await self._sessions.set_used(id)

    async def queue_position(self, owners: Owners, id: str) -> int | None:
        """How many sessions wait in the queue ahead of it; None when it does not wait."""
        return await self._allocator.queue_position(await self._mine(owners, id))

    async def frame(self, owners: Owners, id: str) -> bytes:
        """The session's next frame: an array message of kind ``frame``.

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
        with contextlib.suppress(SessionEnded, SessionNotRunning):  # then it has no viewers
            await self._instances.dismiss(row, share)

    async def gateway(self, owners: Owners, id: str, channel: str) -> GatewayTarget:
        """The gateway socket for ``channel`` of a running session.

        Raises:
            UnknownSession, SessionEnded, SessionNotRunning.
        """
        return await self._instances.gateway(await self._mine(owners, id), channel)

    async def _mine(self, owners: Owners, id: str) -> SessionRow:
        row = await self._sessions.session(id)
        if row is None or row.owner not in owners:
            raise UnknownSession()
        self._follow(row)
        return row

    async def _take_over(self) -> None:
        for session in await self._leases.take_over():
            log.info("session %s is taken over", session)
            self._lifecycle.follow(session)

    async def _fill_warm_pool(self) -> None:
        for session in await self._warm_pool.fill():
            self._lifecycle.follow(session)

    async def _set_metrics(self) -> None:
        metrics.set_gauges(await self._sessions.counts(), await self._host_store.hosts(), await self._host_store.busy())

    def _follow(self, row: SessionRow) -> None:
        """Follow a session that another process with the same database may have made."""
        if not row.is_ended and row.id not in self._lifecycle.following:
            self._lifecycle.follow(row.id)
