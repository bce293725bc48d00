"""Requests and news, over the bulk socket: the same conversation that WebRTC viewers have."""

from __future__ import annotations

import hashlib
import itertools
import json

import pytest
from tornado.httpclient import HTTPClientError

from openspace_server.protocols import arrays
from tests.instance.harness import bulk, run, running, socket, soon

pytestmark = pytest.mark.process


def test_hello_tells_everything_a_view_needs() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            hello = await viewer.message("hello")
            assert hello["role"] == "controller"
            assert hello["viewer"] == "test"
            assert hello["engine"] == {"engine": "moving", "renderer": "numpy", "gpu": False}
            assert {"identifier": "Moon", "name": "Moon", "kind": "moon"} in hello["targets"]
            assert "H.264" in hello["encoder"]
            assert hello["state"]["time"] == "2026-08-12T17:45:00.000Z"
            assert (hello["state"]["width"], hello["state"]["height"]) == (640, 360)
            assert hello["state"]["following"] is True

    run(scenario())


def test_a_grabbed_frame_has_the_pixels_that_the_draw_thread_saw() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            header, pixels = await viewer.frame()
            assert pixels.shape == (360, 640, 3)
            assert header["kind"] == "frame"
            assert header["time"] == "2026-08-12T17:45:00.000Z"
            assert header["camera"]["Anchor"] == "Earth"
            drawn = await viewer.ask("drawn", frame=header["frame"])
            digest = hashlib.sha256(pixels.tobytes()).hexdigest()
            assert drawn == {"frame": header["frame"], "sha256": digest, "width": 640, "height": 360}
            assert "not one of the last grabbed" in await viewer.ask("drawn", frame=999)

    run(scenario())


def test_each_frame_is_drawn_anew() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            ids = [(await viewer.frame())[0]["frame"] for _ in range(3)]
            assert ids[0] < ids[1] < ids[2]

    run(scenario())


def test_the_very_next_frame_has_the_new_resolution() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            id = viewer.request("resolution", width=321, height=201)
            _, pixels = await viewer.frame()
            state = await viewer.answer(id)
            assert pixels.shape == (201, 321, 3)
            assert (state["width"], state["height"], state["following"]) == (321, 201, False)
            assert await instance.wait_event("resolution") == {"event": "resolution", "width": 321, "height": 201}

    run(scenario())


def test_a_view_decides_the_size_until_one_is_set() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            assert (await viewer.ask("resolution", width=400, height=300, follow=True))["width"] == 400
            assert (await viewer.ask("resolution", width=500, height=300))["following"] is False
            assert (await viewer.ask("resolution", width=400, height=300, follow=True))["width"] == 500
            assert (await viewer.ask("follow"))["following"] is True
            assert (await viewer.ask("resolution", width=400, height=300, follow=True))["width"] == 400

    run(scenario())


def test_a_size_the_engine_refuses_changes_nothing() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            assert await viewer.ask("resolution", width=4000, height=300) == "error: 4000 is too wide for this engine"
            state = await viewer.ask("state")
            assert (state["width"], state["following"]) == (640, True)

    run(scenario())


def test_a_flight_without_viewers_arrives_in_time() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            id = viewer.request("fly_to", target="Moon", duration=0.7)
            assert (await viewer.ask("state"))["flying"] is True
            assert await viewer.answer(id, timeout=2) == {"arrived": True}
            assert (await viewer.ask("state"))["flying"] is False

    run(scenario())


def test_a_flight_that_loses_the_camera_says_so_at_once() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            first = viewer.request("fly_to", target="Moon", duration=600)
            second = viewer.request("fly_to", target="Earth", duration=600)
            assert await viewer.answer(first) == {"arrived": False}
            third = viewer.request("fly_to", target="Earth", duration=0)
            assert await viewer.answer(second) == {"arrived": False}
            assert await viewer.answer(third) == {"arrived": True}

    run(scenario())


def test_an_unknown_target_is_answered_with_near_names() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            assert await viewer.ask("fly_to", target="Mooon") == "error: unknown target 'Mooon': did you mean Moon?"
            assert "unknown target" in await viewer.ask("set_focus", target="X")

    run(scenario())


def test_changes_reach_every_viewer() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as one, bulk(instance, "viewer") as other:
            await other.message("state", viewers=2)
            assert (await one.ask("set_rate", rate=3600))["rate"] == 3600
            await other.message("state", rate=3600)
            await one.ask("set_time", time="2030-01-01T00:00:00+00:00")
            await other.message("state", time="2030-01-01T00:00:00.000Z")
            await one.ask("set_focus", target="Moon")
            await other.message("state", focus="Moon")
            one.connection.close()
            await other.message("state", viewers=1)

    run(scenario())


def test_running_time_is_current_though_nothing_is_drawn() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            await viewer.ask("set_rate", rate=1e6)
            await viewer.ask("set_paused", paused=False)
            first = await viewer.ask("state")
            while (later := await viewer.ask("state"))["time"] == first["time"]:
                pass
            assert later["time"] > first["time"]
            await viewer.take(lambda m: isinstance(m, dict) and m["type"] == "state" and m["time"] > later["time"])

    run(scenario())


def test_camera_round_trip() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            camera = await viewer.ask("camera")
            camera["Position"] = [0.25, 0.5, 0]
            assert (await viewer.ask("set_camera", camera=camera))["Position"][:2] == [0.25, 0.5]
            assert (await viewer.ask("camera"))["Position"][:2] == [0.25, 0.5]

    run(scenario())


def test_quality_is_in_the_state_and_bounded() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            state = await viewer.ask("quality", bit_rate=1_000_000, frame_rate=60)
            assert (state["bit_rate"], state["frame_rate"]) == (1_000_000, 60)
            assert "outside" in await viewer.ask("quality", frame_rate=61)
            assert "outside" in await viewer.ask("quality", bit_rate=1)
            assert (await viewer.ask("quality", frame_rate=30))["bit_rate"] == 1_000_000
            assert (await viewer.ask("quality", bit_rate=None))["bit_rate"] == 1_000_000, "as 640x360 has by itself"
            await viewer.ask("resolution", width=1280, height=720)
            assert (await viewer.ask("state"))["bit_rate"] == 4_000_000, "it follows the size again"

    run(scenario())


def test_stats_come_once_asked_and_stop_when_no_longer_wanted() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            stats = await viewer.ask("stats", watch=True)
            assert {
                "frame_rate",
                "bit_rate",
                "draw_ms",
                "encode_ms",
                "frames_drawn",
                "frames_encoded",
                "frames_sent",
            } <= set(stats)
            await viewer.message("stats")
            assert (await viewer.ask("stats", watch=False))["viewers"] == 1

    run(scenario())


def test_only_controllers_steer() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance, "viewer") as viewer:
            for verb in ("set_camera", "fly_to", "set_focus", "home", "set_time", "set_rate", "set_paused"):
                assert await viewer.ask(verb) == f"error: {verb}: only controllers may, you are a spectator"
            for verb in ("resolution", "follow", "quality"):
                assert await viewer.ask(verb) == f"error: {verb}: only controllers may, you are a spectator"
            assert (await viewer.ask("state"))["type"] == "state"

    run(scenario())


WRONG_REQUESTS = [
    ("nonsense", "json decode error"),
    ("[]", "expected a JSON object"),
    ('{"type": "query", "id": 5}', "type: expected request"),
    ('{"type": "request", "id": 5, "verb": "explode"}', "verb: expected one of"),
    ('{"type": "request", "id": 5, "verb": "fly_to", "arguments": {"target": 7}}', "target: expected a string"),
    ('{"type": "request", "id": 5, "verb": "fly_to", "arguments": []}', "arguments: expected an object"),
    (
        '{"type": "request", "id": 5, "verb": "fly_to", "arguments": {"target": "Moon", "duration": -1}}',
        "duration: -1 is outside",
    ),
    ('{"type": "request", "id": 5, "verb": "set_time", "arguments": {"time": "soon"}}', "not a time"),
    ('{"type": "request", "id": 5, "verb": "set_rate", "arguments": {"rate": NaN}}', "rate: expected a finite"),
    ('{"type": "request", "id": 5, "verb": "resolution", "arguments": {"width": 1e9}}', "width: expected"),
    (
        '{"type": "request", "id": 5, "verb": "set_camera", "arguments": {"camera": {"Anchor": "crash"}}}',
        "internal",
    ),
    (json.dumps({"type": "request", "id": 5, "verb": "ping", "pad": "x" * 70_000}), "longer than"),
]


def test_what_is_wrong_is_said_and_nothing_else_happens() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            for text, reason in WRONG_REQUESTS:
                viewer.send_text(text)
                error = await viewer.message("error")
                assert reason in error["reason"], text
                assert "Traceback" not in error["reason"]
                assert await viewer.ask("ping") == {}

    run(scenario())


def test_an_unexpected_array_is_refused() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            viewer.connection.write_message(arrays.MAGIC, binary=True)
            assert "expected a chunk of an array message" in (await viewer.message("error"))["reason"]
            assert await viewer.ask("ping") == {}

    run(scenario())


def test_too_many_requests_at_a_time_are_refused_one_by_one() -> None:
    async def scenario() -> None:
        slow = {"TEST_ENGINE_DRAW_SECONDS": "0.03"}
        async with running(env=slow) as instance, bulk(instance) as viewer:
            await viewer.message("hello")
            for _ in range(60):
                viewer.request("frame")
            await viewer.message("error", reason="more than 32 requests at a time")
            await viewer.take(lambda message: isinstance(message, bytes))

    run(scenario())


def test_a_socket_without_the_secret_is_refused() -> None:
    async def scenario() -> None:
        async with running() as instance:
            for channel in ("signaling", "bulk"):
                with pytest.raises(HTTPClientError, match="401"):
                    await socket(instance, channel, secret="guess")

    run(scenario())


WRONG_JOINS = [
    ("hello", "json decode error"),
    ('{"type": "answer", "sdp": ""}', "expected join"),
    ('{"type": "join", "session": "other", "role": "viewer"}', "does not serve"),
    ('{"type": "join", "session": "s", "role": "king"}', "role: expected"),
]


def test_a_wrong_first_message_is_refused_with_a_reason() -> None:
    async def scenario() -> None:
        async with running() as instance:
            for channel, (first, reason) in itertools.product(("signaling", "bulk"), WRONG_JOINS):
                connection = await socket(instance, channel)
                connection.write_message(first)
                message = json.loads(await soon(connection.read_message()))
                assert message["type"] == "error"
                assert reason in message["reason"]
                assert await soon(connection.read_message()) is None

    run(scenario())
