"""Which orchestrator process looks after which sessions. One that dies, however, is replaced by the others."""

from __future__ import annotations

import contextlib
import os
import platform
import uuid

from sqlalchemy import delete, insert, select, update

from openspace_server.orchestrator.store.database import Database
from openspace_server.orchestrator.store.models import KeeperRow, SessionRow
from openspace_server.orchestrator.store.sessions import ENDED
from openspace_server.orchestrator.store.sql_clock import moment

FORGOTTEN = 24 * 3600.0


class Keepers:
    """This process among all that share the database. ``lease`` in seconds."""

    def __init__(self, database: Database, lease: float) -> None:
        self.id = str(uuid.uuid4())
        self._database = database
        self._lease = lease

    async def join(self) -> None:
        """Be one of them. Those of this machine that were killed need not be waited for."""
        machine = platform.node()
        async with self._database.write() as tx:
            rows = (await tx.execute(select(KeeperRow.id, KeeperRow.pid).where(KeeperRow.machine == machine))).all()
            dead = [row.id for row in rows if not _alive(row.pid)]
            await tx.execute(
                delete(KeeperRow).where(KeeperRow.id.in_(dead) | (KeeperRow.lease_until < moment(-FORGOTTEN)))
            )
            values = {"id": self.id, "machine": machine, "pid": os.getpid(), "lease_until": moment(self._lease)}
            await tx.execute(insert(KeeperRow).values(values))

    async def renew(self) -> None:
        change = update(KeeperRow).where(KeeperRow.id == self.id).values(lease_until=moment(self._lease))
        async with self._database.write() as tx:
            await tx.execute(change)

    async def leave(self) -> None:
        """The others take over at once."""
        async with self._database.write() as tx:
            await tx.execute(delete(KeeperRow).where(KeeperRow.id == self.id))

    async def take_over(self) -> list[str]:
        """The live sessions that no living process looked after; from now on this one does."""
        living = select(KeeperRow.id).where(KeeperRow.lease_until > moment())
        orphan = (SessionRow.state.not_in(ENDED), SessionRow.keeper.not_in(living))
        async with self._database.read() as tx:
            if await tx.scalar(select(SessionRow.id).where(*orphan).limit(1)) is None:
                return []
        change = update(SessionRow).where(*orphan).values(keeper=self.id).returning(SessionRow.id)
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
