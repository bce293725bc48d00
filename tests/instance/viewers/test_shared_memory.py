"""Frames through memory shared with a viewer on the same machine, and the viewers that get none."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from openspace_server.protocols import arrays, shared_memory
from openspace_server.protocols.points import PointFrame, checksum
from openspace_server.protocols.shared_memory import ARRAYS, OpenedMemory, is_notice
from tests.instance.harness import Bulk, bulk, run, running
from tests.instance.viewers.test_uploads import FEW, POSITIONS, clouds, frame

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is shared by name on Linux only"),
]


def put(viewer: Bulk, memory: OpenedMemory, slot: int, sent: PointFrame) -> int:
    """Tell of ``sent`` in ``slot``; the number that the answer will have."""
    number, viewer.next_id = viewer.next_id, viewer.next_id + 1
    notice = memory.put(slot, number, *sent.encode()[0])
    assert notice is not None
    viewer.connection.write_message(notice, binary=True)
    return number


def shared_mappings(pid: int) -> int:
    return Path(f"/proc/{pid}/maps").read_text().count("/dev/shm/openspace-")


def there(path: str) -> bool:
    return Path(path).exists()


async def shared_with(viewer: Bulk) -> OpenedMemory:
    memory = OpenedMemory((await viewer.ask("share_memory"))["path"])
    assert await viewer.ask("share_memory", proof=memory.proof) == {"shared": True}
    return memory


def test_a_frame_lies_in_the_slot_that_was_named_for_it() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            memory = await shared_with(viewer)
            for slot in (0, 2, 0):
                viewer.request("frame", pieces=True, slot=slot)
                notice = await viewer.take(lambda m: isinstance(m, bytes))
                assert is_notice(notice)
                at, _, message = memory.find(notice)
                header, pixels = arrays.decode(message)
                assert at == slot
                assert pixels.shape == (360, 640, 3)
                answer = await viewer.ask("drawn", frame=header["frame"])
                assert answer["width"] == 640
                assert np.asarray(pixels).any()
            assert "slot" in await viewer.ask("frame", slot=3)
            memory.close()

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
            memory = await shared_with(viewer)
            viewer.request("frame")
            assert (await viewer.take(lambda m: isinstance(m, bytes)))[:4] == arrays.MAGIC
            memory.close()

    run(scenario())


def test_memory_that_is_offered_and_not_used_is_removed() -> None:
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


def test_points_arrive_bit_for_bit_whichever_slot_they_lie_in() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance) as viewer:
            memory = await shared_with(viewer)
            for sequence in range(1, 8):
                sent = frame(sequence=sequence, positions=POSITIONS + sequence, check=True)
                shown = await viewer.answer(put(viewer, memory, ARRAYS[sequence % 3], sent))
                assert (shown["shown"], shown["crc32"]) == (True, checksum(sent))
            memory.close()

    run(scenario())


def test_a_slot_still_in_use_a_lie_and_a_stranger_are_refused_and_nothing_changes() -> None:
    async def scenario() -> None:
        async with clouds(update_seconds=1) as instance, bulk(instance) as viewer, bulk(instance) as other:
            memory = await shared_with(viewer)
            assert (await viewer.answer(put(viewer, memory, ARRAYS[0], frame())))["shown"]
            slow = put(viewer, memory, ARRAYS[0], frame(sequence=2))
            again = shared_memory._PREFIX.pack(shared_memory.MAGIC, ARRAYS[0], viewer.next_id, 1000)
            viewer.connection.write_message(again, binary=True)
            assert "still in use" in await viewer.answer(viewer.next_id)
            viewer.next_id += 1
            assert (await viewer.answer(slow))["shown"]

            number, viewer.next_id = viewer.next_id, viewer.next_id + 1
            header = arrays.encode_header(FEW, "points", name="stars", sequence=3)
            notice = memory.put(ARRAYS[1], number, header, FEW[:-1].tobytes())
            viewer.connection.write_message(notice, binary=True)
            assert "bytes" in await viewer.answer(number)

            other.connection.write_message(notice, binary=True)
            assert "no memory is shared" in await other.answer(number)
            assert [each["sequence"] for each in await viewer.ask("points")] == [2]
            memory.close()

    run(scenario())


def test_a_sender_that_ends_while_its_points_lie_there_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        async with clouds(update_seconds=0.2) as instance:
            async with bulk(instance) as viewer:
                memory = await shared_with(viewer)
                for slot in ARRAYS:
                    put(viewer, memory, slot, frame(str(slot), positions=POSITIONS))
                await viewer.ask("ping")
                memory.close()
            async with bulk(instance) as other:
                assert await other.ask("ping") == {}
                while shared_mappings(instance.process.pid):
                    await other.ask("ping")

    run(scenario())


def test_guests_get_no_memory() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance, "guest") as guest:
            assert "only for the owner" in await guest.ask("share_memory")

    run(scenario())
