"""Encoding, fan-out, the stamp and the playout-delay extension, each on its own."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import av
import cv2
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, codecs, rtcrtpsender, rtp
from aiortc.rtcrtpparameters import RTCRtpParameters

from openspace_server.engines.base import Motion
from openspace_server.instance.streaming import stamp
from openspace_server.instance.streaming.codecs import X264, CodecChoice, probe_encoders, video_frame
from openspace_server.instance.streaming.encoder import EncodedFrame, Encoder, RawFrame, convert, scaled
from openspace_server.instance.streaming.fan_out import QUEUE_LENGTH, FanOut
from openspace_server.instance.streaming.key_requests import KeyRequests
from openspace_server.instance.streaming.layers import MAIN, SMALL
from openspace_server.instance.transports import playout_delay
from openspace_server.instance.transports.ack_window import SPARE, Credit
from openspace_server.instance.viewers.input import MAX_STEP, ViewerInput
from openspace_server.protocols.viewer import InputTotals


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 4), np.uint8)


def decode(*encoded: EncodedFrame) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    return [frame for each in encoded for frame in decoder.decode(av.Packet(each.data))]


def test_every_frame_comes_out_at_once_and_only_the_first_is_a_key_frame() -> None:
    encoder = Encoder(1_000_000, 30)
    encoded = [encoder.encode(convert(noise(320, 240, n), n, 0, stamped=False), n / 30, is_key=False) for n in range(5)]
    assert [frame.is_key for frame in encoded] == [True, False, False, False, False]
    assert all(frame.data for frame in encoded)
    assert [frame.frame_id for frame in encoded] == [0, 1, 2, 3, 4]


def test_a_requested_key_frame_can_be_decoded_by_a_newcomer() -> None:
    encoder = Encoder(1_000_000, 30)
    for n in range(3):
        encoder.encode(convert(noise(320, 240, n), n, 0, stamped=False), n / 30, is_key=False)
    late = encoder.encode(convert(noise(320, 240), 3, 0, stamped=False), 0.1, is_key=True)
    assert late.is_key
    assert [(frame.width, frame.height) for frame in decode(late)] == [(320, 240)]


def test_the_stream_names_its_color_space() -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:] = (255, 0, 0, 255)
    encoder = Encoder(1_000_000, 30)
    (frame,) = decode(encoder.encode(convert(pixels, 1, 0, stamped=False), 0, is_key=True))
    assert (frame.colorspace, frame.color_range) == (6, 1)  # BT.601 (SMPTE 170M), limited
    red, green, blue = frame.to_ndarray(format="rgb24")[32, 32]
    assert blue > 245
    assert red < 10
    assert green < 10


def test_odd_sizes_lose_a_row_and_a_column_and_a_new_size_opens_a_new_stream() -> None:
    encoder = Encoder(1_000_000, 30)
    first = encoder.encode(convert(noise(101, 67), 1, 0, stamped=False), 0, is_key=False)
    second = encoder.encode(convert(noise(202, 134), 2, 0, stamped=False), 0.1, is_key=False)
    assert (first.width, first.height, second.is_key) == (100, 66, True)
    assert [(frame.width, frame.height) for frame in decode(first, second)] == [(100, 66), (202, 134)]


@pytest.mark.parametrize("height", [500, 501, 502, 504, 506])
def test_a_frame_of_any_height_keeps_its_layout_and_colors(height: int) -> None:
    pixels = np.full((height, 900, 4), 255, np.uint8)
    for row, color in enumerate([(200, 40, 40), (40, 200, 40), (40, 40, 200)]):
        pixels[row * height // 3 : (row + 1) * height // 3, :, :3] = color
    (frame,) = decode(Encoder(4_000_000, 30).encode(convert(pixels, 1, 0, stamped=False), 0, is_key=True))
    assert (frame.width, frame.height) == (900, height & ~1)
    shown = frame.to_ndarray(format="bgr24").astype(int)
    for row in (8, height // 3 - 8, height // 2, 2 * height // 3 + 8, height - 8):
        assert np.abs(shown[row, 20:-20] - pixels[row, 20:-20, :3]).max() < 24, row


def test_the_bit_rate_changes_while_running_without_a_key_frame() -> None:
    encoder = Encoder(2_000_000, 30)
    frames = [convert(noise(320, 240, n) // 4, n, 0, stamped=False) for n in range(8)]

    def second(start: int) -> tuple[int, bool]:
        encoded = [encoder.encode(frames[n % 8], start + n / 30, is_key=False) for n in range(30)]
        return sum(len(frame.data) for frame in encoded) * 8, any(frame.is_key for frame in encoded[1:])

    second(0)
    before, _ = second(1)
    encoder.configure(500_000, 30)
    second(2)
    after, key = second(3)
    assert 0.7 * 2_000_000 < before < 1.4 * 2_000_000
    assert 0.6 * 500_000 < after < 1.4 * 500_000
    assert not key


def test_the_first_frame_of_a_motion_is_no_burst_and_a_view_at_rest_is_sharp() -> None:
    encoder, decoder = Encoder(2_000_000, 30), av.CodecContext.create("h264", "r")
    texture = cv2.GaussianBlur(noise(640, 360), (0, 0), 1.2)
    turns = [cv2.getRotationMatrix2D((320, 180), 3 * n, 1) for n in range(30)]
    frames = [convert(cv2.warpAffine(texture, turn, (640, 360)), n, 0, stamped=False) for n, turn in enumerate(turns)]

    def show(frame: RawFrame, seconds: float) -> tuple[int, float]:
        encoded = encoder.encode(frame, seconds, is_key=False)
        (shown,) = decoder.decode(av.Packet(encoded.data))
        return len(encoded.data) * 8, cv2.PSNR(shown.to_ndarray(), frame.planes)

    moving = [show(frame, n / 30) for n, frame in enumerate(frames[:-1])][-1]
    rested = [show(frames[-2], 1 + n / 30) for n in range(12)][-1]
    moved = show(frames[-1], 3.0)
    assert rested[1] > moving[1] + 3
    assert moved[0] < 1.25 * 2_000_000 / 30


def test_presentation_times_only_grow() -> None:
    encoder = Encoder(1_000_000, 30)
    frame = convert(noise(64, 64), 1, 0, stamped=False)
    times = [encoder.encode(frame, seconds, is_key=False).pts for seconds in (5.0, 5.0, 4.0, 6.0)]
    assert times == sorted(set(times))


def test_the_stamp_survives_the_codec() -> None:
    encoder = Encoder(400_000, 30)
    raw = convert(noise(640, 361), 0xDEADBEEF, 123456789, stamped=True)
    (frame,) = decode(encoder.encode(raw, 0, is_key=True))
    assert stamp.read(frame.to_ndarray(format="gray")) == (0xDEADBEEF, 123456789)


def test_a_frame_too_small_for_the_stamp_is_left_as_it_is() -> None:
    pixels = noise(320, 240)
    assert np.array_equal(convert(pixels, 1, 1, stamped=True).planes, convert(pixels, 1, 1, stamped=False).planes)


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


def test_the_ack_window_grows_with_the_round_trip() -> None:
    credit = Credit()
    for number in range(SPARE):
        assert credit.free
        credit.sent(number, 0.0)
    assert not credit.free
    credit.acknowledged(0, 0.1)
    assert credit.round_trip == pytest.approx(0.1)
    assert credit.window == SPARE + 6
    credit.acknowledged(77, 0.2)
    assert credit.free


def test_a_scaled_frame_keeps_its_content_and_its_stamp() -> None:
    pixels = np.zeros((361, 1281, 4), np.uint8)
    pixels[:, 640:] = (0, 0, 255, 255)
    raw = convert(pixels, 5, 6, stamped=True)
    half = scaled(raw, 0.5, stamped=True)
    assert (half.width, half.height, half.planes.shape) == (640, 180, (270, 640))
    assert stamp.read(half.planes[:180]) == (5, 6)
    shown = cv2.cvtColor(half.planes, cv2.COLOR_YUV2BGR_I420)
    assert shown[40, 600, 2] > 240
    assert shown[40, 40].max() < 10
    assert scaled(raw, 1.0, stamped=True) is raw


def test_every_second_frame_needs_no_new_encoder() -> None:
    encoder = Encoder(1_000_000, 30)
    frames = [convert(noise(320, 240, n) // 4, n, 0, stamped=False) for n in range(8)]
    encoder.encode(frames[0], 0, is_key=False)
    encoder.configure(500_000, 15)
    encoded = [encoder.encode(frames[n % 8], 1 + n / 15, is_key=False) for n in range(45)]
    assert not any(frame.is_key for frame in encoded)
    assert 0.6 * 500_000 < sum(len(frame.data) for frame in encoded[15:]) * 8 / 2 < 1.4 * 500_000


def test_twice_as_many_frames_cost_no_key_frame_and_no_bits() -> None:
    encoder = Encoder(1_000_000, 30)
    frames = [convert(noise(320, 240, n) // 4, n, 0, stamped=False) for n in range(8)]
    for n in range(30):
        encoder.encode(frames[n % 8], n / 30, is_key=False)
    encoder.configure(1_000_000, 60)
    encoded = [encoder.encode(frames[n % 8], 1 + n / 60, is_key=False) for n in range(180)]
    assert not any(frame.is_key for frame in encoded)
    assert 0.6 * 1_000_000 < sum(len(frame.data) for frame in encoded[60:]) * 8 / 2 < 1.4 * 1_000_000


def test_an_encoder_that_fails_hands_over_to_x264() -> None:
    broken = CodecChoice("h264_nvenc", "broken", lambda ceiling, buffer: {})
    encoder = Encoder(1_000_000, 30, broken)
    encoded = encoder.encode(convert(noise(320, 240), 1, 0, stamped=False), 0, is_key=False)
    assert encoded.is_key
    assert decode(encoded)
    assert encoder.codec is X264


def test_encoders_work_when_their_frames_can_be_decoded() -> None:
    findings = {finding.choice.codec: finding for finding in probe_encoders(all=True)}
    assert findings["libx264"].works
    assert findings["libx264"].frame_ms > 0
    assert all(finding.works or finding.problem for finding in findings.values())


def test_nv12_holds_the_same_frame() -> None:
    planes = convert(noise(64, 48), 1, 0, stamped=False).planes
    as_i420 = video_frame(planes, "yuv420p").to_ndarray(format="yuv420p")
    from_nv12 = video_frame(planes, "nv12").to_ndarray(format="yuv420p")
    assert np.array_equal(as_i420, from_nv12)


def test_totals_become_differences() -> None:
    input = ViewerInput()
    assert input.motion(InputTotals(3, True, {"orbitX": 0.5})) == Motion({"orbitX": 0.5}, True)
    assert input.motion(InputTotals(9, True, {"orbitX": 0.75, "zoom": 1.0})) == Motion(
        {"orbitX": 0.25, "zoom": 1.0}, True
    )
    assert input.motion(InputTotals(8, False, {"orbitX": 9.0})) is None
    assert input.motion(InputTotals(10, True, {"orbitX": 0.75})) is None
    assert input.motion(InputTotals(11, False, {"orbitX": 0.75})) == Motion({}, False)
    assert input.release() is None


def test_an_absurd_jump_is_cut_short_once() -> None:
    input = ViewerInput()
    assert input.motion(InputTotals(1, True, {"zoom": 1e6})) == Motion({"zoom": MAX_STEP}, True)
    assert input.motion(InputTotals(2, True, {"zoom": 1e6 + 1})) == Motion({"zoom": 1.0}, True)
    assert input.release() == Motion({}, False)


@pytest.fixture
def _stock_aiortc() -> Any:
    playout_delay.uninstall()
    yield
    playout_delay.uninstall()


async def _offered() -> str:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("video", direction="sendonly")
    offer = await connection.createOffer()
    await connection.close()
    return str(offer.sdp)


@pytest.mark.usefixtures("_stock_aiortc")
def test_playout_delay_is_offered_and_carried_by_this_version_of_aiortc() -> None:
    assert playout_delay.install(), "aiortc has changed: see streaming/playout_delay.py"
    assert playout_delay.install()
    sdp = asyncio.run(_offered())
    assert sdp.count(playout_delay.URI) == 1

    extensions = rtp.HeaderExtensionsMap()
    extensions.configure(RTCRtpParameters(headerExtensions=codecs.HEADER_EXTENSIONS["video"]))
    profile, packed = extensions.set(rtp.HeaderExtensions(mid="0", abs_send_time=5))
    elements = dict(rtp.unpack_header_extensions(profile, packed))
    assert elements == {1: b"0", 3: b"\x00\x00\x05", playout_delay.EXTENSION_ID: b"\x00\x00\x00"}


@pytest.mark.usefixtures("_stock_aiortc")
def test_each_viewer_has_its_own_playout_delay() -> None:
    playout_delay.install()

    def sent(map: Any) -> bytes:
        map.configure(RTCRtpParameters(headerExtensions=codecs.HEADER_EXTENSIONS["video"]))
        profile, packed = map.set(rtp.HeaderExtensions(mid="0"))
        return dict(rtp.unpack_header_extensions(profile, packed))[playout_delay.EXTENSION_ID]

    with playout_delay.dialled() as dial:
        lossy = rtp.HeaderExtensionsMap()
    other = rtp.HeaderExtensionsMap()
    dial.set(0.15)
    assert (sent(lossy), sent(other)) == (bytes.fromhex("00f023"), b"\x00\x00\x00")
    dial.set(0.0)
    assert sent(lossy) == b"\x00\x00\x00"


@pytest.mark.usefixtures("_stock_aiortc")
def test_a_viewer_that_did_not_agree_gets_packets_as_ever() -> None:
    playout_delay.install()
    extensions = rtp.HeaderExtensionsMap()
    extensions.configure(RTCRtpParameters(headerExtensions=codecs.HEADER_EXTENSIONS["audio"]))
    assert dict(rtp.unpack_header_extensions(*extensions.set(rtp.HeaderExtensions(mid="0")))) == {1: b"0"}


@pytest.mark.usefixtures("_stock_aiortc")
@pytest.mark.parametrize("change", ["no map", "no table", "map not used", "packets differ"])
def test_playout_delay_steps_aside_when_aiortc_changes(
    change: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if change == "no map":
        monkeypatch.setattr(rtcrtpsender, "rtp", object())
    elif change == "no table":
        monkeypatch.setattr(codecs, "HEADER_EXTENSIONS", {})
    elif change == "map not used":
        monkeypatch.setattr(rtcrtpsender, "RTCRtpSender", RawFrame)
    else:
        monkeypatch.setattr(rtp.RtpPacket, "serialize", lambda self, extensions: bytes(40))
    with caplog.at_level(logging.WARNING):
        assert not playout_delay.install()
    assert "aiortc has changed" in caplog.text
    monkeypatch.undo()
    assert playout_delay.URI not in asyncio.run(_offered())
