"""Frame requests made of users' arguments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from openspace_server.protocols.frame_request import FrameRequest
from openspace_widget import ArgumentError
from openspace_widget.frames.requests import checked_size, frame_count, frame_request

CAMERA = {"Anchor": "Earth", "Position": [1e7, 0, 0]}


def test_arguments_become_a_request() -> None:
    assert frame_request() == FrameRequest()
    time = datetime(2026, 8, 12, 17, 45, tzinfo=UTC)
    request = frame_request((640, 360), 4, time, CAMERA, True, False)
    assert request == FrameRequest((640, 360), 4, "2026-08-12T17:45:00Z", CAMERA, True, False)
    assert frame_request(time="2026-08-12T17:45").time == "2026-08-12T17:45:00Z"


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"size": (10, 90)}, "size: width: 10 is outside 64 to 8192"),
        ({"size": 640}, "size: expected (width, height), got 640"),
        ({"size": (640, 360, 3)}, "size: expected (width, height), got (640, 360, 3)"),
        ({"antialias": 3}, "antialias: expected 1, 2, 4, 8 or 16 samples per pixel, got 3"),
        ({"antialias": True}, "antialias: expected 1, 2, 4, 8 or 16 samples per pixel, got True"),
        (
            {"time": "soon"},
            "time: expected ISO 8601 text such as '2026-08-12T17:45' or a datetime, got 'soon'",
        ),
        ({"camera": "Mars"}, "camera: expected a navigation state, such as a frame's `camera`, got 'Mars'"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        frame_request(**wrong)
    assert str(refused.value) == text


def test_a_size_is_a_pair_of_whole_numbers() -> None:
    assert checked_size([320, 180]) == (320, 180)
    with pytest.raises(ArgumentError) as refused:
        checked_size((8192, 8192))
    assert str(refused.value) == ("size: width and height: expected at most 33177600 pixels (7680x4320), got 8192x8192")


def test_the_number_of_frames_follows_from_their_rate_and_duration() -> None:
    assert frame_count(None, None, None) is None
    assert frame_count(None, 7, None) == 7
    assert frame_count(30, None, "2 s") == 60


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, None, None), "fps: expected frames per second, above 0 to 1000, got 0"),
        ((None, -1, None), "n: expected a number of frames, got -1"),
        ((30, 2, 1), "give n (a number of frames) or seconds, not both"),
        ((None, None, 1), "seconds: also say how many frames a second, such as fps=30"),
    ],
)
def test_an_impossible_number_of_frames_is_refused(arguments: Any, text: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        frame_count(*arguments)
    assert str(refused.value) == text
