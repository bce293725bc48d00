"""Every statement about render hosts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from openspace_server.orchestrator.database import Database
from openspace_server.orchestrator.models import HostRow, HostState, SessionRow, SlotRow, now
from openspace_server.orchestrator.settings import HostAddress
from openspace_server.orchestrator.store import ENDED, end_sessions, log
from openspace_server.protocols.sessions import SessionState

_ALIVE = HostRow.state != HostState.GONE


class HostStore:
    """Hosts and the number of their slots."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def host(self, id: str) -> HostRow | None:
        async with self._database.read() as tx:
            return await tx.get(HostRow, id)

    async def local(self) -> HostRow | None:
        """The local host that is starting, ready or lost, whichever process started it."""
        async with self._database.read() as tx:
            return await tx.scalar(select(HostRow).where(HostRow.local, _ALIVE))

    async def add_local(self, slots: int, secret: str) -> HostRow | None:
        """A local host in state ``starting``, its slots already to be had; None when there is one already."""
        row = _row(HostAddress("127.0.0.1"), secret, HostState.STARTING, local=True)
        row.port = row.gateway_port = 0
        try:
            async with self._database.write() as tx:
                tx.add(row)
                await tx.flush()
                await _set_slots(tx, row, slots)
                log(tx, "host starting", host=row.id)
        except IntegrityError:
            return None
        return row

    async def add_static(self, where: HostAddress, secret: str) -> HostRow:
        """The configured host at ``where``; new ones count as lost until they answer."""
        async with self._database.write() as tx:
            row = await tx.scalar(
                select(HostRow).where(
                    ~HostRow.local, _ALIVE, HostRow.address == where.address, HostRow.port == where.port
                )
            )
            if row is None:
                row = _row(where, secret, HostState.LOST, local=False)
                row.reason = f"{where.address}:{where.port} has not answered yet"
                tx.add(row)
            row.gateway_port, row.secret = where.gateway_port, secret
            return row

    async def set_started(self, id: str, port: int, gateway_port: int, slots: int, pid: int) -> bool:
        """The local host listens."""
        async with self._database.write() as tx:
            row = await tx.get(HostRow, id)
            if row is None or row.state != HostState.STARTING:
                return False
            row.port, row.gateway_port, row.pid = port, gateway_port, pid
            row.state, row.modified = HostState.READY, now()
            await _set_slots(tx, row, slots)
            log(tx, "host ready", host=id, detail=f"slots={slots} pid={pid}")
            return True

    async def set_ready(self, id: str, slots: int) -> bool:
        """It answers (again), with so many slots. True when that is news."""
        async with self._database.write() as tx:
            row = await tx.get(HostRow, id)
            if row is None or row.state not in (HostState.LOST, HostState.READY):
                return False
            news = row.state == HostState.LOST
            row.state, row.reason, row.modified = HostState.READY, "", now()
            await _set_slots(tx, row, slots)
            if news:
                log(tx, "host ready", host=id, detail=f"slots={slots}")
            return news

    async def set_lost(self, id: str, reason: str) -> bool:
        """It does not answer: its sessions are LOST, its slots are given to nobody until it answers again."""
        return await self._away(id, HostState.LOST, (HostState.READY, HostState.DRAINING), reason)

    async def set_reason(self, id: str, reason: str) -> None:
        """Why a lost host does not answer, in its latest words."""
        change = update(HostRow).where(HostRow.id == id, HostRow.state == HostState.LOST).values(reason=reason)
        async with self._database.write() as tx:
            await tx.execute(change)

    async def set_gone(self, id: str, reason: str) -> bool:
        """It has ended for certain: its sessions are LOST."""
        return await self._away(id, HostState.GONE, tuple(s for s in HostState if s != HostState.GONE), reason)

    async def retire(self, id: str) -> bool:
        """Gone, if no session lives there. After True nobody can get a slot on it any more, so it may be ended."""
        idle = ~exists().where(SessionRow.host == id, SessionRow.state.not_in(ENDED))
        return await self._away(id, HostState.GONE, (HostState.READY,), "not needed", idle)

    async def _away(
        self, id: str, state: HostState, only_from: tuple[HostState, ...], reason: str, *guards: ColumnElement[bool]
    ) -> bool:
        change = (
            update(HostRow)
            .where(HostRow.id == id, HostRow.state.in_(only_from), *guards)
            .values(state=state, reason=reason, modified=now())
            .returning(HostRow.id)
        )
        if state == HostState.GONE:
            change = change.values(secret="")
        async with self._database.write() as tx:
            if await tx.scalar(change) is None:
                return False
            log(tx, f"host {state}", host=id, detail=reason)
            await end_sessions(tx, SessionRow.host == id, SessionState.LOST, reason)
            return True


def _row(where: HostAddress, secret: str, state: HostState, local: bool) -> HostRow:
    stamp = now()
    return HostRow(
        id=str(uuid.uuid4()),
        address=where.address,
        port=where.port,
        gateway_port=where.gateway_port,
        secret=secret,
        slots=0,
        state=state,
        reason="",
        local=local,
        created=stamp,
        modified=stamp,
    )


async def _set_slots(tx: AsyncSession, row: HostRow, slots: int) -> None:
    """Only ever adds rows: one beyond ``row.slots`` is given to nobody, but may still be in use."""
    known: Sequence[int] = (await tx.scalars(select(SlotRow.n).where(SlotRow.host == row.id))).all()
    tx.add_all(SlotRow(host=row.id, n=n, fence=0) for n in range(slots) if n not in known)
    row.slots = slots
