"""Hostile viewers, which affect no others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time

import pytest
from aiortc import InvalidStateError
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClosedError

from openspace_server.instance.viewers.channels import CONTROL_BURST, CONTROL_RATE
from openspace_server.instance.viewers.room import MAX_CONNECTING
from openspace_server.protocols import signaling
from openspace_server.protocols.media import MAX_MESSAGE_BYTES
from openspace_server.protocols.viewer import Report
from tests.instance.harness import SECRET, Peer, Process, bulk, join_message, media, peer, run, running, socket, soon

INPUT = json.dumps({"type": "input", "seq": 1, "held": True, "axes": {"orbitX": 1.0}})


@pytest.mark.process
def test_a_viewer_that_floods_input_is_disconnected_and_the_others_are_not_affected() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as other, media(instance, "guest") as flooder:
            await flooder.message("hello")
            await other.message("state", viewers=2)
            with contextlib.suppress(WebSocketClosedError):
                for _ in range(3000):
                    flooder.send_text(INPUT)
            await soon(flooder.reading)
            assert any("too many" in m.get("reason", "") for m in flooder.inbox if isinstance(m, dict))
            await other.message("state", viewers=1)
            assert await other.ask("ping") == {}

    run(scenario())


@pytest.mark.process
def test_a_flood_of_requests_over_a_socket_is_slowed_down_and_nothing_is_lost() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as other, bulk(instance, "viewer") as flooder:
            await flooder.message("hello")
            started, floods = time.monotonic(), int(CONTROL_BURST + CONTROL_RATE)
            last = [flooder.request("ping") for _ in range(floods)][-1]
            assert await other.ask("ping") == {}
            assert await flooder.answer(last) == {}
            assert time.monotonic() - started > 0.9

    run(scenario())


async def last_words(viewer: Peer, text: str) -> bool:
    """Whether the instance sends ``text`` before it closes the signaling socket."""
    while (message := await viewer.signaling.read_message()) is not None:
        if text in str(message):
            return True
    return False


@pytest.mark.process
@pytest.mark.parametrize("channel", ["input", "control"])
def test_a_flood_over_webrtc_ends_the_peer(channel: str) -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as other, peer(instance, "guest") as flooder:
            await flooder.message("hello")
            await other.message("state", viewers=2)
            ended = asyncio.ensure_future(last_words(flooder, f"too many {channel} messages"))
            while not ended.done():  # however slowly this machine sends
                with contextlib.suppress(InvalidStateError):
                    for _ in range(5000):
                        flooder.channels[channel].send(INPUT)
                await asyncio.wait([ended], timeout=5)
            assert await ended
            await other.message("state", viewers=1)

    run(scenario())


@pytest.mark.process
def test_a_viewer_that_cannot_make_up_its_mind_is_held_to_its_last_word() -> None:
    async def scenario() -> None:
        async with running() as instance, media(instance) as viewer:
            await viewer.message("hello")
            for _ in range(20):
                viewer.request_media("images")
                viewer.request_media("h264")
            await viewer.message("error", reason="media: changed too often")
            before = (await viewer.ask("stats"))["key_frames"]
            assert before <= 3
            viewer.frames.clear()
            viewer.steer(orbitX=0.5)
            await viewer.next_frame()

    run(scenario())


@pytest.mark.process
def test_giant_messages_are_refused() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as other, peer(instance, "guest") as giant:
            await giant.message("hello")
            for channel in ("control", "input"):
                giant.channels[channel].send("x" * 200_000)
                assert "longer than" in (await giant.message("error"))["reason"]
            async with media(instance, "guest") as over_socket:
                await over_socket.message("hello")
                over_socket.send_text("x" * (MAX_MESSAGE_BYTES + 1))
                await soon(over_socket.reading)
                assert over_socket.connection.close_code == 1009
            assert await other.ask("ping") == {}

    run(scenario())


@pytest.mark.process
def test_a_storm_of_key_frame_requests_ends_on_the_small_stream() -> None:
    async def scenario() -> None:
        async with running() as instance, media(instance) as good, media(instance, "guest") as stormy:
            await good.message("hello")
            await stormy.message("hello")
            good.request("fly_to", target="Moon", duration=20)
            before, started = (await good.ask("stats"))["key_frames"], time.monotonic()
            await good.ask("stats", watch=True)
            while True:
                await stormy.ask("key_frame")
                stats = await good.message("stats")
                mine, other = stats["each"]
                if other["rung"] == 1:
                    break
            assert mine["rung"] == 0
            assert stats["key_frames"] - before <= (time.monotonic() - started) / 0.5 + 2
            assert [rung["width"] for rung in stats["rungs"]] == [640, 320]
            while True:
                header, _ = await stormy.next_frame()
                if header.width == 320:
                    break
            assert header.key
            stormy.connection.close()
            while len((await good.message("stats"))["rungs"]) > 1:
                pass

    run(scenario())


WRONG_REPORTS = [
    {},
    {"fps": 30},
    {"fps": "30", "loss": 0},
    {"fps": 30, "loss": 2},
    {"fps": -1, "loss": 0},
    {"fps": 30, "loss": 0, "rtt_ms": 1e99},
    {"fps": 30, "loss": 0, "freezes": -1},
    {"fps": 30, "loss": float("nan")},
]


@pytest.mark.process
def test_reports_are_checked_and_shown() -> None:
    async def scenario() -> None:
        async with running() as instance, media(instance) as viewer:
            await viewer.message("hello")
            for report in WRONG_REPORTS:
                viewer.send_text(json.dumps({"type": "report", **report}))
                await viewer.message("error")
            await viewer.next_frame()
            report = Report(fps=29.5, loss=0.0, jitter_ms=1.0, rtt_ms=4.0, freezes=0, decode_ms=1.5, frames_decoded=9)
            viewer.send_text(report.encode())
            (each,) = (await viewer.ask("stats"))["each"]
            assert (each["report"]["fps"], each["report"]["rtt_ms"]) == (29.5, 4.0)
            assert (each["transport"], each["rung"]) == ("websocket h264", 0)
            assert {"queue_ms", "send_ms", "frame_rate", "bit_rate", "dropped", "round_trip_ms"} <= set(each)

    run(scenario())


@pytest.mark.process
def test_a_freeze_that_is_reported_brings_a_key_frame() -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance) as viewer:
            await viewer.next_frame(lambda frame: frame.key_frame)
            viewer.send_text(Report(30, 0.0, freezes=0).encode())
            await viewer.ask("stats", watch=True)
            for _ in range(2):  # a second lies between them: reports that come sooner than 0.1 s are not looked at
                before = (await viewer.message("stats"))["key_frames"]
            viewer.send_text(Report(30, 0.0, freezes=1).encode())
            while (await viewer.message("stats"))["key_frames"] == before:
                pass

    run(scenario())


@pytest.mark.process
def test_bad_descriptions_and_candidates_by_the_dozen() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as other:
            signal = await socket(instance, "signaling")
            signal.write_message(join_message("guest"))
            assert json.loads(await soon(signal.read_message()))["type"] == "offer"
            candidate = {"candidate": "candidate:1 1 udp 1 10.255.255.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0}
            for n in range(100):
                signal.write_message(json.dumps({"type": "ice-candidate", "candidate": candidate}))
                signal.write_message(json.dumps({"type": "answer", "sdp": f"v=0\r\nm=video {n}\r\na=" + "x" * 1000}))
            errors = [json.loads(await soon(signal.read_message()))["reason"] for _ in range(100)]
            assert any("more than 64" in reason or "not acceptable" in reason for reason in errors)
            signal.write_message("x" * (signaling.MAX_MESSAGE_BYTES + 1))
            while await soon(signal.read_message()) is not None:
                pass
            assert await other.ask("ping") == {}

    run(scenario())


@pytest.mark.process
def test_metrics_are_for_those_with_the_secret() -> None:
    async def scenario() -> None:
        async with running() as instance, media(instance) as viewer:
            await viewer.next_frame()
            url = f"http://127.0.0.1:{instance.port}/metrics"
            client = AsyncHTTPClient()
            with pytest.raises(HTTPClientError, match="401"):
                await client.fetch(url)
            answer = await client.fetch(HTTPRequest(url, headers={"Authorization": f"Bearer {SECRET}"}))
            text = answer.body.decode()
            assert 'openspace_instance_viewers{transport="websocket h264"} 1' in text
            assert 'openspace_instance_stage_milliseconds{stage="encode"}' in text
            assert "openspace_instance_frames_drawn_total" in (await viewer.ask("metrics"))["text"]

    run(scenario())


GUEST = signaling.Join("s", signaling.Role.SPECTATOR, "guest", share="a", party="p").encode()
IMPOSTOR = signaling.Join("s", signaling.Role.CONTROLLER, "impostor", owner=True).encode()


async def replies(instance: Process, channel: str, *messages: str) -> list[str]:
    """The reasons sent to a socket that says ``messages`` in one go, until it is closed."""
    connection = await socket(instance, channel)
    for message in messages:
        await connection.write_message(message)
    reasons = []
    while (message := await soon(connection.read_message())) is not None:
        reasons.append(json.loads(message).get("reason", message))
    return reasons


@pytest.mark.process
def test_a_guest_whose_join_was_refused_does_not_join_as_the_owner_instead() -> None:
    async def scenario() -> None:
        async with running() as instance:
            for _ in range(MAX_CONNECTING):
                connection = await socket(instance, "signaling")
                await connection.write_message(GUEST)
                assert json.loads(await soon(connection.read_message()))["type"] == "offer"
            refusal = "8 of your views are connecting, which is the limit: try again in 15 seconds"
            for _ in range(MAX_CONNECTING):
                assert await replies(instance, "signaling", GUEST, IMPOSTOR) == [refusal]
            owner = await socket(instance, "signaling")
            await owner.write_message(IMPOSTOR)
            assert json.loads(await soon(owner.read_message()))["type"] == "offer", "impostors took the owner's room"

    run(scenario())


@pytest.mark.process
def test_a_join_that_failed_is_the_last_one_of_its_socket() -> None:
    unusable = json.dumps(json.loads(GUEST) | {"ice_servers": [{"urls": ["no-such-scheme:"]}]})

    async def scenario() -> None:
        async with running() as instance:
            reasons = await replies(instance, "signaling", unusable, IMPOSTOR)
            assert reasons == ["internal error, see the instance's log"]

    run(scenario())
