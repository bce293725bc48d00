"""The grant: quota, idempotency, slot, fence and audit row in one transaction that no network call is part of."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from openspace_server.orchestrator.allocation import placement
from openspace_server.orchestrator.allocation import warm_pool_sql as warm
from openspace_server.orchestrator.allocation.requests import NewSession
from openspace_server.orchestrator.errors import KeyReused, QuotaReached
from openspace_server.orchestrator.store.database import Database
from openspace_server.orchestrator.store.models import POOL, HostRow, SessionRow, SlotRow, now, table
from openspace_server.orchestrator.store.sessions import ATTACHED, ENDED, log
from openspace_server.orchestrator.store.sql_clock import moment
from openspace_server.protocols.sessions import SessionState

# Locks the owner's row until the end of the transaction; the same words for SQLite and PostgreSQL.
_LOCK_OWNER = text(
    "INSERT INTO owners (owner) VALUES (:owner) ON CONFLICT (owner) DO UPDATE SET owner = excluded.owner "
    "RETURNING quota"
)
_NEXT = placement.NEXT_SLOT.with_for_update(of=table(SlotRow))
_NEXT_UNLOCKED = placement.NEXT_SLOT.with_for_update(of=table(SlotRow), skip_locked=True)
# Built once, of bare tables: building a statement takes longer than executing it.
_SLOTS = table(SlotRow)
_ADD = insert(table(SessionRow)).values(since=moment(), used=moment())
_ADD_BOUNDED = _ADD.values(expires=moment("lasting"))
_HOLD = (
    update(_SLOTS)
    .where(_SLOTS.c.host == bindparam("host_"), _SLOTS.c.n == bindparam("slot_"))
    .values(session=bindparam("session_"), fence=bindparam("fence_"))
)
_CLOCKS = ("since", "used", "expires")
LOOKS = 16

Free = Row[str, int, int, int]
"""A row of ``placement.NEXT_SLOT``."""


@dataclass(frozen=True)
class Terms:
    """What a new session is granted. Times in seconds, 0 for none; ``quota`` 0 for no limit."""

    quota: int = 0
    max_duration: int = 0
    idle_limit: int = 0
    away_limit: int = 0
    warm: bool = False


class Grants:
    """Gives slots to sessions. ``worker``: the process that follows them."""

    def __init__(self, database: Database, worker: str = "") -> None:
        self._database = database
        self._worker = worker

    async def reserve(
        self, owner: str, request: NewSession, key: str | None, hosts: Sequence[str], terms: Terms | None = None
    ) -> tuple[SessionRow, bool]:
        """A slot of one of ``hosts`` for a new session; (session, whether it is new).

        The session is RESERVED; RUNNING, or on the way to it, when a warm one was at hand; REQUESTED when no slot is
        free and it asked for a place in the queue, or a warm session of another engine makes room.

        Raises:
            QuotaReached: the owner has as many as allowed.
            NoFreeSlot: told at once, with how many are busy.
            KeyReused: the key was for another request.
        """
        terms = terms or Terms()
        async with self._database.write() as tx:
            own = await tx.scalar(_LOCK_OWNER, {"owner": owner})
            if key is not None and (earlier := await find_earlier(tx, owner, key, request)):
                return earlier, False
            await _check_quota(tx, owner, terms.quota if own is None else own)
            values = self._values(owner, request, key, terms)
            pool = terms.warm and owner != POOL
            if pool and (row := await warm.take(tx, hosts, request, values | _clocks(terms), ATTACHED)):
                return row, True
            slot = await _find_slot(tx, hosts, request, ahead=None)
            if slot is None and pool:
                if row := await warm.take(tx, hosts, request, values | _clocks(terms), warm.ON_THE_WAY):
                    return row, True
                evicted = await warm.evict(tx, hosts, request)
            else:
                evicted = False
            if slot is None and not request.queue and not evicted:
                raise await _refusal(tx, hosts, request)
            if slot is None:
                row = await _add(tx, values, terms)
                await log(tx, "queued", row)
                return row, True
            values |= {"state": SessionState.RESERVED, "host": slot.host, "slot": slot.n, "fence": slot.fence + 1}
            row = await _add(tx, values, terms)
            await _hold(tx, row)
            await log(tx, "reserved", row)
            return row, True

    async def place(self, row: SessionRow) -> int | None:
        """How many wait in the queue before ``row``; None when it does not wait."""
        if row.state != SessionState.REQUESTED:
            return None
        async with self._database.read() as tx:
            place: int | None = await tx.scalar(queue_place(row))
            return place

    async def promote(self, row: SessionRow, hosts: Sequence[str]) -> bool:
        """REQUESTED → RESERVED, when a slot is free for it that nobody waits for longer."""
        request = NewSession(row.name, row.engine, row.width, row.height, row.region)
        async with self._database.write() as tx:
            place = await tx.scalar(queue_place(row))
            slot = await _find_slot(tx, hosts, request, ahead=place or 0)
            if slot is None:
                return False
            values = {"state": SessionState.RESERVED, "host": slot.host, "slot": slot.n, "fence": slot.fence + 1}
            change = (
                update(SessionRow)
                .where(SessionRow.id == row.id, SessionRow.state == SessionState.REQUESTED)
                .values(**values, since=moment(), modified=now())
                .returning(SessionRow.id)
            )
            if await tx.scalar(change) is None:
                return False
            granted = SessionRow(id=row.id, owner=row.owner, **values)
            await _hold(tx, granted)
            await log(tx, "reserved", granted)
            return True

    async def restart(self, row: SessionRow, reason: str) -> bool:
        """Its instance is no more: the same slot again, under a higher fence, RESERVED anew."""
        async with self._database.write() as tx:
            mine = select(SlotRow.fence).where(
                SlotRow.host == row.host, SlotRow.n == row.slot, SlotRow.session == row.id
            )
            fence = await tx.scalar(mine.with_for_update())
            if fence is None:
                return False
            change = (
                update(SessionRow)
                .where(
                    SessionRow.id == row.id,
                    SessionRow.fence == row.fence,
                    SessionRow.state.in_((SessionState.RUNNING, SessionState.DISCONNECTED, SessionState.STARTING)),
                )
                .values(
                    state=SessionState.RESERVED,
                    fence=fence + 1,
                    instance=None,
                    reason=reason,
                    restarts=SessionRow.restarts + 1,
                    since=moment(),
                    modified=now(),
                )
                .returning(SessionRow.id)
            )
            if await tx.scalar(change) is None:
                return False
            again = SessionRow(id=row.id, owner=row.owner, host=row.host, slot=row.slot, fence=fence + 1)
            await log(tx, "crashed", row, detail=reason)
            await _hold(tx, again)
            await log(tx, "reserved", again, detail="again, after a crash")
            return True

    def _values(self, owner: str, request: NewSession, key: str | None, terms: Terms) -> dict[str, Any]:
        stamp = now()
        return {
            "id": str(uuid.uuid4()),
            "owner": owner,
            "name": request.name,
            "state": SessionState.REQUESTED,
            "reason": "",
            "engine": request.engine,
            "width": request.width,
            "height": request.height,
            "token": secrets.token_urlsafe(32),
            "idempotency_key": key,
            "request": request.digest,
            "region": request.region,
            "worker": self._worker,
            "expires": "",
            "idle_limit": terms.idle_limit,
            "away_limit": terms.away_limit,
            "warned": "",
            "ending": "",
            "restarts": 0,
            "known": "",
            "created": stamp,
            "modified": stamp,
            "since": stamp,
            "used": stamp,
        }


def queue_place(row: SessionRow) -> Any:
    """How many wait before it."""
    before = (SessionRow.created < row.created) | ((SessionRow.created == row.created) & (SessionRow.id < row.id))
    return select(func.count()).where(SessionRow.state == SessionState.REQUESTED, before)


async def find_earlier(tx: AsyncSession, owner: str, key: str, request: NewSession) -> SessionRow | None:
    """The session that ``key`` already made. Raises KeyReused if that was for another request."""
    row = await tx.scalar(select(SessionRow).where(SessionRow.owner == owner, SessionRow.idempotency_key == key))
    if row is not None and row.request != request.digest:
        raise KeyReused()
    return row


def _clocks(terms: Terms) -> dict[str, Any]:
    clocks: dict[str, Any] = {"since": moment(), "used": moment()}
    return clocks | ({"expires": moment(terms.max_duration)} if terms.max_duration else {})


async def _check_quota(tx: AsyncSession, owner: str, quota: int) -> None:
    if not quota:
        return
    live = select(func.count()).where(SessionRow.owner == owner, SessionRow.state.not_in(ENDED))
    if (await tx.scalar(live) or 0) >= quota:
        raise QuotaReached(quota)


async def _find_slot(tx: AsyncSession, hosts: Sequence[str], request: NewSession, ahead: int | None) -> Free | None:
    """A free slot, locked. ``ahead``: how many have waited longer; None: everybody in the queue has."""
    wishes = placement.wishes(hosts, request)
    slot: Free | None = (await tx.execute(_NEXT_UNLOCKED, wishes)).first()
    for _ in range(LOOKS):
        before = ahead if ahead is not None else (slot.waiting if slot is not None else 0)
        if slot is not None and not before:
            return slot
        # Nothing found is no proof of "full": the slots skipped may be given back by a transaction that fails.
        free = await tx.scalar(placement.FREE_SLOTS, wishes) or 0
        if free <= before:
            return None
        if slot is not None:
            return slot
        slot = (await tx.execute(_NEXT, wishes)).first()
    return slot


async def _add(tx: AsyncSession, values: dict[str, Any], terms: Terms) -> SessionRow:
    """Write the session down; its clocks are the database's."""
    told = {name: value for name, value in values.items() if name not in _CLOCKS}
    if terms.max_duration:
        await tx.execute(_ADD_BOUNDED, told | {"lasting": terms.max_duration})
    else:
        await tx.execute(_ADD, told | {"expires": ""})
    return SessionRow(**values)


async def _hold(tx: AsyncSession, row: SessionRow) -> None:
    await tx.execute(_HOLD, {"host_": row.host, "slot_": row.slot, "session_": row.id, "fence_": row.fence})


async def _refusal(tx: AsyncSession, hosts: Sequence[str], request: NewSession) -> Exception:
    rows = (await tx.scalars(select(HostRow).where(HostRow.id.in_(hosts)))).all()
    held = select(func.count()).where(SlotRow.host.in_(hosts), SlotRow.session.is_not(None))
    live = (SessionRow.host.in_(hosts), SessionRow.state.not_in(ENDED), SessionRow.expires != "")
    next_end = await tx.scalar(select(func.min(SessionRow.expires)).where(*live))
    foreign = sum(host.occupied for host in rows)
    return placement.full(rows, (await tx.scalar(held) or 0) + foreign, next_end or "", request)
