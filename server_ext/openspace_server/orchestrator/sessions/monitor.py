"""Looks at a running session beyond its STATUS: who watches it, what it shows, and whether its time is over."""

from __future__ import annotations

import asyncio
import logging
import time

from sqlalchemy.exc import SQLAlchemyError

from openspace_server.orchestrator import metrics
from openspace_server.orchestrator.hosts.hosts import Hosts
from openspace_server.orchestrator.hosts.supervisor_client import Status
from openspace_server.orchestrator.sessions import limits, snapshots
from openspace_server.orchestrator.sessions.notifications import Watchers
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.models import POOL_OWNER, HostRow, SessionRow
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols.sessions import SessionState, SessionWarning

log = logging.getLogger(__name__)


class Attention:
    """State of its own is only when each session was last looked at: losing it costs one more look."""

    def __init__(self, settings: Settings, sessions: SessionStore, hosts: Hosts, watchers: Watchers) -> None:
        self._settings = settings
        self._sessions = sessions
        self._hosts = hosts
        self._watchers = watchers
        self._looked: dict[str, float] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._viewers: dict[str, int | None] = {}

    def forget(self, session: str) -> None:
        self._looked.pop(session, None)
        self._viewers.pop(session, None)
        metrics.hide(session)
        if (looking := self._looking.pop(session, None)) is not None:
            looking.cancel()

    async def pay(self, row: SessionRow, host: HostRow, status: Status, now: str) -> bool:
        """One look at a running session; ``now`` by the database's clock. True when that changed its state."""
        if self._due(row, host):
            # Beside the round: an instance that does not answer must not keep other sessions waiting.
            self._looked[row.id] = time.monotonic()
            self._looking[row.id] = asyncio.create_task(self._look(row, host))
        viewers = status.viewers if status.viewers is not None else self._viewers.get(row.id)
        # A warm session waits for its first viewer without being away from anybody.
        told = viewers is not None and row.owner != POOL_OWNER
        if told and (viewers != 0) != (row.state == SessionState.RUNNING):
            return await self._sessions.set_watched(row, viewers != 0)
        return await self._bound(row, now)

    async def give_back(self, row: SessionRow, host: HostRow) -> None:
        """A new instance has taken a crashed one's place: bring it to where that was."""
        if not row.known:
            return
        try:
            await snapshots.give_back(host, row, self._hosts.agents.get(host.id), self._settings.command_timeout * 2)
        except snapshots.FAULTS as problem:
            log.warning("session %s: its camera and time are not given back: %s", row.id, problem)

    def _due(self, row: SessionRow, host: HostRow) -> bool:
        interval = self._settings.snapshot_interval
        if row.id in self._looking and not self._looking[row.id].done():
            return False
        speaks = not host.plain and (host.gateway_port or self._hosts.agents.get(host.id) is not None)
        return bool(interval and speaks) and time.monotonic() - self._looked.get(row.id, -interval) >= interval

    async def _look(self, row: SessionRow, host: HostRow) -> None:
        try:
            taken = await snapshots.take(host, row, self._hosts.agents.get(host.id), self._settings.command_timeout)
            steered = bool(row.known) and taken.pose != snapshots.pose(row.known)
            if taken.known and taken.known != row.known:
                await self._sessions.set_known(row, taken.known, steered)
            self._viewers[row.id] = taken.viewers
            metrics.show(row.id, taken.stats)
        except snapshots.FAULTS as problem:
            log.debug("session %s: not looked at: %s", row.id, problem)
        except SQLAlchemyError as problem:
            log.warning("session %s: what it shows is not noted: %s", row.id, problem)

    async def _bound(self, row: SessionRow, now: str) -> bool:
        """Warn of its end, and end it when that has come."""
        end = limits.next_end(row) if row.owner != POOL_OWNER else None
        if end is not None and end.due(now):
            return await self._sessions.set_stopping(row, end.reason, SessionState.STOPPED)
        if end is not None and end.near(now, self._settings.warning):
            self._watchers.warn(row.id, SessionWarning(end.reason, end.stamp, end.hint))
            if row.warned != end.stamp:
                await self._sessions.set_warned(row, end.stamp, end.reason)
        elif row.warned:
            self._watchers.warn(row.id, SessionWarning())
            await self._sessions.set_warned(row, "", "")
        return False
