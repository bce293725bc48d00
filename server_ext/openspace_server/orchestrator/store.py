"""Every statement about sessions. Each step is one transaction with a guarded UPDATE: of several processes that try
the same step, one succeeds and the others see False."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from openspace_server.orchestrator import placement
from openspace_server.orchestrator.database import Database
from openspace_server.orchestrator.errors import KeyReused
from openspace_server.orchestrator.models import EventRow, HostRow, SessionRow, SlotRow, now
from openspace_server.orchestrator.requests import NewSession
from openspace_server.protocols.sessions import SessionState

ENDED = tuple(state for state in SessionState if state.ended)


class SessionStore:
    """Sessions, their slots and the event log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def session(self, id: str) -> SessionRow | None:
        async with self._database.read() as tx:
            return await tx.get(SessionRow, id)

    async def sessions(self, owners: Sequence[str], ended: bool = False) -> Sequence[SessionRow]:
        """The sessions of ``owners``, oldest first; those that ended only when asked for."""
        query = select(SessionRow).where(SessionRow.owner.in_(owners)).order_by(SessionRow.created, SessionRow.id)
        if not ended:
            query = query.where(SessionRow.state.not_in(ENDED))
        async with self._database.read() as tx:
            return (await tx.scalars(query)).all()

    async def live(self) -> Sequence[SessionRow]:
        """Every session that has not ended, whoever owns it."""
        async with self._database.read() as tx:
            return (await tx.scalars(select(SessionRow).where(SessionRow.state.not_in(ENDED)))).all()

    async def earlier(self, owner: str, key: str | None, request: NewSession) -> SessionRow | None:
        """The session that this idempotency key already made.

        Raises:
            KeyReused: it was for another request.
        """
        if key is None:
            return None
        async with self._database.read() as tx:
            return await _earlier(tx, owner, key, request)

    async def reserve(
        self, owner: str, request: NewSession, key: str | None, hosts: Sequence[str]
    ) -> tuple[SessionRow, bool]:
        """Give a slot of one of ``hosts`` to a new session, in state RESERVED; (session, whether it is new).

        Raises:
            NoFreeSlot: told at once, with how many are busy.
            KeyReused: the key was for another request.
        """
        async with self._database.write() as tx:
            if key is not None and (earlier := await _earlier(tx, owner, key, request)):
                return earlier, False
            slot = await tx.scalar(placement.next_slot(hosts))
            if slot is None:
                rows = (await tx.scalars(select(HostRow).where(HostRow.id.in_(hosts)))).all()
                held = select(func.count()).where(SlotRow.host.in_(hosts), SlotRow.session.is_not(None))
                raise placement.full(rows, await tx.scalar(held) or 0)
            stamp = now()
            row = SessionRow(
                id=str(uuid.uuid4()),
                owner=owner,
                name=request.name,
                state=SessionState.RESERVED,
                reason="",
                engine=request.engine,
                width=request.width,
                height=request.height,
                token=secrets.token_urlsafe(32),
                host=slot.host,
                slot=slot.n,
                fence=slot.fence + 1,
                idempotency_key=key,
                request=request.digest,
                created=stamp,
                modified=stamp,
            )
            tx.add(row)
            await tx.flush()
            slot.session, slot.fence = row.id, row.fence
            log(tx, "reserved", row)
            return row, True

    async def claim_start(self, row: SessionRow) -> bool:
        """RESERVED → STARTING: whoever gets True sends START."""
        reserved = SessionRow.state == SessionState.RESERVED
        return await self._step(row, "starting", [reserved], state=SessionState.STARTING)

    async def set_instance(self, row: SessionRow, instance: int) -> bool:
        """The host started it as ``instance``; also when a stop was asked meanwhile, which then knows what to stop."""
        return await self._step(row, "started", [SessionRow.instance.is_(None)], instance=instance)

    async def set_running(self, row: SessionRow) -> bool:
        return await self._step(row, "running", [SessionRow.state == SessionState.STARTING], state=SessionState.RUNNING)

    async def set_size(self, row: SessionRow, width: int, height: int) -> bool:
        return await self._step(row, "resolution", [], width=width, height=height)

    async def set_stopping(self, row: SessionRow, reason: str = "") -> bool:
        """STARTING or RUNNING → STOPPING. With a reason it will end as FAILED, without as STOPPED."""
        active = (SessionState.STARTING, SessionState.RUNNING, SessionState.DISCONNECTED)
        return await self._step(
            row, "stopping", [SessionRow.state.in_(active)], state=SessionState.STOPPING, reason=reason
        )

    async def end(self, row: SessionRow, state: SessionState, reason: str = "", only_from: str | None = None) -> bool:
        """Into a terminal state; its slot is free again in the same transaction."""
        guard: ColumnElement[bool] = SessionRow.id == row.id
        if only_from is not None:
            guard &= SessionRow.state == only_from
        async with self._database.write() as tx:
            return bool(await end_sessions(tx, guard, state, reason))

    async def events(self, session: str) -> Sequence[EventRow]:
        """What happened to one session, oldest first."""
        async with self._database.read() as tx:
            return (await tx.scalars(select(EventRow).where(EventRow.session == session).order_by(EventRow.id))).all()

    async def _step(self, row: SessionRow, kind: str, guards: list[ColumnElement[bool]], **values: Any) -> bool:
        change = (
            update(SessionRow)
            .where(SessionRow.id == row.id, SessionRow.fence == row.fence, SessionRow.state.not_in(ENDED), *guards)
            .values(modified=now(), **values)
            .returning(SessionRow.id)
        )
        async with self._database.write() as tx:
            if await tx.scalar(change) is None:
                return False
            log(tx, kind, row, detail=" ".join(f"{k}={v}" for k, v in values.items() if k != "state"))
            return True


async def end_sessions(tx: AsyncSession, which: ColumnElement[bool], state: SessionState, reason: str) -> list[str]:
    """End all live sessions that match and free their slots; their ids."""
    rows = (await tx.scalars(select(SessionRow).where(which, SessionRow.state.not_in(ENDED)).with_for_update())).all()
    ids = [row.id for row in rows]
    for row in rows:
        row.state, row.token, row.modified = state, "", now()
        row.reason = reason or row.reason
        log(tx, state.lower(), row, detail=row.reason)
    await tx.execute(update(SlotRow).where(SlotRow.session.in_(ids)).values(session=None))
    return ids


def log(
    tx: AsyncSession, kind: str, session: SessionRow | None = None, host: str | None = None, detail: str = ""
) -> None:
    """Append to the event log, in the transaction of what it tells."""
    tx.add(
        EventRow(
            at=now(),
            kind=kind,
            session=session.id if session else None,
            host=session.host if session else host,
            fence=session.fence if session else None,
            detail=detail,
        )
    )


async def _earlier(tx: AsyncSession, owner: str, key: str, request: NewSession) -> SessionRow | None:
    row = await tx.scalar(select(SessionRow).where(SessionRow.owner == owner, SessionRow.idempotency_key == key))
    if row is not None and row.request != request.digest:
        raise KeyReused()
    return row
