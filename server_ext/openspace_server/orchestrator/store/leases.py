"""Worker leases: which orchestrator process owns which sessions. When one dies, the others take over its sessions."""

from __future__ import annotations

import contextlib
import os
import platform
import uuid

from sqlalchemy import delete, insert, select, update

from openspace_server.orchestrator.store.database import Database
from openspace_server.orchestrator.store.models import LeaseRow, SessionRow
from openspace_server.orchestrator.store.sessions import ENDED
from openspace_server.orchestrator.store.sql_clock import db_time

FORGOTTEN = 24 * 3600.0
"""Seconds after its end at which a lease is deleted."""


class Leases:
    """The lease of this process in_list those of all processes that share the database. ``duration`` in seconds."""

    def __init__(self, database: Database, duration: float) -> None:
        self.worker = str(uuid.uuid4())
        self._database = database
        self._duration = duration

    async def join(self) -> None:
        """Take a lease. Those of dead processes on this machine are deleted at once."""
        machine = platform.node()
        async with self._database.write() as tx:
            rows = (await tx.execute(select(LeaseRow.id, LeaseRow.pid).where(LeaseRow.machine == machine))).all()
            dead = [row.id for row in rows if not _alive(row.pid)]
            await tx.execute(
                delete(LeaseRow).where(LeaseRow.id.in_(dead) | (LeaseRow.lease_until < db_time(-FORGOTTEN)))
            )
            values = {"id": self.worker, "machine": machine, "pid": os.getpid(), "lease_until": db_time(self._duration)}
            await tx.execute(insert(LeaseRow).values(values))

    async def renew(self) -> None:
        change = update(LeaseRow).where(LeaseRow.id == self.worker).values(lease_until=db_time(self._duration))
        async with self._database.write() as tx:
            await tx.execute(change)

    async def leave(self) -> None:
        """Give the lease up: the others take over at once."""
        async with self._database.write() as tx:
            await tx.execute(delete(LeaseRow).where(LeaseRow.id == self.worker))

    async def take_over(self) -> list[str]:
        """Make this process the worker of all live sessions whose worker has no valid lease; their ids."""
        living = select(LeaseRow.id).where(LeaseRow.lease_until > db_time())
        orphan = (SessionRow.state.not_in(ENDED), SessionRow.worker.not_in(living))
        async with self._database.read() as tx:
            if await tx.scalar(select(SessionRow.id).where(*orphan).limit(1)) is None:
                return []
        change = update(SessionRow).where(*orphan).values(worker=self.worker).returning(SessionRow.id)
        async with self._database.write() as tx:
            return list((await tx.scalars(change)).all())


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    with contextlib.suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
