"""Frames: exact pixels of any size, next to the live view, one or many."""

from __future__ import annotations

import asyncio
import hashlib
import io
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from openspace_widget import ArgumentError, Frame, OpenSpace, RequestError
from openspace_widget.client.event_loop import run
from openspace_widget.client.shared_memory import SharedMemory
from openspace_widget.frames.frame import digest, grab, png


def test_a_frame_is_an_array_and_shows_as_an_image(space: OpenSpace) -> None:
    frame = space.frame()
    assert isinstance(frame, Frame)
    assert (frame.shape, frame.dtype, frame.flags.writeable) == ((180, 320, 3), np.uint8, False)
    assert type(np.asarray(frame)) is np.ndarray
    assert np.array_equal(np.asarray(Image.fromarray(frame)), frame)
    shown = frame._repr_png_()
    assert shown is not None
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown))), frame)
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(frame[20:60, 50:90]._repr_png_() or b""))), frame[20:60, 50:90]
    )
    assert type(frame / 2) is np.ndarray
    assert type(frame.mean()) is np.float64
    assert frame[..., 0]._repr_png_() is None


def test_a_frame_tells_when_and_from_where_it_was_seen(space: OpenSpace) -> None:
    frame = space.frame()
    assert frame.time == datetime(2026, 3, 20, 12, tzinfo=UTC)
    assert frame.camera["Anchor"] == "Earth"
    assert space.frame().id > frame.id


def test_frame_gives_the_pixels_the_instance_says_it_drew(space: OpenSpace) -> None:
    pixels, header = run(grab(space._client))
    assert pixels.shape == (180, 320, 3)
    assert pixels.dtype == np.uint8
    assert pixels.max() > 100, "Earth is in the frame"
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == run(digest(space._client, header["frame"]))
    assert header["time"].startswith("2026-03-20T12:00")


def test_two_frames_of_a_paused_scene_are_equal(space: OpenSpace) -> None:
    space.fly_to("Mars", duration=0)
    assert np.array_equal(space.frame(), space.frame())


def test_resolution_is_seen_in_the_very_next_frame(space: OpenSpace) -> None:
    for size in [(640, 360), (333, 201), (320, 180)]:
        space.resolution = size
        assert space.frame().shape == (size[1], size[0], 3)
        assert space.resolution == size


@pytest.mark.skipif(sys.platform != "linux", reason="memory is shared by name on Linux only")
def test_frames_come_through_shared_memory_and_are_the_same_as_over_the_socket(
    space: OpenSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[bytes] = []
    read = SharedMemory.read
    monkeypatch.setattr(SharedMemory, "read", lambda memory, notice: reads.append(notice) or read(memory, notice))
    shared = space.frame()
    while not reads:  # it is set up in parallel to the first frame
        shared = space.frame()
    monkeypatch.setattr(SharedMemory, "take", lambda memory, request: None)
    count = len(reads)
    assert np.array_equal(space.frame(), shared)
    assert len(reads) == count
    monkeypatch.undo()
    frames = list(space.frames(n=12))
    assert len({frame.id for frame in frames}) == 12
    assert all(np.array_equal(frame, shared) for frame in frames)


def test_a_still_of_another_size_time_and_camera_leaves_the_live_view_alone(space: OpenSpace) -> None:
    pose = space.camera
    space.fly_to("Mars", duration=0)
    before = space.frame()
    still = space.frame((640, 480), time="2026-08-12T17:45", camera=pose, antialias=1)
    assert still.shape == (480, 640, 3)
    assert still.time == datetime(2026, 8, 12, 17, 45, tzinfo=UTC)
    assert still.camera["Anchor"] == "Earth"
    after = space.frame()
    assert np.array_equal(before, after)
    assert (space.focus, space.resolution, space.time.now) == ("Mars", (320, 180), before.time)


def test_a_still_larger_than_any_relay_would_pass_arrives_whole(space: OpenSpace) -> None:
    large = space.frame((7680, 4320), antialias=1)
    assert large.nbytes == 7680 * 4320 * 3
    assert large.max() > 100


def test_depth_and_ids_tell_what_each_pixel_shows_and_how_far_it_is(space: OpenSpace) -> None:
    frame = space.frame(depth=True, ids=True)
    assert frame.depth is not None
    assert frame.ids is not None
    assert (frame.depth.dtype, frame.depth.shape) == (np.float64, (180, 320))
    assert (frame.ids.dtype, frame.ids.shape) == (np.uint16, (180, 320))
    earth = frame.ids == 1 + frame.bodies.index("Earth")
    assert earth[90, 160]
    assert not earth[0, 0]
    away = float(np.linalg.norm(frame.camera["Position"]))
    assert np.isclose(frame.depth[90, 160], away - 6.37e6, rtol=0.01)
    assert np.isinf(frame.depth[frame.ids == 0]).all()
    assert space.frame().depth is None


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"size": (10, 10)}, "^size: width: 10 is outside 64 to 8192$"),
        (
            {"size": (8192, 8192)},
            r"^size: width and height: expected at most 33177600 pixels \(7680x4320\), got 8192x8192$",
        ),
        ({"size": "large"}, "size"),
        ({"time": "yesterday"}, "time"),
        ({"time": "9999-01-01"}, "years"),
        ({"camera": "Mars"}, "camera"),
        ({"camera": {"Anchor": "Nowhere", "Position": [1e9, 0, 0]}}, "Nowhere"),
        ({"antialias": 3}, "^antialias: expected 1, 2, 4, 8 or 16 samples per pixel, got 3$"),
    ],
)
def test_a_wrong_argument_is_named_and_harms_nothing(space: OpenSpace, wrong: dict[str, object], named: str) -> None:
    with pytest.raises(RequestError, match=named):
        space.frame(**wrong)  # type: ignore[arg-type]
    assert space.frame().shape == (180, 320, 3)


def test_frames_come_one_after_the_other(space: OpenSpace) -> None:
    ids = [frame.id for frame in space.frames(n=8)]
    assert ids == sorted(set(ids))
    assert len(ids) == 8


def test_frames_at_a_rate_cover_the_seconds(space: OpenSpace) -> None:
    assert len(list(space.frames(fps=50, seconds=0.2))) == 10


def test_a_time_lapse_steps_exactly(space: OpenSpace) -> None:
    times = [frame.time for frame in space.frames(n=4, every=timedelta(hours=6), antialias=1)]
    assert [time - times[0] for time in times] == [timedelta(hours=6 * i) for i in range(4)]
    assert space.time.now == times[0], "the live view's time stands"


def test_a_loop_over_frames_may_be_left(space: OpenSpace) -> None:
    for frame in space.frames():
        assert frame.shape == (180, 320, 3)
        break
    assert space.frame().shape == (180, 320, 3)


def test_frames_can_be_iterated_over_asynchronously(space: OpenSpace) -> None:
    async def some() -> list[int]:
        return [frame.id async for frame in space.aio.frames(n=3)]

    assert len(asyncio.run(some())) == 3


@pytest.mark.parametrize(
    "wrong", [{"fps": 0}, {"n": -1}, {"n": 2, "seconds": 1, "fps": 3}, {"seconds": 2}, {"every": "x"}]
)
def test_an_impossible_series_is_refused_before_anything_is_drawn(space: OpenSpace, wrong: dict[str, object]) -> None:
    with pytest.raises(ArgumentError):
        next(space.frames(**wrong))  # type: ignore[arg-type]


def test_png_keeps_every_pixel() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (33, 47, 3), np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels)
