"""Which slot a new session gets, and what is said when there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select

from openspace_server.orchestrator.errors import NoFreeSlot
from openspace_server.orchestrator.models import HostKind, HostRow, HostState, SessionRow, SlotRow
from openspace_server.orchestrator.requests import NewSession
from openspace_server.protocols.sessions import SessionState

# The local host's slots can be had while it is on its way; any other tells how many it has when it answers.
OPEN = (HostState.READY, HostState.JOINING)


def next_slot(hosts: Sequence[str], request: NewSession) -> Select[Any]:
    """Rows ``(host, n, fence, waiting)``: the free slots, best first, and how many sessions wait in the queue.

    Best is: in the preferred region; on a host that was given this engine rather than any; on the host that is the
    least busy for its size; the lowest number there.
    """
    load = _load()
    waiting = select(func.count()).where(SessionRow.state == SessionState.REQUESTED).scalar_subquery()
    return (
        select(SlotRow.host, SlotRow.n, SlotRow.fence, waiting.label("waiting"))
        .join(HostRow, HostRow.id == SlotRow.host)
        .join(load, load.c.host == SlotRow.host)
        .where(_free(hosts, request), load.c.busy + HostRow.occupied < HostRow.slots)
        .order_by(
            case((HostRow.region == request.region, 0), else_=1) if request.region else literal(0),
            case((HostRow.engines == "", 1), else_=0),
            (load.c.busy + HostRow.occupied) * 1000 / HostRow.slots,
            HostRow.created,
            SlotRow.n,
        )
        .limit(1)
    )


def free_slots(hosts: Sequence[str], request: NewSession) -> Select[Any]:
    """How many slots ``next_slot`` could find, those included that another transaction is just taking."""
    load = _load()
    return (
        select(func.count())
        .select_from(SlotRow)
        .join(HostRow, HostRow.id == SlotRow.host)
        .join(load, load.c.host == SlotRow.host)
        .where(_free(hosts, request), load.c.busy + HostRow.occupied < HostRow.slots)
    )


def full(hosts: Sequence[HostRow], busy: int, next_end: str, request: NewSession) -> NoFreeSlot:
    """The refusal when there is no slot: how many are busy, when that may change, and what to do."""
    usable = [host for host in hosts if host.state in OPEN and not host.drain]
    fitting = [host for host in usable if not host.engines or request.engine in host.engines.split(",")]
    total = sum(host.slots for host in usable)
    silent = [host for host in hosts if host.state == HostState.LOST or _unheard(host)]
    if not total:
        if silent:
            return NoFreeSlot(f"no render host answers ({silent[0].reason})")
        drained = any(host.drain for host in hosts)
        return NoFreeSlot("every render host is being emptied" if drained else "there is no render host")
    if not fitting:
        return NoFreeSlot(f"no render host offers the engine {request.engine}", busy, total)
    away = f"; {len(silent)} of {len(hosts)} render hosts do not answer" if silent else ""
    when = f"; the next may be free at {next_end[:16].replace('T', ' ')} UTC" if next_end else ""
    local = all(host.local for host in hosts)
    more = "raise OpenSpaceExtension.slots" if local else "add a render host"
    return NoFreeSlot(
        f"no free slot: {busy} of {total} are busy{away}{when}; end a session you no longer need, or {more} "
        "and try again",
        busy,
        total,
        next_end,
    )


def _load() -> Any:
    return select(SlotRow.host, func.count(SlotRow.session).label("busy")).group_by(SlotRow.host).subquery()


def offers(hosts: Sequence[str], request: NewSession) -> ColumnElement[bool]:
    """Of hosts: one of ``hosts`` that takes new sessions with that engine."""
    offered = literal(",") + HostRow.engines + literal(",")
    return and_(
        HostRow.id.in_(hosts),
        HostRow.state.in_(OPEN),
        ~HostRow.drain,
        or_(HostRow.engines == "", offered.contains(f",{request.engine},", autoescape=True)),
    )


def _free(hosts: Sequence[str], request: NewSession) -> ColumnElement[bool]:
    return and_(offers(hosts, request), SlotRow.n < HostRow.slots, SlotRow.session.is_(None))


def _unheard(host: HostRow) -> bool:
    return host.state == HostState.JOINING and host.kind != HostKind.LOCAL
