"""Fan-out of frames to queues, and key frame requests."""

from __future__ import annotations

import asyncio

from openspace_server.instance.streaming.encoder import EncodedFrame
from openspace_server.instance.streaming.fan_out import QUEUE_LENGTH, FanOut
from openspace_server.instance.streaming.key_requests import KeyRequests
from openspace_server.instance.streaming.layers import MAIN, SMALL


def encoded(is_key: bool = False, frame_id: int = 0, layer: int = MAIN) -> EncodedFrame:
    return EncodedFrame(b"", frame_id, is_key, 64, 64, frame_id, 0, layer)


def test_a_queue_begins_with_a_key_frame() -> None:
    async def scenario() -> None:
        requested: list[int] = []
        fan_out = FanOut(lambda: None, requested.append)
        queue = fan_out.attach()
        fan_out.publish(encoded(frame_id=1))
        fan_out.publish(encoded(is_key=True, frame_id=2))
        assert (await queue.get()).frame_id == 2
        assert requested

    asyncio.run(scenario())


def test_a_slow_viewer_skips_to_the_next_key_frame_and_a_fast_one_misses_nothing() -> None:
    async def scenario() -> None:
        requested: list[int] = []
        fan_out = FanOut(lambda: None, requested.append)
        slow, fast = fan_out.attach(), fan_out.attach()
        fan_out.publish(encoded(is_key=True))
        requested.clear()
        slow.key_requests = KeyRequests(lambda: requested.append(MAIN))
        seen = []
        for n in range(1, 3 * QUEUE_LENGTH):
            seen.append((await fast.get()).frame_id)
            fan_out.publish(encoded(frame_id=n))
        seen.append((await fast.get()).frame_id)
        assert seen == list(range(3 * QUEUE_LENGTH))
        assert requested == [MAIN]
        fan_out.publish(encoded(is_key=True, frame_id=100))
        fan_out.publish(encoded(frame_id=101))
        assert [(await slow.get()).frame_id for _ in range(2)] == [100, 101]
        assert (slow.stats.dropped, fast.stats.dropped) == (3 * QUEUE_LENGTH, 0)

    asyncio.run(scenario())


def test_the_fan_out_knows_which_layers_are_needed() -> None:
    async def scenario() -> None:
        needed: list[set[int]] = []
        fan_out = FanOut(lambda: needed.append(fan_out.layers), lambda layer: None)
        one, two = fan_out.attach(), fan_out.attach()
        fan_out.move(two, SMALL)
        fan_out.publish(encoded(is_key=True, layer=SMALL))
        fan_out.detach(one)
        fan_out.detach(one)
        fan_out.detach(two)
        assert needed == [{MAIN}, {MAIN}, {MAIN, SMALL}, {MAIN, SMALL}, {SMALL}, set()]

    asyncio.run(scenario())


def test_a_viewer_changes_its_layer_at_a_key_frame_and_misses_nothing() -> None:
    async def scenario() -> None:
        requested: list[int] = []
        fan_out = FanOut(lambda: None, requested.append)
        queue = fan_out.attach()
        fan_out.publish(encoded(is_key=True, frame_id=1))
        fan_out.move(queue, SMALL)
        assert requested[-1] == SMALL
        for frame_id, layer, is_key in ((2, SMALL, False), (2, MAIN, False), (3, MAIN, False), (3, SMALL, True)):
            fan_out.publish(encoded(is_key, frame_id, layer))
        fan_out.publish(encoded(False, 4, MAIN))
        fan_out.publish(encoded(False, 4, SMALL))
        got = [await queue.get() for _ in range(2)]
        assert [(frame.frame_id, frame.layer) for frame in got] == [(3, SMALL), (4, SMALL)]
        assert got[0].pts < got[1].pts

    asyncio.run(scenario())


def test_frequent_key_frame_requests_are_passed_on_ever_less_often_but_never_lost() -> None:
    async def scenario() -> None:
        passed_on: list[float] = []
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()

        def on_request() -> None:
            passed_on.append(loop.time())
            arrived.set()

        requests = KeyRequests(on_request)
        requests.request()
        assert len(passed_on) == 1
        arrived.clear()
        requests.request()
        requests.request()
        await arrived.wait()
        assert passed_on[1] - passed_on[0] > 0.45
        requests.request()
        requests.cancel()
        requests.request()
        assert len(passed_on) == 2

    asyncio.run(scenario())


def test_a_stalled_viewer_requests_no_key_frames() -> None:
    async def scenario() -> None:
        requested: list[int] = []
        fan_out = FanOut(lambda: None, requested.append)
        queue = fan_out.attach()
        fan_out.publish(encoded(is_key=True))
        queue.set_stalled(True)
        for _ in range(3 * QUEUE_LENGTH):
            fan_out.publish(encoded())
        assert requested == [MAIN]
        queue.key_requests = KeyRequests(lambda: requested.append(queue.next_layer))
        queue.set_stalled(False)
        assert requested == [MAIN, MAIN]

    asyncio.run(scenario())
