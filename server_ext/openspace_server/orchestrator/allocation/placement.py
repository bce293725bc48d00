"""Placement: the slot for a new session, or the refusal when there is none."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, String, and_, bindparam, case, func, literal, or_, select

from openspace_server.orchestrator.allocation.requests import NewSession
from openspace_server.orchestrator.errors import NoFreeSlot
from openspace_server.orchestrator.store.models import HostKind, HostRow, HostState, SessionRow, SlotRow, table
from openspace_server.orchestrator.store.sql_in_list import in_list, pack
from openspace_server.protocols.sessions import SessionState

# A local host's slots may be reserved while it starts; any other host reports how many it has when it answers.
OPEN = (HostState.READY, HostState.JOINING)

_HOSTS = table(HostRow).c
_SLOTS = table(SlotRow).c
_REGION = bindparam("region", type_=String())
_WAITING = select(func.count()).where(table(SessionRow).c.state == SessionState.REQUESTED).scalar_subquery()


def parameters(hosts: Sequence[str], request: NewSession) -> dict[str, str]:
    """The parameters of the statements below, for a slot on one of ``hosts`` that suits ``request``."""
    return {"hosts": pack(hosts), "region": request.region, "engine": f",{request.engine},"}


def _offers() -> ColumnElement[bool]:
    """Condition on hosts: one of the requested hosts, which accepts new sessions with the requested engine."""
    offered = literal(",", literal_execute=True) + _HOSTS.engines + literal(",", literal_execute=True)
    without = func.replace(offered, bindparam("engine", type_=String()), literal("", literal_execute=True))
    return and_(
        in_list(_HOSTS.id, "hosts"),
        _HOSTS.state.in_(OPEN),
        ~_HOSTS.drain,
        or_(_HOSTS.engines == "", without != offered),
    )


OFFERS = _offers()
_LOAD = select(_SLOTS.host, func.count(_SLOTS.session).label("busy")).group_by(_SLOTS.host).subquery()
_BUSY = _LOAD.c.busy + _HOSTS.occupied
_RANK = (
    case((_REGION == "", 0), (_HOSTS.region == _REGION, 0), else_=1),
    case((_HOSTS.engines == "", 1), else_=0),
    _BUSY * 1000 / _HOSTS.slots,
    _HOSTS.created,
)
# The hosts are ranked before their slots are looked at, because those are many more.
_ROOM = (
    select(_HOSTS.id, _HOSTS.slots, func.row_number().over(order_by=_RANK).label("rank"))
    .join(_LOAD, _LOAD.c.host == _HOSTS.id)
    .where(OFFERS, _HOSTS.slots > _BUSY)
    .cte("room")
    .prefix_with("MATERIALIZED")
)
# Not "session IS NULL": SQLite would go through all free slots for each host, by the index on that column.
_FREE = and_(_SLOTS.n < _ROOM.c.slots, func.coalesce(_SLOTS.session, "") == "")
_WHERE = table(SlotRow).join(_ROOM, _ROOM.c.id == _SLOTS.host)

NEXT_SLOT = (
    select(_SLOTS.host, _SLOTS.n, _SLOTS.fence, _WAITING.label("waiting"))
    .select_from(_WHERE)
    .where(_FREE)
    .order_by(_ROOM.c.rank, _SLOTS.n)
    .limit(1)
)
"""Rows ``(host, n, fence, waiting)``: the best free slot, and how many sessions wait in the queue.

Slots are ordered by: preferred region; a host configured for this engine before one that accepts any; load relative
to the host's size; slot number. Like all statements here it is built once: building one costs more than executing it.
"""

FREE_SLOTS = select(func.count()).select_from(_WHERE).where(_FREE)
"""How many slots NEXT_SLOT could find, including those that another transaction is just reserving."""


def no_free_slot(hosts: Sequence[HostRow], busy: int, next_end: str, request: NewSession) -> NoFreeSlot:
    """The refusal when there is no slot: how many are busy, when that may change, and what to do."""
    usable = [host for host in hosts if host.state in OPEN and not host.drain]
    fitting = [host for host in usable if not host.engines or request.engine in host.engines.split(",")]
    total = sum(host.slots for host in usable)
    silent = [host for host in hosts if host.state == HostState.LOST or _has_never_answered(host)]
    if not total:
        if silent:
            return NoFreeSlot(f"no render host answers ({silent[0].reason})")
        drained = any(host.drain for host in hosts)
        return NoFreeSlot("all render hosts are being drained" if drained else "there is no render host")
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


def _has_never_answered(host: HostRow) -> bool:
    return host.state == HostState.JOINING and host.kind != HostKind.LOCAL
