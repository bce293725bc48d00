"""Reconciliation of the database with a host's instances. Level-triggered: it does not matter how they diverged."""

from __future__ import annotations

import logging
import time

from openspace_server.orchestrator.hosts.supervisor_client import Capacity, Status, SupervisorClient
from openspace_server.orchestrator.store.hosts import HostStore
from openspace_server.orchestrator.store.models import HostRow, SessionRow
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols.sessions import SessionState

log = logging.getLogger(__name__)


class Reconciler:
    """Compares hosts with the database. ``grace``: seconds until an unknown instance is stopped, on a host that is
    configured to serve this database alone."""

    def __init__(self, sessions: SessionStore, hosts: HostStore, grace: float) -> None:
        self._sessions = sessions
        self._hosts = hosts
        self._grace = grace
        self._unknown_since: dict[tuple[str, int, str | None], float] = {}

    async def compare(self, host: HostRow, client: SupervisorClient, capacity: Capacity, thorough: bool) -> None:
        """Adopt, stop or count the instances of ``host``. Unless ``thorough``, only if their number differs.

        Raises:
            HostUnreachable, CommandRefused.
        """
        live = await self._sessions.live(host.id)
        rows = {row.instance: row for row in live if row.instance is not None}
        if capacity.running == len(rows) and not thorough and not host.occupied:
            return
        seen, occupied = set(), 0
        for instance in range(capacity.total):
            status = await client.status(instance)
            if not status.busy:
                continue
            owner = rows.get(instance)
            if owner is not None and status.belongs_to(owner.id):
                continue
            if status.session and (row := await self._sessions.session(status.session)) is not None:
                await self._adopt_or_stop(host, client, instance, status, row)
                continue
            key = (host.id, instance, status.session)
            seen.add(key)
            first = self._unknown_since.setdefault(key, time.monotonic())
            if host.exclusive and time.monotonic() - first >= self._grace:
                log.warning("host %s: stopping the unknown instance %d", host.id, instance)
                await client.stop_instance(instance, status.session)
            if time.monotonic() - first > 0:
                occupied += 1
        for key in [key for key in self._unknown_since if key[0] == host.id and key not in seen]:
            del self._unknown_since[key]
        # Unknown instances include those whose START has not been answered yet; their slots are counted already.
        unanswered = sum(row.instance is None and row.state == SessionState.STARTING for row in live)
        await self._hosts.set_occupied(host.id, max(0, occupied - unanswered))

    async def _adopt_or_stop(
        self, host: HostRow, client: SupervisorClient, instance: int, status: Status, row: SessionRow
    ) -> None:
        """The instance reports a session of this database, in which it is not recorded."""
        here = row.host == host.id and not row.is_ended and row.state != SessionState.REQUESTED
        if here and row.instance is None and (status.fence is None or status.fence == row.fence):
            if await self._sessions.set_instance(row, instance):
                log.info("session %s is adopted: instance %d of host %s", row.id, instance, host.id)
            return
        if here and row.instance == instance:
            return
        log.info("host %s: stopping instance %d, left over from session %s", host.id, instance, row.id)
        await client.stop_instance(instance, status.session)
