"""WebRTC viewers: aiortc as a headless one, against the real process."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from openspace_server.instance.streaming import stamp
from openspace_server.instance.streaming.pacing import SETTLED
from tests.instance.harness import SECRET, Process, bulk, join_message, peer, run, running, socket, soon

pytestmark = pytest.mark.process


async def until(process: Process, viewers: int) -> None:
    """Wait until the instance counts ``viewers``, the one that asks included."""
    async with bulk(process, "viewer") as observer:
        await observer.message("state", viewers=viewers)


def test_the_offer_is_h264_constrained_baseline_with_two_channels_and_nothing_to_gather() -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance) as viewer:
            codecs = set(re.findall(r"a=rtpmap:\d+ (\w+)/", viewer.offer))
            assert codecs == {"H264", "rtx"}
            assert "profile-level-id=42e01f" in viewer.offer
            assert "a=candidate:" in viewer.offer
            assert "srflx" not in viewer.offer
            await viewer.message("hello", role="controller")
            control, steering = viewer.channels["control"], viewer.channels["input"]
            assert (control.ordered, control.maxRetransmits) == (True, None)
            assert (steering.ordered, steering.maxRetransmits) == (False, 0)

    run(scenario())


def test_a_viewer_that_joins_a_view_at_rest_sees_it() -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance) as first:
            await first.next_frame()
            async with peer(instance) as second:
                frame = await second.next_frame()
                assert (frame.width, frame.height) == (640, 360)
                assert frame.key_frame

    run(scenario())


def test_input_moves_the_camera_and_the_stamp_says_which() -> None:
    async def scenario() -> None:
        async with running(stamp=True) as instance, peer(instance) as viewer:
            await viewer.message("hello")
            viewer.steer(seq=7, orbitX=0.25)
            await viewer.next_frame(lambda frame: stamp.read(frame.to_ndarray(format="gray"))[1] == 7)
            assert (await viewer.ask("camera"))["Position"][:2] == [0.25, 0.0]

    run(scenario())


def test_late_and_repeated_input_changes_nothing() -> None:
    async def scenario() -> None:
        async with running(stamp=True) as instance, peer(instance) as viewer:
            await viewer.message("hello")
            viewer.steer(seq=5, orbitX=0.5)
            viewer.steer(seq=5, orbitX=0.7)
            viewer.steer(seq=4, orbitX=0.1)
            viewer.steer(seq=6, orbitX=0.5, orbitY=0.125)
            await viewer.next_frame(lambda frame: stamp.read(frame.to_ndarray(format="gray"))[1] == 6)
            assert (await viewer.ask("camera"))["Position"][:2] == [0.5, 0.125]

    run(scenario())


def test_a_viewer_lost_while_it_held_on_lets_go() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as observer:
            async with peer(instance) as viewer:
                await viewer.message("hello")
                viewer.steer(held=True, orbitX=0.1)
                while (await observer.ask("camera"))["Position"][2] != 1.0:
                    pass
            await observer.message("state", viewers=1)
            assert (await observer.ask("camera"))["Position"][2] == 0.0

    run(scenario())


def test_input_of_a_spectator_is_refused() -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance, role="viewer") as viewer:
            await viewer.message("hello", role="viewer")
            viewer.steer(orbitX=0.25)
            assert (await viewer.message("error"))["reason"] == "input: only controllers steer"
            assert (await viewer.ask("camera"))["Position"][:2] == [0.0, 0.0]

    run(scenario())


@pytest.mark.parametrize("message", ["x", '{"type":"input","seq":1,"axes":{"warp":1}}', "9" * 5000, b"\xff\xfe"])
def test_malformed_input_is_answered_and_disturbs_nothing(message: str | bytes) -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance) as viewer:
            await viewer.message("hello")
            viewer.channels["input"].send(message)
            await viewer.message("error")
            viewer.channels["control"].send(message)
            await viewer.message("error")
            assert await viewer.ask("ping") == {}

    run(scenario())


def test_frames_as_arrays_are_for_the_bulk_socket() -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance) as viewer:
            await viewer.message("hello")
            assert "only on the bulk socket" in await viewer.ask("frame")

    run(scenario())


def test_a_flight_is_streamed_and_then_the_view_rests() -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance) as viewer:
            await viewer.message("hello")
            assert await viewer.ask("fly_to", target="Moon", duration=0.4) == {"arrived": True}
            await viewer.ask("stats", watch=True)
            at_rest = await viewer.message("stats")  # the next comes a second later
            while (stats := await viewer.message("stats"))["frames_encoded"] != at_rest["frames_encoded"]:
                at_rest = stats
            assert 0.4 * 30 / 2 < stats["frames_drawn"] <= 0.4 * 30 + 5
            assert stats["frames_encoded"] >= stats["frames_drawn"] + SETTLED - 1

    run(scenario())


def test_a_new_size_reaches_viewers_as_a_new_stream() -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance) as viewer:
            await viewer.next_frame()
            await viewer.ask("resolution", width=323, height=245)
            frame = await viewer.next_frame(lambda frame: frame.width != 640)
            assert (frame.width, frame.height, frame.key_frame) == (322, 244, True)

    run(scenario())


def test_key_frames_come_on_request_but_not_more_than_two_a_second() -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance) as viewer:
            await viewer.next_frame(lambda frame: frame.key_frame)
            before = (await viewer.ask("stats"))["key_frames"]
            started = time.monotonic()
            for _ in range(3):
                await viewer.ask("key_frame")
                await viewer.next_frame(lambda frame: frame.key_frame)
            made = (await viewer.ask("stats"))["key_frames"] - before
            assert 1 <= made <= (time.monotonic() - started) / 0.5 + 1

    run(scenario())


def test_local_names_in_the_answer_are_left_out_and_the_connection_comes_up() -> None:
    async def scenario() -> None:
        async with running() as instance:
            unresolvable = "candidate:1 1 udp 2122260223 8d8d8d8d-0000-4000-8000-000000000000.local 50000 typ host"

            def hide(sdp: str) -> str:
                lines = [line for line in sdp.splitlines() if "a=candidate" not in line and "end-of" not in line]
                return "\r\n".join([*lines, f"a={unresolvable}", ""])

            async with peer(instance, change=hide) as viewer:
                for candidate in ({"candidate": unresolvable, "sdpMid": "0", "sdpMLineIndex": 0}, None):
                    viewer.signaling.write_message(json.dumps({"type": "ice-candidate", "candidate": candidate}))
                await viewer.message("hello")
                await viewer.next_frame()

    run(scenario())


WRONG_SIGNALING = [
    "nonsense",
    '{"type": "dance"}',
    '{"type": "offer", "sdp": "v=0"}',
    '{"type": "answer"}',
    '{"type": "answer", "sdp": "v=0\\r\\nm=video"}',
    '{"type": "ice-candidate", "candidate": {"candidate": "candidate:nonsense", "sdpMid": "0"}}',
    '{"type": "ice-candidate", "candidate": {"candidate": 7}}',
    '{"type": "ice-candidate", "candidate": {"candidate": "candidate:1 1 udp 1 example.org 9 typ host"}}',
]


def test_malformed_signaling_is_answered_and_affects_no_other() -> None:
    async def scenario() -> None:
        async with running() as instance:
            signaling = await socket(instance, "signaling")
            signaling.write_message(join_message())
            assert json.loads(await soon(signaling.read_message()))["type"] == "offer"
            for message in WRONG_SIGNALING:
                signaling.write_message(message)
                assert json.loads(await soon(signaling.read_message()))["type"] == "error", message
            signaling.write_message('{"type": "ping"}')
            assert json.loads(await soon(signaling.read_message())) == {"type": "pong"}
            async with peer(instance) as viewer:
                await viewer.message("hello")

    run(scenario())


def test_the_viewer_outlives_its_signaling_socket_and_bye_ends_it() -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance) as viewer, peer(instance) as other:
            await viewer.message("hello")
            viewer.signaling.close()
            assert await viewer.ask("ping") == {}
            await viewer.message("state", viewers=2)
            other.signaling.write_message('{"type": "bye"}')
            await viewer.message("state", viewers=1)

    run(scenario())


def test_joining_is_bounded() -> None:
    async def scenario() -> None:
        async with running() as instance:
            sockets = []
            for _ in range(8):
                sockets.append(await socket(instance, "signaling"))
                sockets[-1].write_message(join_message())
                assert json.loads(await soon(sockets[-1].read_message()))["type"] == "offer"
            one_too_many = await socket(instance, "signaling")
            one_too_many.write_message(join_message())
            message = json.loads(await soon(one_too_many.read_message()))
            reason = "8 views of the owner are connecting, which is the limit: try again in 15 seconds"
            assert message == {"type": "error", "reason": reason}

    run(scenario())


LOST_VIEWER = """
import asyncio, sys
from tests.instance.harness import Process, peer

async def watch(port):
    instance = Process(None)
    instance.port = port
    async with peer(instance) as viewer:
        await viewer.message("hello")
        await viewer.next_frame()
        print("watching", flush=True)
        await asyncio.Event().wait()

asyncio.run(watch(int(sys.argv[1])))
"""


def test_a_killed_viewer_is_noticed_and_the_others_go_on() -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance) as viewer:
            await viewer.message("hello")
            root = Path(__file__).parents[3]
            lost = await asyncio.create_subprocess_exec(
                sys.executable, "-c", LOST_VIEWER, str(instance.port), stdout=asyncio.subprocess.PIPE, cwd=root,
                env=os.environ | {"PYTHONPATH": f"{root / 'server_ext'}:{root}"},
            )  # fmt: skip
            assert lost.stdout is not None
            assert await soon(lost.stdout.readline()) == b"watching\n"
            await viewer.message("state", viewers=2)
            viewer.inbox.clear()
            lost.send_signal(signal.SIGKILL)
            await lost.wait()
            await viewer.message("state", viewers=1)
            assert await viewer.ask("ping") == {}

    run(scenario())


def test_viewers_leave_nothing_behind() -> None:
    async def scenario() -> None:
        async with running() as instance:

            async def visit() -> None:
                async with peer(instance) as viewer, bulk(instance) as other:
                    await viewer.message("hello")
                    await viewer.next_frame()
                    await other.frame()
                await until(instance, viewers=1)

            async def settled(descriptors: int, threads: int) -> bool:
                return instance.descriptors() <= descriptors and instance.threads() <= threads

            await visit()
            descriptors, threads = instance.descriptors(), instance.threads()
            for _ in range(4):
                await visit()
            unconnected = await socket(instance, "signaling", SECRET)
            unconnected.write_message(join_message())
            await soon(unconnected.read_message())
            unconnected.write_message('{"type": "bye"}')
            deadline = time.monotonic() + 10
            while not await settled(descriptors, threads):
                assert time.monotonic() < deadline, (descriptors, instance.descriptors(), threads, instance.threads())
                await until(instance, viewers=1)

    run(scenario())
