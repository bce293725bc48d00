"""Which slot a new session gets."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from openspace_server.orchestrator.errors import NoFreeSlot
from openspace_server.orchestrator.models import HostRow, HostState, SlotRow

OPEN = (HostState.READY, HostState.STARTING)


def next_slot(hosts: Sequence[str]) -> Select[SlotRow]:
    """The free slot to take: on the host with the fewest busy slots, the lowest number there."""
    other = aliased(SlotRow)
    busy = (
        select(func.count())
        .where(other.host == SlotRow.host, other.session.is_not(None))
        .correlate(SlotRow)
        .scalar_subquery()
    )
    return (
        select(SlotRow)
        .join(HostRow, HostRow.id == SlotRow.host)
        .where(HostRow.id.in_(hosts), HostRow.state.in_(OPEN), SlotRow.n < HostRow.slots, SlotRow.session.is_(None))
        .order_by(busy, HostRow.created, SlotRow.n)
        .limit(1)
        .with_for_update(skip_locked=True, of=SlotRow)
    )


def full(hosts: Sequence[HostRow], busy: int) -> NoFreeSlot:
    """The refusal when ``next_slot`` finds nothing: how many are busy, and what to do."""
    total = sum(host.slots for host in hosts if host.state in OPEN)
    lost = [host for host in hosts if host.state == HostState.LOST]
    silent = f"; {len(lost)} of {len(hosts)} render hosts do not answer" if lost else ""
    if not total:
        return NoFreeSlot(f"no render host answers ({lost[0].reason})" if lost else "there is no render host")
    local = all(host.local for host in hosts)
    more = "raise OpenSpaceExtension.slots" if local else "add a render host"
    return NoFreeSlot(
        f"no free slot: {busy} of {total} are busy{silent}; end a session you no longer need, or {more} and try again"
    )
