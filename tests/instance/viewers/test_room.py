"""The bounds on viewers: which viewers each one counts, and the texts of refusals."""

from __future__ import annotations

import pytest

from openspace_server.instance.viewers.room import check_connecting, check_room
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.signaling import Join, Role

OWNER = Join("s", Role.CONTROLLER, "v", owner=True)
KERNEL = Join("s", Role.CONTROLLER, "v", owner=True, kernel=True)
LOOK = Join("s", Role.SPECTATOR, "v", owner=True, observer=True)
NO_LINK = Join("s", Role.SPECTATOR, "v")


def guests(count: int, link: str = "a", each: int = 1) -> list[Join]:
    """``count`` joins by ``link``, ``each`` of one guest."""
    return [Join("s", Role.SPECTATOR, "v", share=link, party=f"{link}{n // each}") for n in range(count)]


NEWCOMER = Join("s", Role.SPECTATOR, "v", share="a", party="new")
BY_OTHER_LINK = Join("s", Role.SPECTATOR, "v", share="b", party="other")
EVERYONE = [*guests(48, "a"), *guests(16, "b")]


@pytest.mark.parametrize(
    ("newcomer", "members", "reason"),
    [
        (OWNER, [OWNER] * 32, "the owner has 32 views of this session, which is the limit: close one and try again"),
        (
            KERNEL,
            [KERNEL] * 32,
            "32 kernels are connected to this session, which is the limit: shut one down and try again",
        ),
        (NEWCOMER, guests(48), "this link has 48 viewers, which is the limit: ask the owner for another link"),
        (
            guests(1)[0],
            guests(12, each=12),
            "you have 12 views of this session, which is the limit for a guest: close one and try again",
        ),
        (
            BY_OTHER_LINK,
            EVERYONE,
            "this session has 64 guests, which is the limit: try again when some have left",
        ),
        (
            NO_LINK,
            [NO_LINK] * 64,
            "this session has 64 guests, which is the limit: try again when some have left",
        ),
    ],
)
def test_each_bound_is_reached_by_its_own_party_and_says_so(newcomer: Join, members: list[Join], reason: str) -> None:
    check_room(newcomer, members[1:])
    with pytest.raises(ProtocolError) as refused:
        check_room(newcomer, members)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("newcomer", "connecting", "reason"),
    [
        (OWNER, [OWNER] * 8, "8 views of the owner are connecting, which is the limit: try again in 15 seconds"),
        (KERNEL, [KERNEL] * 8, "8 kernels are connecting, which is the limit: try again in 15 seconds"),
        (
            NEWCOMER,
            guests(40),
            "40 viewers of this link are connecting, which is the limit: try again in 15 seconds",
        ),
        (
            guests(1)[0],
            guests(8, each=8),
            "8 of your views are connecting, which is the limit: try again in 15 seconds",
        ),
    ],
)
def test_connecting_viewers_count_for_their_own_party(newcomer: Join, connecting: list[Join], reason: str) -> None:
    check_connecting(newcomer, connecting[1:])
    with pytest.raises(ProtocolError) as refused:
        check_connecting(newcomer, connecting)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("newcomer", "members"),
    [
        (OWNER, EVERYONE + [KERNEL] * 32),
        (KERNEL, EVERYONE + [OWNER] * 32),
        (LOOK, EVERYONE + [OWNER] * 32 + [KERNEL] * 32 + [LOOK] * 100),
        (NEWCOMER, guests(40) + [OWNER] * 32 + [KERNEL] * 32),
        (BY_OTHER_LINK, guests(48)),
    ],
)
def test_a_party_keeps_its_room_while_others_have_filled_theirs(newcomer: Join, members: list[Join]) -> None:
    check_room(newcomer, members)


@pytest.mark.parametrize("newcomer", [OWNER, KERNEL, LOOK, BY_OTHER_LINK])
def test_connecting_viewers_of_a_link_leave_the_others_alone(newcomer: Join) -> None:
    check_connecting(newcomer, guests(40))
