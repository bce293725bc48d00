"""Host store: all statements on render hosts and their slots."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from openspace_server.orchestrator.errors import HostInUse, UnknownHost
from openspace_server.orchestrator.settings import HostAddress
from openspace_server.orchestrator.store.database import Database
from openspace_server.orchestrator.store.models import HostKind, HostRow, HostState, SessionRow, SlotRow, now
from openspace_server.orchestrator.store.sessions import ENDED, end_sessions, log
from openspace_server.orchestrator.store.sql_clock import db_time
from openspace_server.protocols.sessions import SessionState

_ALIVE = HostRow.state != HostState.GONE
TRAITS = ("name", "region", "graphics_card", "ram", "storage", "engines", "exclusive")
"""What may be set for a host in addition to its address."""


class HostStore:
    """Hosts and the number of their slots."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def host(self, id: str) -> HostRow | None:
        async with self._database.read() as tx:
            return await tx.get(HostRow, id)

    async def local(self) -> HostRow | None:
        """The local host that is starting, ready or lost, even if another process started it."""
        async with self._database.read() as tx:
            return await tx.scalar(select(HostRow).where(HostRow.local, _ALIVE))

    async def add_local(self, slots: int, secret: str) -> HostRow | None:
        """Add a local host in state ``joining``; its slots can be reserved at once. None when there is one already."""
        row = _row(HostAddress("127.0.0.1"), secret, HostState.JOINING, HostKind.LOCAL, exclusive=True)
        row.port = row.gateway_port = 0
        try:
            async with self._database.write() as tx:
                tx.add(row)
                await tx.flush()
                await _set_slots(tx, row, slots)
                await log(tx, "host joining", host=row.id)
        except IntegrityError:
            return None
        return row

    async def hosts(self) -> Sequence[HostRow]:
        """All hosts that are not gone, oldest first."""
        async with self._database.read() as tx:
            return (await tx.scalars(select(HostRow).where(_ALIVE).order_by(HostRow.created, HostRow.id))).all()

    async def busy(self) -> dict[str, int]:
        """How many slots of each host are occupied by sessions."""
        query = select(SlotRow.host, func.count(SlotRow.session)).group_by(SlotRow.host)
        async with self._database.read() as tx:
            return {row[0]: row[1] for row in await tx.execute(query)}

    async def due(self, hosts: Sequence[str], interval: float, lease: float) -> Sequence[HostRow]:
        """Those of ``hosts`` that have answered no process within ``interval`` seconds."""
        recent = HostRow.lease_until > db_time(lease - interval)
        query = select(HostRow).where(_ALIVE, HostRow.id.in_(hosts), or_(~recent, HostRow.state != HostState.READY))
        async with self._database.read() as tx:
            return (await tx.scalars(query)).all()

    async def add(self, where: HostAddress, secret: str, kind: HostKind, **traits: Any) -> HostRow:
        """Add the host at ``where``, or update it; it gets no session until it answers.

        Raises:
            HostInUse: a host of another kind has that address.
        """
        try:
            return await self._add(where, secret, kind, traits)
        except IntegrityError:  # another process was quicker
            return await self._add(where, secret, kind, traits)

    async def _add(self, where: HostAddress, secret: str, kind: HostKind, traits: dict[str, Any]) -> HostRow:
        async with self._database.write() as tx:
            same = (HostRow.address == where.address, HostRow.port == where.port)
            row = await tx.scalar(select(HostRow).where(~HostRow.local, _ALIVE, HostRow.port != 0, *same))
            if row is not None and row.kind != kind:
                raise HostInUse(f"there already is a render host at {where.address}:{where.port}")
            if row is None:
                row = _row(where, secret, HostState.JOINING, kind)
                row.reason = f"{where.address}:{where.port} has not answered yet"
                tx.add(row)
                await tx.flush()
                await log(tx, "host joining", host=row.id)
            row.gateway_port, row.secret = where.gateway_port, secret
            for name, value in traits.items():
                setattr(row, name, value)
            return row

    async def add_agent(self, name: str, **traits: Any) -> HostRow:
        """Add a host that will dial in under ``name``, with the secret generated here.

        Raises:
            HostInUse: the name is taken.
        """
        row = _row(HostAddress(""), secrets.token_urlsafe(32), HostState.JOINING, HostKind.AGENT, name=name, **traits)
        row.port = row.gateway_port = 0
        row.reason = "it has not dialled in yet"
        try:
            async with self._database.write() as tx:
                tx.add(row)
                await tx.flush()
                await log(tx, "host joining", host=row.id)
        except IntegrityError:
            raise HostInUse(f"there already is an agent named {name}") from None
        return row

    async def agent(self, name: str) -> HostRow | None:
        async with self._database.read() as tx:
            return await tx.scalar(select(HostRow).where(_ALIVE, HostRow.kind == HostKind.AGENT, HostRow.name == name))

    async def find(self, which: str) -> HostRow:
        """The host with this name, address, address:port, or prefix of its id.

        Raises:
            UnknownHost: there is none, or more than one.
        """
        found = [
            host
            for host in await self.hosts()
            if which in (host.id, host.name, host.address, f"{host.address}:{host.port}")
            or (len(which) >= 4 and host.id.startswith(which))
        ]
        if len(found) != 1:
            count = f"{len(found)} render hosts" if found else "no render host"
            raise UnknownHost(f"{count} with the name, address or id {which}; see: openspace-widget hosts list")
        return found[0]

    async def set_drain(self, id: str, drain: bool) -> bool:
        """Drain it, or undo that: its sessions continue, and it gets no new ones."""
        state = case((HostRow.state.in_((HostState.LOST, HostState.JOINING)), HostRow.state), else_=_answering(drain))
        change = update(HostRow).where(HostRow.id == id, _ALIVE).values(drain=drain, state=state, modified=now())
        async with self._database.write() as tx:
            if await tx.scalar(change.returning(HostRow.id)) is None:
                return False
            await log(tx, "host draining" if drain else "host undrained", host=id)
            return True

    async def remove(self, id: str) -> None:
        """Remove it permanently.

        Raises:
            HostInUse: it has live sessions.
        """
        idle = ~exists().where(SessionRow.host == id, SessionRow.state.not_in(ENDED))
        if not await self._leave(id, HostState.GONE, _LIVING, "removed", idle):
            raise HostInUse("it has live sessions: drain it first, or end them (openspace-widget sessions stop)")

    async def set_started(self, id: str, port: int, gateway_port: int, slots: int, pid: int) -> bool:
        """The local host has started to listen."""
        async with self._database.write() as tx:
            row = await tx.get(HostRow, id)
            if row is None or row.state != HostState.JOINING:
                return False
            row.port, row.gateway_port, row.pid = port, gateway_port, pid
            row.state, row.modified = _answering(row.drain), now()
            await _set_slots(tx, row, slots)
            await log(tx, "host ready", host=id, detail=f"slots={slots} pid={pid}")
            return True

    async def set_ready(self, id: str, slots: int, lease: float = 0.0, published_only: bool = False) -> bool:
        """It answers, with this number of slots; its lease lasts ``lease`` seconds. True if it was not ready before."""
        async with self._database.write() as tx:
            row = await tx.get(HostRow, id, with_for_update=True)
            joining = row is not None and row.state == HostState.JOINING and not row.local
            if row is None or not (joining or row.state in (HostState.LOST, HostState.READY, HostState.DRAINING)):
                return False
            is_new = joining or row.state == HostState.LOST
            if is_new or row.slots != slots or row.published_only != published_only:
                row.state, row.reason, row.modified = _answering(row.drain), "", now()
                row.published_only = published_only
                await _set_slots(tx, row, slots)
            await tx.execute(update(HostRow).where(HostRow.id == id).values(lease_until=db_time(lease)))
            if is_new:
                await log(tx, "host ready", host=id, detail=f"slots={slots}")
            return is_new

    async def renew(self, id: str, lease: float) -> None:
        """It answered: its lease lasts ``lease`` seconds from now."""
        change = update(HostRow).where(HostRow.id == id, _ALIVE).values(lease_until=db_time(lease))
        async with self._database.write() as tx:
            await tx.execute(change)

    async def set_traits(self, id: str, **traits: Any) -> None:
        """Set what it reported about itself."""
        async with self._database.write() as tx:
            await tx.execute(update(HostRow).where(HostRow.id == id, _ALIVE).values(**traits, modified=now()))

    async def set_occupied(self, id: str, occupied: int) -> None:
        """Set how many of its instances belong to no session of ours."""
        async with self._database.write() as tx:
            change = update(HostRow).where(HostRow.id == id, HostRow.occupied != occupied).values(occupied=occupied)
            if await tx.scalar(change.returning(HostRow.id)) is not None:
                await log(tx, "host occupied", host=id, detail=f"instances={occupied}")

    async def set_lost(self, id: str, reason: str) -> bool:
        """It answers no process: its sessions are LOST, and its slots are not allocated until it answers again."""
        return await self._leave(
            id, HostState.LOST, (HostState.READY, HostState.DRAINING), reason, HostRow.lease_until < db_time()
        )

    async def set_reason(self, id: str, reason: str) -> None:
        """Set the latest reason why it does not answer."""
        silent = HostRow.state.in_((HostState.LOST, HostState.JOINING))
        change = update(HostRow).where(HostRow.id == id, silent).values(reason=reason)
        async with self._database.write() as tx:
            await tx.execute(change)

    async def set_gone(self, id: str, reason: str) -> bool:
        """It has certainly ended: its sessions are LOST."""
        return await self._leave(id, HostState.GONE, _LIVING, reason)

    async def retire(self, id: str) -> bool:
        """Set it gone if it has no live session. After True its slots cannot be reserved any more: it may be ended."""
        idle = ~exists().where(SessionRow.host == id, SessionRow.state.not_in(ENDED))
        return await self._leave(id, HostState.GONE, (HostState.READY, HostState.DRAINING), "not needed", idle)

    async def _leave(
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
            await log(tx, f"host {state}", host=id, detail=reason)
            await end_sessions(tx, SessionRow.host == id, SessionState.LOST, reason)
            return True


_LIVING = tuple(state for state in HostState if state != HostState.GONE)


def _answering(drain: bool) -> HostState:
    return HostState.DRAINING if drain else HostState.READY


def _row(where: HostAddress, secret: str, state: HostState, kind: HostKind, **traits: Any) -> HostRow:
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
        local=kind == HostKind.LOCAL,
        kind=kind,
        created=stamp,
        modified=stamp,
        **traits,
    )


async def _set_slots(tx: AsyncSession, row: HostRow, slots: int) -> None:
    """Only adds rows: a slot beyond ``row.slots`` is not allocated any more, but may still be in use."""
    known: Sequence[int] = (await tx.scalars(select(SlotRow.n).where(SlotRow.host == row.id))).all()
    missing = [{"host": row.id, "n": n, "fence": 0} for n in range(slots) if n not in known]
    if missing:
        await tx.flush()  # the host's row first
        await tx.execute(insert(SlotRow), missing)
    row.slots = slots
