"""What is counted as sent and as dropped: two viewers, one of which is too slow."""

from __future__ import annotations

import asyncio

from openspace_server.instance.streaming.encoder import EncodedFrame
from openspace_server.instance.streaming.fan_out import QUEUE_LENGTH, FanOut
from openspace_server.instance.streaming.send_stats import SendStats, SendTotals

BYTES = 100


def frame(number: int, *, is_key: bool = False) -> EncodedFrame:
    return EncodedFrame(bytes(BYTES), number, is_key, 64, 64, number, 0)


def figures(stats: SendStats) -> tuple[int, int, int]:
    message = stats.message()
    return message["frames_sent"], message["bytes_sent"], message["dropped"]


def test_a_frame_is_sent_when_its_sending_is_done() -> None:
    async def scenario() -> None:
        totals = SendTotals()
        fan_out = FanOut(lambda: None, lambda layer: None, totals)
        fast, slow = fan_out.attach(), fan_out.attach()
        for number in range(QUEUE_LENGTH + 2):
            fan_out.publish(frame(number, is_key=number == 0))
            await fast.get()
            assert figures(fast.stats) == (number, number * BYTES, 0), "the last one is not sent yet"
            fast.stats.on_sent()
            fast.stats.on_sent()
        assert figures(fast.stats) == (QUEUE_LENGTH + 2, (QUEUE_LENGTH + 2) * BYTES, 0)
        assert figures(slow.stats) == (0, 0, QUEUE_LENGTH + 2), "the full queue and the two that came after"
        assert (totals.sent, totals.dropped) == (QUEUE_LENGTH + 2, QUEUE_LENGTH + 2)

        fan_out.publish(frame(100, is_key=True))
        for queue in (fast, slow):
            assert (await queue.get()).frame_id == 100
            queue.stats.on_sent()
        fan_out.detach(slow)
        assert figures(slow.stats) == (1, BYTES, QUEUE_LENGTH + 2)
        assert (totals.sent, totals.dropped) == (QUEUE_LENGTH + 4, QUEUE_LENGTH + 2), "including viewers that have left"

    asyncio.run(scenario())
