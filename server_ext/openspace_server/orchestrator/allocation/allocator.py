"""Slot allocation: quota, idempotency, slot, fence and audit row in one transaction without any network call."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from openspace_server.orchestrator.allocation import placement, warm_pool_sql
from openspace_server.orchestrator.allocation.requests import NewSession
from openspace_server.orchestrator.errors import KeyReused, QuotaReached
from openspace_server.orchestrator.store.database import Database
from openspace_server.orchestrator.store.models import POOL_OWNER, HostRow, SessionRow, SlotRow, now, table
from openspace_server.orchestrator.store.sessions import ATTACHED, ENDED, log
from openspace_server.orchestrator.store.sql_clock import db_time
from openspace_server.protocols.sessions import SessionState

# Locks the owner's row until the end of the transaction; the same statement for SQLite and PostgreSQL.
_LOCK_OWNER = text(
    "INSERT INTO owners (owner) VALUES (:owner) ON CONFLICT (owner) DO UPDATE SET owner = excluded.owner "
    "RETURNING quota"
)
_NEXT = placement.NEXT_SLOT.with_for_update(of=table(SlotRow))
_NEXT_UNLOCKED = placement.NEXT_SLOT.with_for_update(of=table(SlotRow), skip_locked=True)
# Built once, of bare tables: building a statement takes longer than executing it.
_SLOTS = table(SlotRow)
_ADD = insert(table(SessionRow)).values(since=db_time(), used=db_time())
_ADD_BOUNDED = _ADD.values(expires=db_time("duration"))
_OCCUPY = (
    update(_SLOTS)
    .where(_SLOTS.c.host == bindparam("host_"), _SLOTS.c.n == bindparam("slot_"))
    .values(session=bindparam("session_"), fence=bindparam("fence_"))
)
_CLOCKS = ("since", "used", "expires")
MAX_ATTEMPTS = 16

FreeSlot = Row[str, int, int, int]
"""A row of ``placement.NEXT_SLOT``."""


@dataclass(frozen=True)
class AllocationPolicy:
    """Limits of a new session and its owner. Times in seconds, 0 for none; ``quota`` 0 for no limit; ``warm``: it may
    be a session of the warm pool."""

    quota: int = 0
    max_duration: int = 0
    idle_limit: int = 0
    away_limit: int = 0
    warm: bool = False


class Allocator:
    """Allocates slots to sessions. ``worker``: the process that follows them."""

    def __init__(self, database: Database, worker: str = "") -> None:
        self._database = database
        self._worker = worker

    async def reserve(
        self,
        owner: str,
        request: NewSession,
        key: str | None,
        hosts: Sequence[str],
        policy: AllocationPolicy | None = None,
    ) -> tuple[SessionRow, bool]:
        """Reserve a slot of one of ``hosts`` for a new session; (session, whether it is new).

        The session is RESERVED; RUNNING, or about to be, when it came from the warm pool; REQUESTED when no slot is
        free and it may wait in the queue, or a warm session of another engine is being ended for it.

        Raises:
            QuotaReached: the owner has as many sessions as allowed.
            NoFreeSlot: all slots are busy; it says how many.
            KeyReused: the key belongs to another request.
        """
        policy = policy or AllocationPolicy()
        async with self._database.write() as tx:
            own = await tx.scalar(_LOCK_OWNER, {"owner": owner})
            if key is not None and (earlier := await find_earlier(tx, owner, key, request)):
                return earlier, False
            await _check_quota(tx, owner, policy.quota if own is None else own)
            values = self._values(owner, request, key, policy)
            use_pool = policy.warm and owner != POOL_OWNER
            if use_pool and (row := await warm_pool_sql.take(tx, hosts, request, values | _clocks(policy), ATTACHED)):
                return row, True
            slot = await _find_slot(tx, hosts, request, ahead=None)
            if slot is None and use_pool:
                if row := await warm_pool_sql.take(
                    tx, hosts, request, values | _clocks(policy), warm_pool_sql.STARTING
                ):
                    return row, True
                evicted = await warm_pool_sql.evict(tx, hosts, request)
            else:
                evicted = False
            if slot is None and not request.queue and not evicted:
                raise await _refusal(tx, hosts, request)
            if slot is None:
                row = await _add(tx, values, policy)
                await log(tx, "queued", row)
                return row, True
            values |= {"state": SessionState.RESERVED, "host": slot.host, "slot": slot.n, "fence": slot.fence + 1}
            row = await _add(tx, values, policy)
            await _occupy(tx, row)
            await log(tx, "reserved", row)
            return row, True

    async def queue_position(self, row: SessionRow) -> int | None:
        """How many sessions wait in the queue ahead of ``row``; None when it does not wait."""
        if row.state != SessionState.REQUESTED:
            return None
        async with self._database.read() as tx:
            position: int | None = await tx.scalar(_count_ahead(row))
            return position

    async def promote(self, row: SessionRow, hosts: Sequence[str]) -> bool:
        """REQUESTED → RESERVED, when there is a free slot that no session ahead of it in the queue needs."""
        request = NewSession(row.name, row.engine, row.width, row.height, row.region)
        async with self._database.write() as tx:
            ahead = await tx.scalar(_count_ahead(row))
            slot = await _find_slot(tx, hosts, request, ahead=ahead or 0)
            if slot is None:
                return False
            values = {"state": SessionState.RESERVED, "host": slot.host, "slot": slot.n, "fence": slot.fence + 1}
            change = (
                update(SessionRow)
                .where(SessionRow.id == row.id, SessionRow.state == SessionState.REQUESTED)
                .values(**values, since=db_time(), modified=now())
                .returning(SessionRow.id)
            )
            if await tx.scalar(change) is None:
                return False
            reserved = SessionRow(id=row.id, owner=row.owner, **values)
            await _occupy(tx, reserved)
            await log(tx, "reserved", reserved)
            return True

    async def restart(self, row: SessionRow, reason: str) -> bool:
        """Its instance has ended: back to RESERVED, in the same slot, under a higher fence."""
        async with self._database.write() as tx:
            own_slot = select(SlotRow.fence).where(
                SlotRow.host == row.host, SlotRow.n == row.slot, SlotRow.session == row.id
            )
            fence = await tx.scalar(own_slot.with_for_update())
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
                    since=db_time(),
                    modified=now(),
                )
                .returning(SessionRow.id)
            )
            if await tx.scalar(change) is None:
                return False
            again = SessionRow(id=row.id, owner=row.owner, host=row.host, slot=row.slot, fence=fence + 1)
            await log(tx, "crashed", row, detail=reason)
            await _occupy(tx, again)
            await log(tx, "reserved", again, detail="again, after a crash")
            return True

    def _values(self, owner: str, request: NewSession, key: str | None, policy: AllocationPolicy) -> dict[str, Any]:
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
            "idle_limit": policy.idle_limit,
            "away_limit": policy.away_limit,
            "warned": "",
            "ending": "",
            "restarts": 0,
            "snapshot": "",
            "created": stamp,
            "modified": stamp,
            "since": stamp,
            "used": stamp,
        }


def _count_ahead(row: SessionRow) -> Any:
    earlier = (SessionRow.created < row.created) | ((SessionRow.created == row.created) & (SessionRow.id < row.id))
    return select(func.count()).where(SessionRow.state == SessionState.REQUESTED, earlier)


async def find_earlier(tx: AsyncSession, owner: str, key: str, request: NewSession) -> SessionRow | None:
    """The session already made with ``key``. Raises KeyReused if that was for another request."""
    row = await tx.scalar(select(SessionRow).where(SessionRow.owner == owner, SessionRow.idempotency_key == key))
    if row is not None and row.request != request.digest:
        raise KeyReused()
    return row


def _clocks(policy: AllocationPolicy) -> dict[str, Any]:
    clocks: dict[str, Any] = {"since": db_time(), "used": db_time()}
    return clocks | ({"expires": db_time(policy.max_duration)} if policy.max_duration else {})


async def _check_quota(tx: AsyncSession, owner: str, quota: int) -> None:
    if not quota:
        return
    live = select(func.count()).where(SessionRow.owner == owner, SessionRow.state.not_in(ENDED))
    if (await tx.scalar(live) or 0) >= quota:
        raise QuotaReached(quota)


async def _find_slot(tx: AsyncSession, hosts: Sequence[str], request: NewSession, ahead: int | None) -> FreeSlot | None:
    """A free slot, locked. ``ahead``: how many sessions come first; None: all in the queue."""
    parameters = placement.parameters(hosts, request)
    slot: FreeSlot | None = (await tx.execute(_NEXT_UNLOCKED, parameters)).first()
    for _ in range(MAX_ATTEMPTS):
        first = ahead if ahead is not None else (slot.waiting if slot is not None else 0)
        if slot is not None and not first:
            return slot
        # Nothing found is no proof of "full": a transaction that fails may give the skipped slots back.
        free = await tx.scalar(placement.FREE_SLOTS, parameters) or 0
        if free <= first:
            return None
        if slot is not None:
            return slot
        slot = (await tx.execute(_NEXT, parameters)).first()
    return slot


async def _add(tx: AsyncSession, values: dict[str, Any], policy: AllocationPolicy) -> SessionRow:
    """Insert the session; its clocks are the database's."""
    fields = {name: value for name, value in values.items() if name not in _CLOCKS}
    if policy.max_duration:
        await tx.execute(_ADD_BOUNDED, fields | {"duration": policy.max_duration})
    else:
        await tx.execute(_ADD, fields | {"expires": ""})
    return SessionRow(**values)


async def _occupy(tx: AsyncSession, row: SessionRow) -> None:
    await tx.execute(_OCCUPY, {"host_": row.host, "slot_": row.slot, "session_": row.id, "fence_": row.fence})


async def _refusal(tx: AsyncSession, hosts: Sequence[str], request: NewSession) -> Exception:
    rows = (await tx.scalars(select(HostRow).where(HostRow.id.in_(hosts)))).all()
    occupied = select(func.count()).where(SlotRow.host.in_(hosts), SlotRow.session.is_not(None))
    live = (SessionRow.host.in_(hosts), SessionRow.state.not_in(ENDED), SessionRow.expires != "")
    next_end = await tx.scalar(select(func.min(SessionRow.expires)).where(*live))
    foreign = sum(host.occupied for host in rows)
    return placement.no_free_slot(rows, (await tx.scalar(occupied) or 0) + foreign, next_end or "", request)
