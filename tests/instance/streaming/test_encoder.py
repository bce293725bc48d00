"""The H.264 encoder, conversion, scaling and the stamp."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest

from openspace_server.instance.streaming import stamp
from openspace_server.instance.streaming.codecs import X264, CodecChoice
from openspace_server.instance.streaming.encoder import EncodedFrame, Encoder, RawFrame, convert, scaled


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
