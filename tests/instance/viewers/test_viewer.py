"""A viewer and its channels, each on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from openspace_server.engines.base import EngineError, Motion
from openspace_server.instance.streaming.fan_out import FrameQueue
from openspace_server.instance.viewers import requests
from openspace_server.instance.viewers.channels import (
    CONTROL_BURST,
    EXPIRED,
    INPUT_BURST,
    MAX_REQUESTS,
    ViewerChannels,
)
from openspace_server.instance.viewers.rate_limit import FLOOD_LIMIT
from openspace_server.instance.viewers.requests import HANDLERS, RequestHandler, answer
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.signaling import Role
from openspace_server.protocols.viewer import InputTotals, Report, Request
from tests.instance.viewers.fakes import FakeInstance, FakeTransport, settled


def run(scenario: Callable[[FakeInstance], Coroutine[Any, Any, None]]) -> None:
    async def all() -> None:
        await scenario(FakeInstance())

    asyncio.run(all())


def test_a_viewer_is_named_by_its_join_and_by_its_party() -> None:
    async def scenario(instance: FakeInstance) -> None:
        owner, guest = instance.attach(owner=True), instance.attach(party="bob", share="link")
        assert (owner.name, owner.is_owner, owner.is_trusted) == ("test", True, True)
        assert (guest.name, guest.is_owner, guest.is_trusted, guest.share) == ("test-2", False, False, "link")
        assert instance.attach(party="bob").name == "test-2"
        screen = instance.attach(Role.SPECTATOR, owner=True)
        assert (screen.is_owner, screen.is_trusted, screen.is_steering) == (False, True, False)
        assert owner.is_steering

    run(scenario)


def test_unrequested_messages_come_after_hello_and_while_the_viewer_is_ready() -> None:
    async def scenario(instance: FakeInstance) -> None:
        transport = FakeTransport()
        viewer = instance.attach(transport=transport)
        assert not viewer.notify("{}")
        viewer.announce("{}")
        assert transport.sent == []
        viewer.is_greeted = True
        assert viewer.notify("{}")
        transport.is_busy = True
        assert not viewer.notify("{}")
        viewer.announce("{}")
        assert len(transport.sent) == 2

    run(scenario)


def test_a_key_frame_is_requested_of_the_video_that_is_sent() -> None:
    async def scenario(instance: FakeInstance) -> None:
        requested: list[int] = []
        viewer = instance.attach(transport=(transport := FakeTransport()))
        viewer.request_key_frame()
        transport.frame_queue = FrameQueue(requested.append)
        viewer.request_key_frame()
        assert requested == [0]

    run(scenario)


def opened(instance: FakeInstance, **join: Any) -> tuple[ViewerChannels, FakeTransport]:
    transport = FakeTransport()
    return ViewerChannels(instance, instance.attach(transport=transport, **join)), transport


def request(verb: str, id: int = 1, **arguments: Any) -> str:
    return Request(id, verb, arguments).encode()


def test_channels_greet_and_answer() -> None:
    async def scenario(instance: FakeInstance) -> None:
        channels, transport = opened(instance, owner=True)
        await settled()
        hello = {"type": "hello", "role": "controller", "viewer": "test", "owner": True, "steers": True, "targets": []}
        assert transport.sent == [hello]
        channels.on_control(request("set_focus", target="Moon"))
        channels.on_control(request("set_focus", 2, target="Vulcan"))
        channels.on_control(request("explode", 3))
        channels.on_control("{")
        await settled()
        answers = {message["id"]: message for message in transport.sent[1:]}
        assert answers[1]["result"] == {"type": "state", "focus": "Moon", "paused": True, "width": 1280}
        assert answers[2]["reason"] == "unknown target 'Vulcan': known targets: Earth, Moon"
        assert answers[3]["reason"] == f"verb: expected one of {', '.join(HANDLERS)}, got 'explode'"
        assert answers[None]["reason"] == "json decode error"

    run(scenario)


def test_an_unforeseen_error_of_a_request_is_answered_without_its_details(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*arguments: Any) -> None:
        raise KeyError("a secret")

    monkeypatch.setitem(HANDLERS, "ping", RequestHandler(broken))

    async def scenario(instance: FakeInstance) -> None:
        channels, transport = opened(instance)
        channels.on_control(request("ping"))
        await settled()
        assert transport.sent[-1]["reason"] == "ping: internal error, see the instance's log"
        assert "request ping failed" in caplog.text

    run(scenario)


def test_too_many_requests_at_a_time_are_refused_and_those_in_progress_end_with_the_viewer() -> None:
    async def scenario(instance: FakeInstance) -> None:
        instance.script_host = asyncio.get_running_loop().create_future()
        channels, transport = opened(instance, owner=True)
        await settled()
        for id in range(MAX_REQUESTS + 1):
            channels.on_control(request("properties", id))
        await settled()
        refused = {"type": "error", "id": MAX_REQUESTS, "reason": "more than 32 requests at a time"}
        assert transport.sent[1:] == [refused]
        channels.close()
        channels.on_control(request("ping"))
        instance.script_host.set_result(None)
        await settled()
        assert transport.sent[1:] == [refused]

    run(scenario)


def test_input_moves_the_camera_of_the_viewer_that_steers_and_is_released_at_the_end() -> None:
    async def scenario(instance: FakeInstance) -> None:
        channels, _ = opened(instance, owner=True)
        guest, transport = opened(instance)
        channels.on_input(InputTotals(1, True, {"orbitX": 0.5}).encode())
        guest.on_input(InputTotals(1, True, {"orbitX": 0.5}).encode())
        guest.on_input(InputTotals(2, True, {"orbitX": 0.75}).encode())
        assert instance.draw_loop.moved == [(Motion({"orbitX": 0.5}, True), 1)]
        refused = {"type": "error", "id": None, "reason": "input: the owner steers now: request_control first"}
        assert transport.sent == [refused], "one error a second"
        channels.close()
        assert instance.draw_loop.moved[1:] == [(Motion({}, False), None)]
        guest.close()
        assert len(instance.draw_loop.moved) == 2

    run(scenario)


def test_a_spectator_s_input_is_refused() -> None:
    async def scenario(instance: FakeInstance) -> None:
        channels, transport = opened(instance, role=Role.SPECTATOR)
        channels.on_input(InputTotals(1, True).encode())
        assert transport.sent[0]["reason"] == "input: only controllers steer"

    run(scenario)


@pytest.mark.parametrize(
    ("channel", "burst", "message"),
    [
        ("control", CONTROL_BURST, Report(fps=30, loss=0.0).encode()),
        ("input", INPUT_BURST, InputTotals(1, True).encode()),
    ],
)
def test_a_viewer_that_keeps_flooding_is_disconnected(channel: str, burst: float, message: str) -> None:
    async def scenario(instance: FakeInstance) -> None:
        channels, transport = opened(instance, owner=True)
        receive = channels.on_control if channel == "control" else channels.on_input
        for _ in range(int(burst)):
            receive(message)
        assert transport.sent == []
        while not transport.sent:  # what is allowed meanwhile
            receive(message)
        assert transport.sent[0]["reason"] == f"{channel}: too many messages, some were ignored"
        assert transport.disconnected is None
        for _ in range(3 * FLOOD_LIMIT):
            receive(message)
        assert transport.disconnected == f"too many {channel} messages"

    run(scenario)


def test_reports_go_to_the_director_while_video_is_sent() -> None:
    async def scenario(instance: FakeInstance) -> None:
        channels, transport = opened(instance)
        report = Report(fps=30, loss=0.0)
        channels.on_control(report.encode())
        assert (channels.viewer.report, instance.director.reports) == (report, [])
        transport.frame_queue = FrameQueue(lambda layer: None)
        channels.on_control(report.encode())
        assert instance.director.reports == [report]

    run(scenario)


def test_a_link_expires() -> None:
    async def scenario(instance: FakeInstance) -> None:
        transport = FakeTransport()
        ViewerChannels(instance, instance.attach(transport=transport), seconds=0.0)
        await asyncio.sleep(0.01)
        assert transport.disconnected == EXPIRED

    run(scenario)


async def refusal(answered: Coroutine[Any, Any, Any]) -> str:
    with pytest.raises((ProtocolError, EngineError)) as refused:
        await answered
    return str(refused.value)


def test_requests_that_move_need_steering_and_the_others_do_not() -> None:
    async def scenario(instance: FakeInstance) -> None:
        instance.attach(owner=True)
        spectator = instance.attach(Role.SPECTATOR)
        for verb, handler in HANDLERS.items():
            if handler.needs_steering:
                refused = await refusal(answer(instance, spectator, Request(1, verb)))
                assert refused == f"{verb}: only controllers may, you are a spectator"
        assert {verb for verb, handler in HANDLERS.items() if not handler.needs_steering} == {
            "state", "targets", "camera", "properties", "set_properties", "frame", "share_memory", "drawn",
            "whereabouts", "stats", "metrics", "key_frame", "who", "request_control", "release_control",
            "give_control", "take_control", "dismiss", "ping", "points", "pick", "watch_picks",
        }  # fmt: skip

    run(scenario)


def test_each_handler_takes_the_instance_the_viewer_and_the_arguments() -> None:
    async def scenario(instance: FakeInstance) -> None:
        owner, guest = instance.attach(owner=True), instance.attach()
        assert await requests.fly_to(instance, owner, {"target": "Moon", "duration": 1}) == {"arrived": True}
        assert (await requests.state(instance, owner, {}))["focus"] == "Moon"
        assert await requests.dismiss(instance, owner, {"share": "link"}) == {"dismissed": 3}
        assert await refusal(requests.dismiss(instance, guest, {"share": "link"})) == "dismiss: only the owner may"
        await requests.quality(instance, owner, {"frame_rate": 60, "bit_rate": None})
        await requests.resolution(instance, owner, {"width": 640, "height": 360})
        assert (instance.settings.chosen_frame_rate, instance.settings.width) == (60, 640)
        assert (await requests.who(instance, guest, {}))["you"] == "test-2"
        assert "openspace_instance_frames_sent_total 0" in (await requests.metrics(instance, guest, {}))["text"]

    run(scenario)


def test_frames_are_for_viewers_that_receive_arrays_and_limited_without_steering() -> None:
    async def scenario(instance: FakeInstance) -> None:
        instance.attach(owner=True)
        watching = instance.attach(Role.SPECTATOR)
        only = "frame: only on the bulk socket, where arrays can be sent"
        assert await refusal(requests.frame(instance, watching, {})) == only
        program = instance.attach(Role.SPECTATOR, transport=FakeTransport(carries_arrays=True))
        still = (
            "frame: another size, time or camera, and depth and ids, are only for the owner and the viewer that steers"
        )
        refusals = [await refusal(requests.frame(instance, program, {"depth": True})) for _ in range(11)]
        assert refusals == [still] * 10 + ["frame: a viewer that does not steer gets at most 10 per second"]

    run(scenario)
