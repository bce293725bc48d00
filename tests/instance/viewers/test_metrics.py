"""The figures of a real instance, as ``stats`` and as Prometheus text."""

from __future__ import annotations

import pytest

from openspace_server.instance.transports.ack_window import SPARE
from tests.instance.harness import bulk, media, run, running

pytestmark = pytest.mark.process


def value_of(text: str, name: str) -> float:
    """The value of the metric ``name``, which has no labels."""
    (line,) = (line for line in text.splitlines() if line.startswith(f"openspace_instance_{name} "))
    return float(line.split()[1])


def test_frames_sent_are_those_sent_and_frames_encoded_those_encoded() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as owner, media(instance) as fast:
            await fast.next_frame()
            async with media(instance, "guest", acks=False) as slow:
                await slow.message("hello")
                await owner.ask("fly_to", target="Moon", duration=2)
                before, stats = {}, await owner.ask("stats")
                while stats["frames_encoded"] != before.get("frames_encoded"):
                    await owner.ask("stats", watch=True)
                    before, stats = stats, await owner.message("stats")
                one, two = (viewer for viewer in stats["each"] if "frames_sent" in viewer)
                assert one["frames_sent"] == 1 + len(fast.frames), "the first one was taken out by this test"
                assert (two["frames_sent"], one["dropped"]) == (SPARE, 0)
                assert len(slow.frames) == SPARE
                assert two["dropped"] > 10
                assert stats["frames_sent"] == one["frames_sent"] + two["frames_sent"]
                assert stats["dropped"] == two["dropped"]
                assert stats["frames_encoded"] >= one["frames_sent"]
                assert stats["frames_encoded"] != stats["frames_sent"]
            text = (await owner.ask("metrics"))["text"]
            assert value_of(text, "frames_encoded_total") == stats["frames_encoded"]
            assert value_of(text, "frames_sent_total") == stats["frames_sent"], "including the viewer that has left"
            assert value_of(text, "pictures_dropped_total") == stats["dropped"]

    run(scenario())
