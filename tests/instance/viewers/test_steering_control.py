"""Steering control: the rules on their own, and with viewers of a real instance."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from openspace_server.instance.instance import REVOKED
from openspace_server.instance.viewers.channels import EXPIRED
from openspace_server.instance.viewers.steering_control import SteeringControl
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.signaling import Join, Role
from tests.instance.harness import Media, Peer, bulk, media, run, running, socket


@dataclass(eq=False)
class Identity:
    name: str
    role: Role = Role.CONTROLLER
    is_owner: bool = False
    party: str = ""


def room(*viewers: Identity) -> SteeringControl:
    control = SteeringControl(lambda: None)
    for viewer in viewers:
        control.add(viewer)
    return control


def refused(action: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(ProtocolError) as refusal:
        action(*arguments)
    return str(refusal.value)


OWNER = ("owner", Role.CONTROLLER, True)


def test_all_views_of_the_owner_steer_and_guests_do_not() -> None:
    one, two, guest, spectator = Identity(*OWNER), Identity(*OWNER), Identity("g"), Identity("w", Role.SPECTATOR)
    control = room(one, two, guest, spectator)
    assert [control.is_steering(viewer) for viewer in (one, two, guest, spectator)] == [True, True, False, False]
    assert control.message() == {"controller": {"viewer": None, "owner": True}, "requests": []}


def test_control_is_requested_given_and_released() -> None:
    owner, guest = Identity(*OWNER), Identity("g")
    control = room(owner, guest)
    assert not control.request(guest)
    assert control.message()["requests"] == ["g"]
    control.give(owner, "g")
    assert control.is_steering(guest)
    assert not control.is_steering(owner)
    assert control.message() == {"controller": {"viewer": "g", "owner": False}, "requests": []}
    control.release(guest)
    assert control.is_steering(owner)


def test_only_the_owner_takes_control() -> None:
    owner, guest, other = Identity(*OWNER), Identity("g"), Identity("o")
    control = room(owner, guest, other)
    control.give(owner, "g")
    assert refused(control.take, other) == "take_control: only the owner may; request_control asks for it"
    assert refused(control.give, other, "o") == "give_control: only the owner and the viewer that steers may"
    control.take(owner)
    assert control.is_steering(owner)


def test_a_spectator_gets_control_only_from_the_owner() -> None:
    owner, guest, spectator = Identity(*OWNER), Identity("g"), Identity("w", Role.SPECTATOR)
    control = room(owner, guest, spectator)
    control.give(owner, "g")
    assert refused(control.give, guest, "w") == "give_control: w is a spectator, only the owner may give it control"
    control.remove(owner)
    control.release(guest)
    assert not control.request(spectator)
    assert control.message()["controller"] is None
    control.add(owner)
    control.give(owner, "w")
    assert control.is_steering(spectator)


def test_control_survives_the_owners_reload_and_a_lost_guest_gives_it_back() -> None:
    owner, guest, spectator = Identity(*OWNER), Identity("g"), Identity("w", Role.SPECTATOR)
    control = room(owner, guest, spectator)
    control.remove(owner)
    assert not control.is_steering(guest)
    control.add(owner)
    assert control.is_steering(owner)
    control.give(owner, "g")
    control.remove(guest)
    assert control.is_steering(owner)
    control.remove(owner)
    control.add(guest)
    assert control.request(guest)


def test_all_that_one_guest_has_open_is_one_party() -> None:
    owner, one, two, other = Identity(*OWNER), *(Identity("g", party="p") for _ in "12"), Identity("o", party="q")
    control = room(owner, one, other)
    assert control.free_name("g", "p") == "g"
    assert control.free_name("g", "r") == "g-2"
    control.request(one)
    assert control.has_requested(one)
    control.add(two)  # its page changes to another transport
    assert control.has_requested(two)
    control.remove(one)
    assert control.message()["requests"] == ["g"]
    control.give(owner, "g")
    assert [control.is_steering(viewer) for viewer in (two, other, owner)] == [True, False, False]
    control.add(one)
    control.remove(two)
    assert control.is_steering(one)
    control.remove(one)
    assert control.is_steering(owner)


def test_a_refusal_says_who_steers_and_what_may_be_done() -> None:
    owner, guest, spectator = Identity(*OWNER), Identity("g"), Identity("w", Role.SPECTATOR)
    control = room(spectator)
    assert control.refusal(spectator) == "only controllers may, you are a spectator"
    assert control.refusal(guest) == "no viewer steers now: request_control first"
    control.add(guest)
    control.add(owner)
    assert control.refusal(owner) == "g steers now: take_control first"
    control.take(owner)
    assert control.refusal(guest) == "the owner steers now: request_control first"


def test_names_are_unique() -> None:
    control = room(Identity("a"), Identity("a-2"))
    assert control.free_name("a") == "a-3"
    assert control.free_name("b") == "b"
    assert refused(control.give, Identity(*OWNER), "z") == "viewer: no viewer is called 'z'"


def test_a_join_says_whose_view_it_is_only_if_it_is_the_owners() -> None:
    join = Join("s", Role.CONTROLLER, "v", "token", owner=True)
    assert Join.decode(join.encode()) == join
    assert "owner" not in Join("s", Role.SPECTATOR, "v").encode()
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
            hello = await guest.message("hello")
            assert (hello["steers"], hello["owner"], hello["viewer"]) == (False, False, "test-3")
            assert (await view.message("hello"))["steers"] is True
            refused = "error: home: the owner steers now: request_control first"
            assert await guest.ask("home") == refused
            guest.steer(orbitX=0.5)
            assert (await guest.message("error"))["reason"] == "input: the owner steers now: request_control first"
            assert await guest.ask("request_control") == {"granted": False}
            await owner.message("control", requests=["test-3"], steers=True)
            view.steer(held=True, orbitX=0.25)
            while (await owner.ask("camera"))["Position"] != [0.25, 0.0, 1.0]:
                pass
            await owner.ask("give_control", viewer="test-3")
            await guest.message("control", steers=True)
            await pupil.message("state", controller={"viewer": "test-3", "owner": False})
            assert (await owner.ask("camera"))["Position"][2] == 0.0, "what was held is released"
            assert await owner.ask("home") == "error: home: test-3 steers now: take_control first"
            guest.steer(orbitX=0.75)
            while (moved := (await owner.ask("camera"))["Position"][0]) < 0.5:
                pass
            assert moved < 0.75, "what was refused is not applied later"
            present = await pupil.ask("who")
            assert present["you"] == "pupil"
            assert [viewer["steers"] for viewer in present["viewers"]] == [False, False, True, False]
            assert (
                await pupil.ask("take_control")
                == "error: take_control: only the owner may; request_control asks for it"
            )
            await owner.ask("take_control")
            refused = "error: set_paused: the owner steers now: request_control first"
            assert await guest.ask("set_paused", paused=False) == refused
            assert await pupil.ask("home") == "error: home: only controllers may, you are a spectator"

    run(scenario())


def joins(**more: object) -> str:
    join = {"type": "join", "session": "s", "role": "viewer", "viewer": "Bob", "share": "link", "party": "bob"}
    return json.dumps(join | more)


@pytest.mark.process
def test_guests_of_a_link_are_disconnected_when_it_is_revoked_or_expires() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as owner:
            here, late = await socket(instance, "media"), await socket(instance, "signaling")
            here.write_message(joins())
            viewer = Media(here, True)
            viewer.request_media("h264")
            assert (await viewer.message("hello"))["viewer"] == "Bob"
            late.write_message(joins())
            guest = Peer(late)
            await guest.connect()
            assert (await guest.message("hello"))["viewer"] == "Bob", "one name for all that one guest has open"
            assert await viewer.ask("dismiss", share="link") == "error: dismiss: only the owner may"
            assert await owner.ask("dismiss", share="") == "error: share: expected the id of a link"
            assert await owner.ask("dismiss", share="another") == {"dismissed": 0}
            assert await owner.ask("dismiss", share="link") == {"dismissed": 2}
            assert (await viewer.message("error"))["reason"] == REVOKED
            await viewer.reading
            while len((await owner.ask("who"))["viewers"]) > 1:
                pass
            await guest.close()
            again = await socket(instance, "media")
            again.write_message(joins())
            late_viewer = Media(again, True)
            assert (await late_viewer.message("error"))["reason"] == REVOKED
            await late_viewer.reading
            short = await socket(instance, "media")
            short.write_message(joins(share="other", seconds=0.3))
            short_viewer = Media(short, True)
            assert (await short_viewer.message("hello"))["role"] == "viewer"
            assert (await short_viewer.message("error"))["reason"] == EXPIRED
            await short_viewer.reading
            assert [one["owner"] for one in (await owner.ask("who"))["viewers"]] == [True]

    run(scenario())
