"""Frame requests: what they mean, how they travel, and the text for each that is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.frame_request import FrameRequest

CAMERA = {"Anchor": "Mars", "Position": [1e8, 0, 0]}


def test_without_arguments_the_next_live_frame_is_requested() -> None:
    assert FrameRequest.read({}) == FrameRequest()
    assert FrameRequest().is_live
    assert FrameRequest(format="i420").is_live
    assert FrameRequest().as_json() == {}


@pytest.mark.parametrize(
    "arguments",
    [
        {"size": (640, 360)},
        {"antialias": 8},
        {"time": "2026-08-12T17:45:00Z"},
        {"camera": CAMERA},
        {"depth": True},
        {"ids": True},
    ],
)
def test_any_other_argument_makes_it_a_still(arguments: dict[str, Any]) -> None:
    request = FrameRequest(**arguments)
    assert not request.is_live
    sent = json.loads(json.dumps(request.as_json()))
    assert sent.keys() == arguments.keys()
    assert FrameRequest.read(sent) == request


def test_other_arguments_are_ignored_and_null_is_none_chosen() -> None:
    assert FrameRequest.read({"pieces": True, "slot": 2, "size": None, "time": None}) == FrameRequest()


def test_a_size_may_be_a_list() -> None:
    assert FrameRequest(size=[640, 360]).size == (640, 360)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"size": "large"}, "size: expected (width, height), got 'large'"),
        ({"size": [100]}, "size: expected (width, height), got [100]"),
        ({"size": [10, 100]}, "size: width: 10 is outside 64 to 8192"),
        ({"size": [100, 64.0]}, "size: height: expected an integer from 64 to 8192, got 64.0"),
        (
            {"size": [8192, 8192]},
            "size: width and height: expected at most 33177600 pixels (7680x4320), got 8192x8192",
        ),
        ({"size": [321, 201], "format": "i420"}, "size: i420 needs even sides, got 321x201"),
        ({"antialias": 5}, "antialias: expected 1, 2, 4, 8 or 16 samples per pixel, got 5"),
        ({"antialias": True}, "antialias: expected 1, 2, 4, 8 or 16 samples per pixel, got True"),
        ({"time": 5}, "time: expected a string, got 5"),
        ({"time": "2" * 65}, "time: longer than 64 characters"),
        ({"camera": 5}, "camera: expected a navigation state, such as a frame's `camera`, got 5"),
        ({"depth": "yes"}, "depth: expected true or false, got 'yes'"),
        ({"depth": None}, "depth: expected true or false, got None"),
        ({"ids": 1}, "ids: expected true or false, got 1"),
        ({"format": "jpeg"}, "format: expected rgb or i420, got 'jpeg'"),
    ],
)
def test_what_is_refused_and_why(arguments: dict[str, Any], reason: str) -> None:
    for made in (FrameRequest.read, lambda fields: FrameRequest(**fields)):
        with pytest.raises(ProtocolError) as refusal:
            made(arguments)
        assert str(refusal.value) == reason
