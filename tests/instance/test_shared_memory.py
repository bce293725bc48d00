"""Frames through memory shared with a viewer on the same machine, and who gets none."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from openspace_server.protocols import arrays
from openspace_server.protocols.shared_memory import Reader, is_told
from tests.instance.harness import Bulk, bulk, run, running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is shared by name on Linux only")


def there(path: str) -> bool:
    return Path(path).exists()


async def shared_with(viewer: Bulk) -> Reader:
    reader = Reader((await viewer.ask("share_memory"))["path"])
    assert await viewer.ask("share_memory", proof=reader.proof) == {"shared": True}
    return reader


def test_a_frame_lies_in_the_slot_that_was_named_for_it() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            reader = await shared_with(viewer)
            for slot in (0, 2, 0):
                viewer.request("frame", pieces=True, slot=slot)
                told = await viewer.take(lambda m: isinstance(m, bytes))
                assert is_told(told)
                header, pixels = arrays.decode(reader.read(told))
                assert pixels.shape == (360, 640, 3)
                answer = await viewer.ask("drawn", frame=header["frame"])
                assert answer["width"] == 640
                assert np.asarray(pixels).any()
            assert "slot" in await viewer.ask("frame", slot=3)
            reader.close()

    run(scenario())


def test_without_a_slot_or_a_proof_frames_come_over_the_socket() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            path = (await viewer.ask("share_memory"))["path"]
            viewer.request("frame", slot=0)
            assert (await viewer.take(lambda m: isinstance(m, bytes)))[:4] == arrays.MAGIC
            assert await viewer.ask("share_memory", proof="wrong") == {"shared": False}
            assert not there(path)
            viewer.request("frame", slot=0)
            assert (await viewer.take(lambda m: isinstance(m, bytes)))[:4] == arrays.MAGIC
            reader = await shared_with(viewer)
            viewer.request("frame")
            assert (await viewer.take(lambda m: isinstance(m, bytes)))[:4] == arrays.MAGIC
            reader.close()

    run(scenario())


def test_nothing_is_left_of_memory_that_nobody_came_for() -> None:
    async def scenario() -> None:
        async with running() as instance:
            async with bulk(instance) as viewer:
                first = (await viewer.ask("share_memory"))["path"]
                second = (await viewer.ask("share_memory"))["path"]
                assert not there(first)
            async with bulk(instance) as other:
                while there(second):
                    await other.ask("ping")

    run(scenario())


def test_guests_get_no_memory() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance, "guest") as guest:
            assert "only for the owner" in await guest.ask("share_memory")

    run(scenario())
