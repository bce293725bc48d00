"""Who steers: rules on their own, and as viewers of a real instance meet them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from openspace_server.instance.viewers.steering_control import Control
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.signaling import Join, Role
from tests.instance.harness import Media, Peer, bulk, media, run, running, socket


@dataclass(eq=False)
class Somebody:
    viewer: str
    role: Role = Role.CONTROLLER
    owner: bool = False
    party: str = ""


def room(*people: Somebody) -> Control:
    control = Control(lambda: None)
    for who in people:
        control.joined(who)
    return control


OWNER = ("owner", Role.CONTROLLER, True)


def test_all_views_of_the_owner_steer_and_guests_do_not() -> None:
    one, two, guest, watcher = Somebody(*OWNER), Somebody(*OWNER), Somebody("g"), Somebody("w", Role.VIEWER)
    control = room(one, two, guest, watcher)
    assert [control.steers(who) for who in (one, two, guest, watcher)] == [True, True, False, False]
    assert control.message() == {"controller": {"viewer": None, "owner": True}, "requests": []}


def test_control_is_asked_for_given_and_let_go_of() -> None:
    owner, guest = Somebody(*OWNER), Somebody("g")
    control = room(owner, guest)
    assert not control.request(guest)
    assert control.message()["requests"] == ["g"]
    control.give(owner, "g")
    assert control.steers(guest)
    assert not control.steers(owner)
    assert control.message() == {"controller": {"viewer": "g", "owner": False}, "requests": []}
    control.release(guest)
    assert control.steers(owner)


def test_only_the_owner_takes_control() -> None:
    owner, guest, other = Somebody(*OWNER), Somebody("g"), Somebody("o")
    control = room(owner, guest, other)
    control.give(owner, "g")
    with pytest.raises(ProtocolError, match="only the owner"):
        control.take(other)
    with pytest.raises(ProtocolError, match="only who steers"):
        control.give(other, "o")
    control.take(owner)
    assert control.steers(owner)


def test_somebody_who_watches_gets_control_only_from_the_owner() -> None:
    owner, guest, watcher = Somebody(*OWNER), Somebody("g"), Somebody("w", Role.VIEWER)
    control = room(owner, guest, watcher)
    control.give(owner, "g")
    with pytest.raises(ProtocolError, match="only the owner may give"):
        control.give(guest, "w")
    control.left(owner)
    control.release(guest)
    assert not control.request(watcher)
    assert control.message()["controller"] is None
    control.joined(owner)
    control.give(owner, "w")
    assert control.steers(watcher)


def test_control_survives_the_owners_reload_and_a_lost_guest_gives_it_back() -> None:
    owner, guest, watcher = Somebody(*OWNER), Somebody("g"), Somebody("w", Role.VIEWER)
    control = room(owner, guest, watcher)
    control.left(owner)
    assert not control.steers(guest)
    control.joined(owner)
    assert control.steers(owner)
    control.give(owner, "g")
    control.left(guest)
    assert control.steers(owner)
    control.left(owner)
    control.joined(guest)
    assert control.request(guest)


def test_all_that_one_guest_has_open_is_one_party() -> None:
    owner, one, two, other = Somebody(*OWNER), *(Somebody("g", party="p") for _ in "12"), Somebody("o", party="q")
    control = room(owner, one, other)
    assert control.free_name("g", "p") == "g"
    assert control.free_name("g", "r") == "g-2"
    control.request(one)
    assert control.asks(one)
    control.joined(two)  # its page changes to another transport
    assert control.asks(two)
    control.left(one)
    assert control.message()["requests"] == ["g"]
    control.give(owner, "g")
    assert [control.steers(who) for who in (two, other, owner)] == [True, False, False]
    control.joined(one)
    control.left(two)
    assert control.steers(one)
    control.left(one)
    assert control.steers(owner)


def test_names_are_unique() -> None:
    control = room(Somebody("a"), Somebody("a-2"))
    assert control.free_name("a") == "a-3"
    assert control.free_name("b") == "b"
    with pytest.raises(ProtocolError, match="nobody here"):
        control.give(Somebody(*OWNER), "z")


def test_a_join_says_whose_view_it_is_only_if_it_is_the_owners() -> None:
    join = Join("s", Role.CONTROLLER, "v", "token", owner=True)
    assert Join.decode(join.encode()) == join
    assert "owner" not in Join("s", Role.VIEWER, "v").encode()
    with pytest.raises(ProtocolError, match="owner"):
        Join.decode('{"type": "join", "session": "s", "owner": 1}')


@pytest.mark.process
def test_a_class_hands_control_around() -> None:
    async def scenario() -> None:
        async with (
            running() as instance,
            bulk(instance) as owner,
            media(instance) as view,
            media(instance, "guest") as guest,
            bulk(instance, "viewer", "pupil") as pupil,
        ):
            hello = await guest.news("hello")
            assert (hello["steers"], hello["owner"], hello["viewer"]) == (False, False, "test-3")
            assert (await view.news("hello"))["steers"] is True
            refused = "error: home: the owner steers now: request_control first"
            assert await guest.ask("home") == refused
            guest.steer(orbitX=0.5)
            assert "request_control first" in (await guest.news("error"))["reason"]
            assert await guest.ask("request_control") == {"granted": False}
            await owner.news("control", requests=["test-3"], steers=True)
            view.steer(held=True, orbitX=0.25)
            while (await owner.ask("camera"))["Position"] != [0.25, 0.0, 1.0]:
                pass
            await owner.ask("give_control", viewer="test-3")
            await guest.news("control", steers=True)
            await pupil.news("state", controller={"viewer": "test-3", "owner": False})
            assert (await owner.ask("camera"))["Position"][2] == 0.0, "what was held is let go of"
            assert await owner.ask("home") == "error: home: test-3 steers now: take_control first"
            guest.steer(orbitX=0.75)
            while (moved := (await owner.ask("camera"))["Position"][0]) < 0.5:
                pass
            assert moved < 0.75, "what was refused is not caught up on"
            who = await pupil.ask("who")
            assert who["you"] == "pupil"
            assert [viewer["steers"] for viewer in who["viewers"]] == [False, False, True, False]
            assert (
                await pupil.ask("take_control")
                == "error: take_control: only the owner may; request_control asks for it"
            )
            await owner.ask("take_control")
            assert "the owner steers" in await guest.ask("set_paused", paused=False)
            assert "you are a viewer" in await pupil.ask("home")

    run(scenario())


def joins(**more: object) -> str:
    join = {"type": "join", "session": "s", "role": "viewer", "viewer": "Bob", "share": "link", "party": "bob"}
    return json.dumps(join | more)


@pytest.mark.process
def test_who_came_by_a_link_is_sent_away_when_it_is_revoked_or_expires() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as owner:
            here, late = await socket(instance, "media"), await socket(instance, "signaling")
            here.write_message(joins())
            viewer = Media(here, True)
            viewer.want("h264")
            assert (await viewer.news("hello"))["viewer"] == "Bob"
            late.write_message(joins())
            guest = Peer(late)
            await guest.connect()
            assert (await guest.news("hello"))["viewer"] == "Bob", "one name for all that one guest has open"
            assert await viewer.ask("dismiss", share="link") == "error: dismiss: only the owner may"
            assert "share" in await owner.ask("dismiss", share="")
            assert await owner.ask("dismiss", share="another") == {"dismissed": 0}
            assert await owner.ask("dismiss", share="link") == {"dismissed": 2}
            assert "revoked" in (await viewer.news("error"))["reason"]
            await viewer.reading
            while len((await owner.ask("who"))["viewers"]) > 1:
                pass
            await guest.close()
            again = await socket(instance, "media")
            again.write_message(joins())
            told = Media(again, True)
            assert "revoked" in (await told.news("error"))["reason"]
            await told.reading
            short = await socket(instance, "media")
            short.write_message(joins(share="other", seconds=0.3))
            told = Media(short, True)
            assert (await told.news("hello"))["role"] == "viewer"
            assert "expired" in (await told.news("error"))["reason"]
            await told.reading
            assert [one["owner"] for one in (await owner.ask("who"))["viewers"]] == [True]

    run(scenario())
