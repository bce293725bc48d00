"""Monitoring of running sessions beyond STATUS: viewers, snapshots, and limits that end a session."""

from __future__ import annotations

import asyncio
import logging
import time

from sqlalchemy.exc import SQLAlchemyError

from openspace_server.orchestrator import metrics
from openspace_server.orchestrator.hosts.hosts import Hosts
from openspace_server.orchestrator.hosts.supervisor_client import Status
from openspace_server.orchestrator.sessions import limits, snapshots
from openspace_server.orchestrator.sessions.notifications import Notifier
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.models import POOL_OWNER, HostRow, SessionRow
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols.sessions import SessionState, SessionWarning

log = logging.getLogger(__name__)


class Monitor:
    """Its only own state is the latest snapshot of each session: losing it costs one more snapshot."""

    def __init__(self, settings: Settings, sessions: SessionStore, hosts: Hosts, notifier: Notifier) -> None:
        self._settings = settings
        self._sessions = sessions
        self._hosts = hosts
        self._notifier = notifier
        self._last_snapshot: dict[str, float] = {}
        self._snapshot_tasks: dict[str, asyncio.Task[None]] = {}
        self._viewers: dict[str, int | None] = {}

    def forget(self, session: str) -> None:
        self._last_snapshot.pop(session, None)
        self._viewers.pop(session, None)
        metrics.remove_instance(session)
        if (task := self._snapshot_tasks.pop(session, None)) is not None:
            task.cancel()

    async def check(self, row: SessionRow, host: HostRow, status: Status, now: str) -> bool:
        """Check a running session; ``now`` by the database's clock. True when that changed its state."""
        if self._is_snapshot_due(row, host):
            # In a task: an instance that does not answer must not keep other sessions waiting.
            self._last_snapshot[row.id] = time.monotonic()
            self._snapshot_tasks[row.id] = asyncio.create_task(self._take_snapshot(row, host))
        viewers = status.viewers if status.viewers is not None else self._viewers.get(row.id)
        # A session of the warm pool has no viewer yet, but is not disconnected.
        if viewers is not None and row.owner != POOL_OWNER and (viewers != 0) != (row.state == SessionState.RUNNING):
            return await self._sessions.set_watched(row, viewers != 0)
        return await self._enforce_limits(row, now)

    async def restore(self, row: SessionRow, host: HostRow) -> None:
        """Restore the last snapshot in an instance that has replaced a crashed one."""
        if not row.snapshot:
            return
        agent = self._hosts.agents.get(host.id)
        try:
            await snapshots.restore(host, row, agent, self._settings.command_timeout * 2)
        except snapshots.FAULTS as problem:
            log.warning("session %s: its camera and time were not restored: %s", row.id, problem)

    def _is_snapshot_due(self, row: SessionRow, host: HostRow) -> bool:
        interval = self._settings.snapshot_interval
        if row.id in self._snapshot_tasks and not self._snapshot_tasks[row.id].done():
            return False
        has_gateway = host.gateway_port or self._hosts.agents.get(host.id) is not None
        if not interval or host.published_only or not has_gateway:
            return False
        return time.monotonic() - self._last_snapshot.get(row.id, -interval) >= interval

    async def _take_snapshot(self, row: SessionRow, host: HostRow) -> None:
        agent = self._hosts.agents.get(host.id)
        try:
            snapshot = await snapshots.take(host, row, agent, self._settings.command_timeout)
            was_steered = bool(row.snapshot) and snapshot.pose != snapshots.pose(row.snapshot)
            if snapshot.state and snapshot.state != row.snapshot:
                await self._sessions.set_snapshot(row, snapshot.state, was_steered)
            self._viewers[row.id] = snapshot.viewers
            metrics.set_instance(row.id, snapshot.stats)
        except snapshots.FAULTS as problem:
            log.debug("session %s: no snapshot: %s", row.id, problem)
        except SQLAlchemyError as problem:
            log.warning("session %s: its snapshot was not stored: %s", row.id, problem)

    async def _enforce_limits(self, row: SessionRow, now: str) -> bool:
        """Warn of its end, and end it when that is due."""
        deadline = limits.next_deadline(row) if row.owner != POOL_OWNER else None
        if deadline is not None and deadline.has_passed(now):
            return await self._sessions.set_stopping(row, deadline.reason, SessionState.STOPPED)
        if deadline is not None and deadline.is_near(now, self._settings.warning):
            self._notifier.warn(row.id, SessionWarning(deadline.reason, deadline.stamp, deadline.hint))
            if row.warned != deadline.stamp:
                await self._sessions.set_warned(row, deadline.stamp, deadline.reason)
        elif row.warned:
            self._notifier.warn(row.id, SessionWarning())
            await self._sessions.set_warned(row, "", "")
        return False
