"""Room for viewers: a bound for each origin, share link and guest, so that none of them takes another's room.

Addresses play no part: behind a proxy they are all the same. The orchestrator's looks, which keep camera and time for a
restart, have no bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.signaling import Origin

MAX_OWNER_VIEWS = 32
"""Notebooks and screens of one person."""
MAX_KERNELS = 32
"""One connection for each session object of a notebook, more where programs send arrays."""
MAX_GUESTS = 64
"""By all links: about what one core streams to, live video being encoded once for all."""
MAX_BY_LINK = 48
"""A class of 30 and its second screens come by one link; another link still has room for 16."""
MAX_BY_GUEST = 12
"""Pages of one guest, each there twice while it changes its transport or connects again."""
MAX_CONNECTING = 8
"""WebRTC offers of one party without an answer. Each lasts 15 seconds, in which a page tries six times."""
MAX_CONNECTING_BY_LINK = 40
"""A class that opens the link at once. The rest of the link's room is for guests over the WebSocket."""


class Member(Protocol):
    """A viewer or its ``join``, as far as it is counted here."""

    @property
    def origin(self) -> Origin: ...

    @property
    def share(self) -> str: ...

    @property
    def party(self) -> str: ...


@dataclass(frozen=True)
class Bound:
    """How many members with the attribute values ``of`` there may be, and how many of them may be connecting by WebRTC,
    with the text of each refusal."""

    of: dict[str, str]
    members: int
    connecting: int
    full: str
    busy: str

    def covers(self, member: Member) -> bool:
        return all(getattr(member, name) == value for name, value in self.of.items())


def check_room(newcomer: Member, members: Iterable[Member]) -> None:
    """Raises ProtocolError if ``members``, those that are still connecting included, leave no room for ``newcomer``."""
    members = list(members)
    for bound in _bounds(newcomer):
        if sum(map(bound.covers, members)) >= bound.members:
            raise ProtocolError(bound.full)


def check_connecting(newcomer: Member, connecting: Iterable[Member]) -> None:
    """Raises ProtocolError if ``newcomer`` may not connect by WebRTC while all of ``connecting`` do."""
    connecting = list(connecting)
    for bound in _bounds(newcomer):
        if sum(map(bound.covers, connecting)) >= bound.connecting:
            raise ProtocolError(bound.busy)


def _bounds(newcomer: Member) -> Iterator[Bound]:
    """The bounds that hold for ``newcomer``, the narrowest first."""
    match newcomer.origin:
        case Origin.OWNER:
            yield Bound(
                {"origin": Origin.OWNER},
                MAX_OWNER_VIEWS,
                MAX_CONNECTING,
                f"the owner has {MAX_OWNER_VIEWS} views of this session, which is the limit: close one and try again",
                f"{MAX_CONNECTING} views of the owner are connecting, which is the limit: try again in 15 seconds",
            )
        case Origin.KERNEL:
            yield Bound(
                {"origin": Origin.KERNEL},
                MAX_KERNELS,
                MAX_CONNECTING,
                f"{MAX_KERNELS} kernels are connected to this session, which is the limit: shut one down and try again",
                f"{MAX_CONNECTING} kernels are connecting, which is the limit: try again in 15 seconds",
            )
        case Origin.GUEST:
            yield from _bounds_of_guest(newcomer)


def _bounds_of_guest(guest: Member) -> Iterator[Bound]:
    if guest.party:
        yield Bound(
            {"origin": Origin.GUEST, "party": guest.party},
            MAX_BY_GUEST,
            MAX_CONNECTING,
            f"you have {MAX_BY_GUEST} views of this session, which is the limit for a guest: close one and try again",
            f"{MAX_CONNECTING} of your views are connecting, which is the limit: try again in 15 seconds",
        )
    if guest.share:
        yield Bound(
            {"origin": Origin.GUEST, "share": guest.share},
            MAX_BY_LINK,
            MAX_CONNECTING_BY_LINK,
            f"this link has {MAX_BY_LINK} viewers, which is the limit: ask the owner for another link",
            f"{MAX_CONNECTING_BY_LINK} viewers of this link are connecting, which is the limit: "
            "try again in 15 seconds",
        )
    yield Bound(
        {"origin": Origin.GUEST},
        MAX_GUESTS,
        MAX_GUESTS,
        full := f"this session has {MAX_GUESTS} guests, which is the limit: try again when some have left",
        full,
    )
