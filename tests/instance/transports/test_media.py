"""Viewers over the media socket: video and images, credits, input and changes of mind."""

from __future__ import annotations

import itertools

import av
import cv2
import numpy as np
import pytest

from openspace_server.instance.streaming import stamp
from openspace_server.instance.transports.ack_window import SPARE
from openspace_server.protocols.media import Kind
from tests.instance.harness import bulk, media, run, running

pytestmark = pytest.mark.process


def test_video_comes_as_annex_b_that_begins_with_a_key_frame() -> None:
    async def scenario() -> None:
        async with running(stamp=True) as instance, media(instance) as viewer:
            hello = await viewer.message("hello", role="controller")
            assert "x264" in hello["encoder"]
            decoder = av.CodecContext.create("h264", "r")
            header, unit = await viewer.next_frame()
            assert (header.kind, header.key, header.number) == (Kind.H264, True, 1)
            assert (header.width, header.height) == (640, 360)
            assert unit.startswith(b"\x00\x00\x00\x01")
            decoder.decode(av.Packet(unit))
            viewer.steer(seq=7, orbitX=0.25)
            while header.input_seq != 7:
                before, (header, unit) = header, await viewer.next_frame()
                (frame,) = decoder.decode(av.Packet(unit))
                assert header.pts > before.pts
                assert header.sent_at > before.sent_at
            assert stamp.read(frame.to_ndarray(format="gray")) == (header.frame_id, 7)

    run(scenario())


def test_a_viewer_that_does_not_acknowledge_gets_few_frames_and_costs_nothing() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as observer, media(instance, acks=False) as viewer:
            await viewer.message("hello")
            flight = observer.request("fly_to", target="Moon", duration=1.5)
            assert await observer.answer(flight) == {"arrived": True}
            assert len(viewer.frames) == SPARE
            assert (await observer.ask("stats"))["key_frames"] == 1
            viewer.acknowledge(SPARE)
            number = 0
            while number <= SPARE:
                header, _ = await viewer.next_frame()
                number = header.number
            assert header.key

    run(scenario())


def test_images_are_the_newest_one_at_a_time() -> None:
    async def scenario() -> None:
        async with running(stamp=True) as instance, media(instance, mode="images", acks=False) as viewer:
            await viewer.message("hello")
            header, data = await viewer.next_frame()
            assert (header.kind, header.key) == (Kind.JPEG, True)
            for seq in range(1, 6):
                viewer.steer(seq=seq, orbitX=seq / 8)
            assert (await viewer.ask("camera"))["Position"][0] == 5 / 8
            assert not viewer.frames
            viewer.acknowledge(header.number)
            header, data = await viewer.next_frame()
            shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
            assert shown.shape == (360, 640)
            assert stamp.read(shown) == (header.frame_id, header.input_seq)
            assert header.number == 2
            viewer.acknowledge(header.number)
            while header.input_seq < 5:
                header, data = await viewer.next_frame()
                viewer.acknowledge(header.number)

    run(scenario())


def test_an_image_at_rest_is_sent_once_more_finely_and_then_no_more() -> None:
    async def scenario() -> None:
        async with running() as instance, media(instance, mode="images", format="webp") as viewer:
            await viewer.message("hello")
            coarse, data = await viewer.next_frame()
            fine, better = await viewer.next_frame()
            assert coarse.kind is Kind.WEBP
            assert fine.frame_id == coarse.frame_id
            assert len(better) > len(data)
            sent = (await viewer.ask("stats", watch=True))["frames_drawn"]
            await viewer.message("stats")
            assert (await viewer.message("stats"))["frames_drawn"] == sent
            assert not viewer.frames

    run(scenario())


def test_a_viewer_may_change_its_mind() -> None:
    async def scenario() -> None:
        async with running() as instance, media(instance) as viewer:
            assert (await viewer.next_frame())[0].kind is Kind.H264
            viewer.request_media("images")
            while (await viewer.next_frame())[0].kind is not Kind.JPEG:
                pass
            viewer.request_media("none")
            assert await viewer.ask("ping") == {}
            viewer.frames.clear()
            assert await viewer.ask("fly_to", target="Moon", duration=0.2) == {"arrived": True}
            assert not viewer.frames
            viewer.request_media("h264")
            header, _ = await viewer.next_frame()
            assert header.key

    run(scenario())


def test_what_is_wrong_is_said() -> None:
    async def scenario() -> None:
        async with running() as instance, media(instance) as viewer:
            await viewer.message("hello")
            for text, reason in (
                ('{"type": "media", "mode": "vp9"}', "mode: expected"),
                ('{"type": "ack", "number": -1}', "number: -1 is outside"),
                ('{"type": "ack"}', "number: expected"),
                ("[", "json decode error"),
                ('{"type": "input", "seq": 1, "axes": {"warp": 1}}', "axes: expected"),
            ):
                viewer.send_text(text)
                assert reason in (await viewer.message("error"))["reason"], text
            viewer.connection.write_message(b"\x00", binary=True)
            assert "no binary message" in (await viewer.message("error"))["reason"]
            assert await viewer.ask("ping") == {}

    run(scenario())


def test_frames_come_at_sixty_a_second_on_request() -> None:
    async def scenario() -> None:
        async with running() as instance, media(instance) as viewer:
            assert (await viewer.ask("quality", frame_rate=60))["frame_rate"] == 60
            await viewer.ask("fly_to", target="Moon", duration=1.2)
            moments = [header.pts for header, _ in viewer.frames]
            gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
            assert min(gaps) < 1e6 / 45  # microseconds; a stream held to 30 a second has none as short

    run(scenario())
