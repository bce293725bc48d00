"""Session store: all statements on sessions that have been allocated, and the event log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from openspace_server.orchestrator.store.database import Database, LogEvent
from openspace_server.orchestrator.store.models import EventRow, HostRow, SessionRow, SlotRow, now, table
from openspace_server.orchestrator.store.sql_clock import db_time
from openspace_server.protocols.sessions import SessionState

ENDED = tuple(state for state in SessionState if state.is_ended)
ATTACHED = (SessionState.RUNNING, SessionState.DISCONNECTED)
ACTIVE = (SessionState.RESERVED, SessionState.STARTING, *ATTACHED)
# Built once: building a statement takes longer than executing it.
_READ = (
    select(SessionRow, HostRow, db_time())
    .outerjoin(HostRow, HostRow.id == SessionRow.host)
    .where(SessionRow.id == bindparam("session"))
)
_LOG = insert(table(EventRow))


class SessionStore:
    """Sessions and their events. Every transition is guarded by the fence and by the state it starts from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def session(self, id: str) -> SessionRow | None:
        async with self._database.read() as tx:
            return await tx.get(SessionRow, id)

    async def read(self, id: str) -> tuple[SessionRow, HostRow | None, str] | None:
        """The session, its host, and the database's time."""
        async with self._database.read() as tx:
            found = (await tx.execute(_READ, {"session": id})).first()
            return (found[0], found[1], found[2]) if found is not None else None

    async def sessions(self, owners: Sequence[str], ended: bool = False) -> Sequence[SessionRow]:
        """The sessions of ``owners``, oldest first; with ``ended``, also those that have ended."""
        return await self._list(SessionRow.owner.in_(owners), ended)

    async def live(self, host: str | None = None) -> Sequence[SessionRow]:
        """All sessions of all owners that have not ended; only those on ``host`` if one is given."""
        return await self._list(SessionRow.host == host if host is not None else SessionRow.id.is_not(None), False)

    async def counts(self) -> dict[str, int]:
        """How many live sessions there are in each state."""
        query = select(SessionRow.state, func.count()).where(SessionRow.state.not_in(ENDED)).group_by(SessionRow.state)
        async with self._database.read() as tx:
            return {row[0]: row[1] for row in await tx.execute(query)}

    async def claim_start(self, row: SessionRow) -> bool:
        """RESERVED → STARTING: the process that gets True sends START."""
        reserved = SessionRow.state == SessionState.RESERVED
        return await self._transition(row, "starting", [reserved], state=SessionState.STARTING)

    async def set_instance(self, row: SessionRow, instance: int) -> bool:
        """The host started it as ``instance``; recorded also while STOPPING, so that the instance can be stopped."""
        return await self._transition(row, "started", [SessionRow.instance.is_(None)], instance=instance)

    async def set_running(self, row: SessionRow) -> bool:
        return await self._transition(
            row, "running", [SessionRow.state == SessionState.STARTING], state=SessionState.RUNNING, reason=""
        )

    async def set_progress(self, row: SessionRow, reason: str) -> None:
        """Record the progress of the start, for the waiting view. Not logged: it changes every few seconds."""
        here = (SessionRow.id == row.id, SessionRow.fence == row.fence, SessionRow.state == SessionState.STARTING)
        async with self._database.write() as tx:
            await tx.execute(update(SessionRow).where(*here).values(reason=reason, modified=now()))

    async def set_watched(self, row: SessionRow, watched: bool) -> bool:
        """RUNNING ⇄ DISCONNECTED."""
        before, after = ATTACHED[::-1] if watched else ATTACHED
        kind = "connected" if watched else "disconnected"
        return await self._transition(row, kind, [SessionRow.state == before], state=after)

    async def set_size(self, row: SessionRow, width: int, height: int) -> bool:
        return await self._transition(row, "resolution", [], width=width, height=height)

    async def set_snapshot(self, row: SessionRow, snapshot: str, used: bool) -> None:
        """The instance's state, for an instance that has to replace it; ``used``: it was steered since the last one."""
        await self._update(row, snapshot=snapshot, **({"used": db_time()} if used else {}))

    async def set_used(self, id: str) -> None:
        """A viewer uses it now."""
        change = update(SessionRow).where(SessionRow.id == id, SessionRow.state.in_(ATTACHED)).values(used=db_time())
        async with self._database.write() as tx:
            await tx.execute(change)

    async def set_warned(self, row: SessionRow, at: str, reason: str) -> bool:
        """Its users are warned that it ends ``at``; empty: the warning is withdrawn. True once for each."""
        kind = "warned" if at else "warning withdrawn"
        detail = f"ends at {at}: {reason}" if at else ""
        return await self._transition(row, kind, [SessionRow.warned != at], detail, warned=at)

    async def reset_restarts(self, row: SessionRow) -> None:
        """It has run long enough for earlier crashes not to count any more."""
        await self._update(row, restarts=0)

    async def set_stopping(self, row: SessionRow, reason: str = "", ending: SessionState | None = None) -> bool:
        """STARTING or RUNNING → STOPPING. Ends as ``ending``; by default FAILED if there is a reason, else STOPPED."""
        active = (SessionState.STARTING, *ATTACHED)
        ending = ending or (SessionState.FAILED if reason else SessionState.STOPPED)
        return await self._transition(
            row,
            "stopping",
            [SessionRow.state.in_(active)],
            reason,
            state=SessionState.STOPPING,
            reason=reason,
            ending=ending,
        )

    async def end(self, row: SessionRow, state: SessionState, reason: str = "", only_from: str | None = None) -> bool:
        """Enter a terminal state; its slot is freed in the same transaction."""
        guard: ColumnElement[bool] = (SessionRow.id == row.id) & (SessionRow.fence == row.fence)
        if only_from is not None:
            guard &= SessionRow.state == only_from
        async with self._database.write() as tx:
            return bool(await end_sessions(tx, guard, state, reason))

    async def events(self, session: str | None = None, after: int = 0, limit: int = 10_000) -> Sequence[EventRow]:
        """The events of one session, or of all, oldest first."""
        query = select(EventRow).where(EventRow.id > after).order_by(EventRow.id).limit(limit)
        if session is not None:
            query = query.where(EventRow.session == session)
        async with self._database.read() as tx:
            return (await tx.scalars(query)).all()

    async def _list(self, which: ColumnElement[bool], ended: bool) -> Sequence[SessionRow]:
        query = select(SessionRow).where(which).order_by(SessionRow.created, SessionRow.id)
        if not ended:
            query = query.where(SessionRow.state.not_in(ENDED))
        async with self._database.read() as tx:
            return (await tx.scalars(query)).all()

    async def _update(self, row: SessionRow, **values: Any) -> None:
        """A change that is no transition: not logged."""
        change = update(SessionRow).where(SessionRow.id == row.id, SessionRow.fence == row.fence).values(**values)
        async with self._database.write() as tx:
            await tx.execute(change)

    async def _transition(
        self, row: SessionRow, kind: str, guards: list[ColumnElement[bool]], detail: str | None = None, **values: Any
    ) -> bool:
        shown = " ".join(f"{k}={v}" for k, v in values.items() if k not in ("state", "reason"))
        stamps = {"modified": now()} | ({"since": db_time()} if "state" in values else {})
        change = (
            update(table(SessionRow))
            .where(SessionRow.id == row.id, SessionRow.fence == row.fence, SessionRow.state.not_in(ENDED), *guards)
            .values(**stamps, **values)
            .returning(SessionRow.id)
        )
        async with self._database.write() as tx:
            if await tx.scalar(change) is None:
                return False
            await log(tx, kind, row, detail=shown if detail is None else detail)
            return True


async def end_sessions(tx: AsyncSession, which: ColumnElement[bool], state: SessionState, reason: str) -> list[str]:
    """End all live sessions that match ``which`` and free their slots; their ids."""
    rows = (await tx.scalars(select(SessionRow).where(which, SessionRow.state.not_in(ENDED)).with_for_update())).all()
    ids = [row.id for row in rows]
    for row in rows:
        row.state, row.token, row.modified, row.since = state, "", now(), now()
        row.reason = reason or row.reason
        await log(tx, state.lower(), row, detail=row.reason)
    if ids:
        await tx.execute(update(SlotRow).where(SlotRow.session.in_(ids)).values(session=None))
    return ids


async def log(
    tx: AsyncSession, kind: str, session: SessionRow | None = None, host: str | None = None, detail: str = ""
) -> None:
    """Append to the event log, within the transaction of the change; listeners are called once it is committed."""
    event = LogEvent(
        at=now(),
        kind=kind,
        session=session.id if session else None,
        host=session.host if session else host,
        fence=session.fence if session else None,
        detail=detail,
    )
    tx.info.setdefault("events", []).append(event)
    await tx.execute(_LOG, vars(event))
