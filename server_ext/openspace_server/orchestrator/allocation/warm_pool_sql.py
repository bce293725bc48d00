"""The warm pool within an allocation's transaction: a session taken from it, or evicted to free its slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from openspace_server.orchestrator.allocation.placement import OFFERS, parameters
from openspace_server.orchestrator.allocation.requests import NewSession
from openspace_server.orchestrator.store.models import POOL_OWNER, HostRow, SessionRow, now
from openspace_server.orchestrator.store.sessions import ACTIVE, log
from openspace_server.orchestrator.store.sql_clock import db_time
from openspace_server.protocols.sessions import SessionState

STARTING = (SessionState.RESERVED, SessionState.STARTING)
EVICTED = "its slot was needed for another session"


async def take(
    tx: AsyncSession,
    hosts: Sequence[str],
    request: NewSession,
    values: dict[str, Any],
    states: Sequence[SessionState],
) -> SessionRow | None:
    """Give a suitable session of the pool, in one of ``states``, the new owner's ``values``; None if there is none."""
    query = (
        select(SessionRow)
        .where(
            SessionRow.owner == POOL_OWNER,
            SessionRow.state.in_(states),
            SessionRow.engine == request.engine,
            SessionRow.host.in_(hosts),
        )
        .order_by((SessionRow.region != request.region), SessionRow.created)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = await tx.scalar(query)
    if row is None:
        return None
    kept = ("id", "token", "state", "width", "height", *(() if row.state not in STARTING else ("since",)))
    taken = {name: value for name, value in values.items() if name not in kept}
    if row.state not in STARTING:
        taken["state"] = SessionState.RUNNING
    await tx.execute(update(SessionRow).where(SessionRow.id == row.id).values(taken))
    await tx.refresh(row)
    await log(tx, "taken", row)
    return row


async def evict(tx: AsyncSession, hosts: Sequence[str], request: NewSession) -> bool:
    """Begin to end a session of the pool whose slot ``request`` could use; False if there is none."""
    query = (
        select(SessionRow)
        .join(HostRow, HostRow.id == SessionRow.host)
        .where(SessionRow.owner == POOL_OWNER, SessionRow.state.in_(ACTIVE), OFFERS)
        .order_by(SessionRow.created.desc())
        .limit(1)
        .with_for_update(skip_locked=True, of=SessionRow)
    )
    row = await tx.scalar(query, parameters(hosts, request))
    if row is None:
        return False
    ending = {"state": SessionState.STOPPING, "reason": EVICTED, "ending": SessionState.STOPPED}
    change = update(SessionRow).where(SessionRow.id == row.id).values(**ending, since=db_time(), modified=now())
    await tx.execute(change)
    await log(tx, "stopping", row, detail=EVICTED)
    return True
