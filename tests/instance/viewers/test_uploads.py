"""Frames of points that a viewer sends to a running instance, over its bulk socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import psutil
import pytest

from openspace_server.protocols import arrays, encodings, transfer
from openspace_server.protocols.arrays import Encoding
from openspace_server.protocols.points import LATEST, PointFrame, PointOptions, checksum
from tests.instance.harness import Bulk, Process, bulk, peer, run, running, soon

pytestmark = pytest.mark.process

ENGINE = "tests.instance.viewers.point_engine:CloudEngine"
POSITIONS = np.random.default_rng(1).normal(0, 100, (50_000, 3)).astype("<f4")
FEW = POSITIONS[:1000]


@contextlib.asynccontextmanager
async def clouds(update_seconds: float = 0) -> AsyncIterator[Process]:
    async with running(ENGINE, env={"TEST_ENGINE_UPDATE_SECONDS": str(update_seconds)}) as instance:
        yield instance


def frame(name: str = "stars", sequence: int = 1, positions: np.ndarray = FEW, **more: Any) -> PointFrame:
    return PointFrame(name, sequence, positions, sender=more.pop("sender", "me"), **more)


def post(viewer: Bulk, sent: PointFrame, encoding: Encoding = arrays.PLAIN, size: int = transfer.CHUNK_BYTES) -> int:
    """Send all chunks, credits or not; the number that the answer will have."""
    number, viewer.next_id = viewer.next_id, viewer.next_id + 1
    for chunk in transfer.chunks(number, sent.encode(encoding)[0], size):
        viewer.connection.write_message(chunk, binary=True)
    return number


async def show(viewer: Bulk, sent: PointFrame, encoding: Encoding = arrays.PLAIN) -> Any:
    return await viewer.answer(post(viewer, sent, encoding))


async def alone(viewer: Bulk) -> None:
    """Until the instance has noticed that the other viewers are gone."""
    while len((await viewer.ask("who"))["viewers"]) > 1:
        pass


def test_a_frame_arrives_bit_for_bit_and_is_listed() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance) as viewer:
            columns = {"values": np.arange(50_000, dtype="<f4")}
            sent = frame(positions=POSITIONS, columns=columns, check=True, options=PointOptions(unit="Mpc", size=2))
            shown = await show(viewer, sent)
            assert (shown["shown"], shown["points"], shown["crc32"]) == (True, 50_000, checksum(sent))
            packed = await show(
                viewer, frame(sequence=2, positions=POSITIONS, columns=columns, check=True), Encoding("zstd")
            )
            assert packed["crc32"] == checksum(sent)
            assert packed["bytes"] < shown["bytes"]
            (listed,) = await viewer.ask("points")
            assert (listed["name"], listed["points"], listed["sequence"]) == ("stars", 50_000, 2)

    run(scenario())


def test_two_hundred_frames_cost_no_more_memory_than_the_window() -> None:
    async def scenario() -> None:
        async with clouds(update_seconds=0.002) as instance, bulk(instance) as viewer:
            await show(viewer, frame(positions=POSITIONS))
            before = psutil.Process(instance.process.pid).memory_info().rss
            window, last = transfer.SendCredits(), 0
            for sequence in range(2, 202):
                sent = frame(sequence=sequence, positions=POSITIONS)
                size = sum(len(part) for part in sent.encode()[0])
                while not window.take(size):
                    news = await viewer.message("credit")
                    window.grant(news["bytes"])
                last = post(viewer, sent)
            assert (await viewer.answer(last))["shown"]
            grown = psutil.Process(instance.process.pid).memory_info().rss - before
            assert grown < 4 * transfer.WINDOW, f"{grown / 1e6:.0f} MB for {200 * POSITIONS.nbytes / 1e6:.0f} MB"

    run(scenario())


def test_every_credit_is_given_back_also_for_what_is_refused() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance) as viewer:
            bad = POSITIONS.copy()
            bad[77] = np.nan
            sent = frame(positions=bad)
            total = sum(len(part) for part in sent.encode()[0])
            reason = await show(viewer, sent)
            assert reason == (
                "error: points: 1 of 50000 rows hold NaN or infinity, the first is row 77: [nan, nan, nan]"
            )
            back = 0
            while back < total:
                back += (await viewer.message("credit"))["bytes"]
            assert back == total

    run(scenario())


def test_a_viewer_that_ignores_the_credits_is_disconnected_and_the_instance_lives() -> None:
    async def scenario() -> None:
        async with clouds(update_seconds=0.5) as instance, bulk(instance) as viewer, bulk(instance) as other:
            await show(viewer, frame())
            for sequence in range(2, 60):
                post(viewer, frame(sequence=sequence, positions=POSITIONS))
            await viewer.message("error", reason="more bytes were sent than the credits allow")
            assert (await other.ask("ping")) == {}

    run(scenario())


def test_of_frames_that_wait_the_latest_wins_or_all_are_shown_as_the_sender_chose() -> None:
    async def scenario() -> None:
        async with clouds(update_seconds=0.3) as instance, bulk(instance) as viewer:
            for keep in (LATEST, "all"):
                name = f"points {keep}"
                await show(viewer, frame(name))
                ids = [post(viewer, frame(name, sequence, keep=keep)) for sequence in range(2, 7)]
                results = [await viewer.answer(id) for id in ids]
                assert results[-1]["shown"]
                if keep == LATEST:
                    dropped = [result for result in results if not result["shown"]]
                    assert len(dropped) >= 3
                    assert all("newer" in result["reason"] for result in dropped)
                else:
                    assert all(result["shown"] for result in results)

    run(scenario())


def test_a_frame_older_than_the_one_shown_is_left_out() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance) as viewer:
            await show(viewer, frame(sequence=5))
            late = await show(viewer, frame(sequence=4))
            assert (late["shown"], late["reason"]) == (False, "older than frame 5, which is shown")

    run(scenario())


def test_a_sender_killed_in_the_middle_of_a_frame_leaves_nothing_of_it() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance) as witness:
            async with bulk(instance) as viewer:
                await show(viewer, frame(sequence=1, positions=POSITIONS))
            before = instance.descriptors()
            for _ in range(5):
                async with bulk(instance) as viewer:
                    await viewer.message("hello")
                    parts = frame(sequence=9, positions=POSITIONS[::-1]).encode()[0]
                    for chunk in list(transfer.chunks(7, parts, 100_000))[:3]:
                        await viewer.connection.write_message(chunk, binary=True)
                    assert viewer.connection.protocol is not None
                    viewer.connection.protocol.stream.close()  # type: ignore[attr-defined]
            (listed,) = await witness.ask("points")
            assert listed["sequence"] == 1
            await alone(witness)
            while instance.descriptors() > before:
                await witness.ask("ping")

    run(scenario())


def test_an_abandoned_frame_is_answered() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance) as viewer:
            viewer.connection.write_message(
                next(transfer.chunks(50, frame(positions=POSITIONS).encode()[0], 999)), binary=True
            )
            assert (await show(viewer, frame()))["shown"]
            assert await viewer.answer(50) == "error: abandoned by the next transfer: nothing of it is shown"

    run(scenario())


def test_a_name_belongs_to_one_sender_until_it_is_gone() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance) as second:
            async with bulk(instance) as first:
                assert (await show(first, frame(sender="one")))["shown"]
                assert "to another sender" in await show(second, frame(sender="two"))
                assert (await show(second, frame("more stars", sender="two")))["shown"]
                assert (await show(second, frame(sequence=2, sender="one")))["shown"], "the same sender, reconnected"
            await alone(second)
            second_of_one = await show(second, frame(sender="two"))
            assert "to another sender" in second_of_one, "this connection sent as one, too"
        async with clouds() as instance, bulk(instance) as second:
            async with bulk(instance) as first:
                await show(first, frame(sender="one", sequence=40))
            await alone(second)
            assert (await show(second, frame(sender="two")))["shown"]

    run(scenario())


def test_lies_and_nonsense_get_a_reason_and_change_nothing() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance) as viewer:
            await show(viewer, frame())
            memory = psutil.Process(instance.process.pid).memory_info().rss
            announced = transfer.UPLOAD.pack(90, 0, 10 * 10**9) + bytes(1000)
            viewer.connection.write_message(announced, binary=True)
            assert "10000000000 bytes is announced" in await viewer.answer(90)
            liar = b"".join(frame(positions=POSITIONS).encode()[0]) + bytes(8)
            viewer.connection.write_message(next(transfer.chunks(91, [liar])), binary=True)
            assert "its header needs" in await viewer.answer(91)
            viewer.connection.write_message(os.urandom(1000), binary=True)
            assert "expected a chunk" in (await viewer.message("error", id=None))["reason"]
            assert "expected float32" in await show(viewer, frame(sequence=9, positions=FEW.astype("<i4")))
            assert "expected float32 or float64 (n, 3)" in await show(viewer, frame(sequence=9, positions=FEW[:, :2]))
            nowhere = frame("lost", options=PointOptions(parent="Nowhere"))
            assert await show(viewer, nowhere) == "error: there is no Nowhere"
            (listed,) = await viewer.ask("points")
            assert listed["sequence"] == 1
            assert psutil.Process(instance.process.pid).memory_info().rss < memory + 50e6

    run(scenario())


def test_an_engine_without_a_scene_says_so() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            assert await show(viewer, frame()) == "error: the moving engine has no scene: points cannot be shown in it"
            assert await viewer.ask("pick", x=0.5, y=0.5) is None

    run(scenario())


def test_a_spectator_cannot_upload() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance, "viewer") as viewer:
            assert "controller" in await show(viewer, frame())
            assert await viewer.ask("points") == []

    run(scenario())


def test_options_can_be_changed_and_changes_by_scripts_are_read_back() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance) as viewer:
            map = ((0, 0, 0), (255, 255, 255))
            sent = frame(columns={"values": np.arange(1000, dtype="<f4")}, options=PointOptions(colormap=map))
            await show(viewer, sent)
            changed = await viewer.ask(
                "style_points", name="stars", options={"visible": False, "size": 3, "range": [2, 4], "log": True}
            )
            assert {name: changed["options"][name] for name in ("visible", "size", "range", "log", "opacity")} == {
                "visible": False,
                "size": 3,
                "range": [2, 4],
                "log": True,
                "opacity": 1,
            }
            for wrong, reason in (
                ({"size": 1e9}, "size: 1e+09 is outside"),
                ({"size": 20}, "MaxSize"),
                ({"unit": "km"}, "fixed when points are added"),
                ({"range": [4, 2]}, "range: expected"),
                ({"colormap": "ff0000"}, "one color is no map"),
            ):
                answer = await viewer.ask("style_points", name="stars", options=wrong)
                assert answer.startswith("error: "), wrong
                assert reason in answer
            assert (await viewer.ask("points"))[0]["options"] == changed["options"]
            assert "no points called 'sky'; there are stars" in await viewer.ask("remove_points", name="sky")
            assert await viewer.ask("remove_points", name="stars") == {}
            assert await viewer.ask("points") == []

    run(scenario())


def test_picks_are_sent_to_viewers_that_watch_them() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance) as kernel, bulk(instance, "viewer") as page:
            values = np.arange(1000, dtype="<f4") / 2
            await kernel.ask("watch_picks")
            await show(kernel, frame(columns={"values": values}, sequence=3))
            assert (await page.message("state", picks="hover"))["viewers"] == 2
            expected = {"name": "stars", "index": 250, "sequence": 3, "value": 125.0, "how": "click"}
            assert await page.ask("pick", x=0.25, y=0.5) == expected
            listed = await kernel.message("picked")
            assert {name: listed[name] for name in expected} == expected
            assert await page.ask("pick", x=1, y=0.5, how="hover") is None
            assert await page.ask("pick", x=2, y=0) == "error: x, y: 2, 0 is outside the frame, 0 to 1"
            await kernel.ask("watch_picks", watch=False)
            await page.message("state", picks="click")

    run(scenario())


def test_a_webrtc_viewer_sends_frames_over_a_channel_of_its_own() -> None:
    async def scenario() -> None:
        async with clouds() as instance, peer(instance) as viewer:
            await viewer.message("hello")
            channel = viewer.connection.createDataChannel("bulk")
            opened = asyncio.Event()
            channel.on("open", opened.set)
            await soon(opened.wait())
            sent = frame(positions=POSITIONS, check=True)
            for chunk in transfer.chunks(77, sent.encode()[0], transfer.CHANNEL_CHUNK_BYTES):
                channel.send(chunk)
            shown = await viewer.answer(77)
            assert (shown["shown"], shown["crc32"]) == (True, checksum(sent))
            channel.send(next(transfer.chunks(78, [b"OSA1 rubbish" * 9])))
            assert "array header announces" in await viewer.answer(78)

    run(scenario())


def test_numbers_of_16_bits_arrive_within_the_stated_error() -> None:
    async def scenario() -> None:
        async with clouds() as instance, bulk(instance) as viewer:
            sent = frame(positions=POSITIONS, check=True)
            parts, bound = sent.encode(Encoding(encodings.SHUFFLED, quantised=True))
            assert bound is not None
            answer = await soon(show(viewer, sent, Encoding(quantised=True)))
            received = PointFrame.decode(b"".join(parts))
            assert answer["crc32"] == checksum(received) != checksum(sent)
            assert (np.abs(received.positions - POSITIONS).max(axis=0) <= bound).all()

    run(scenario())
