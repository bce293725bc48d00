"""The one definition of what may be requested, and that its users agree with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openspace_server.instance.process.host_pipe import Configuration
from openspace_server.instance.streaming.stream_settings import StreamSettings
from openspace_server.protocols import limits
from openspace_server.protocols.fields import ProtocolError


def configuration(**fields: Any) -> Configuration:
    return Configuration.decode(json.dumps({"secret": "s", **fields}))


@pytest.mark.parametrize("bit_rate", [limits.MIN_BIT_RATE, limits.MAX_BIT_RATE])
def test_a_bit_rate_that_is_accepted_is_served(bit_rate: int) -> None:
    chosen = configuration(bit_rate=bit_rate).bit_rate
    assert limits.check_bit_rate({"bit_rate": bit_rate}) == bit_rate
    assert StreamSettings(1280, 720, chosen_bit_rate=chosen).bit_rate == bit_rate


@pytest.mark.parametrize("bit_rate", [limits.MIN_BIT_RATE - 1, limits.MAX_BIT_RATE + 1, 200_000_000])
def test_another_bit_rate_is_refused(bit_rate: int) -> None:
    for refused in (lambda: configuration(bit_rate=bit_rate), lambda: limits.check_bit_rate({"bit_rate": bit_rate})):
        with pytest.raises(ProtocolError) as refusal:
            refused()
        assert str(refusal.value) == f"bit_rate: {bit_rate} is outside 100000 to 60000000"


def test_a_bit_rate_that_follows_the_size_stays_within_the_limits() -> None:
    assert StreamSettings(1280, 720).bit_rate == 4_000_000
    assert StreamSettings(64, 64).bit_rate == limits.MIN_BIT_RATE
    assert StreamSettings(7680, 4320).bit_rate == limits.MAX_BIT_RATE


def test_frame_rates() -> None:
    assert limits.check_frame_rate({"frame_rate": 60}) == configuration(frame_rate=60).frame_rate == 60
    with pytest.raises(ProtocolError) as refusal:
        limits.check_frame_rate({"frame_rate": 61})
    assert str(refusal.value) == "frame_rate: 61 is outside 1 to 60"


@pytest.mark.parametrize("size", [(64, 64), (8192, 64), (7680, 4320)])
def test_sizes(size: tuple[int, int]) -> None:
    assert limits.check_size({"width": size[0], "height": size[1]}) == size
    assert limits.check_size({}, size) == size


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((63, 64), "width: 63 is outside 64 to 8192"),
        ((64, 8193), "height: 8193 is outside 64 to 8192"),
        ((True, 64), "width: expected an integer from 64 to 8192, got True"),
        ((8192, 8192), "width and height: expected at most 33177600 pixels (7680x4320), got 8192x8192"),
    ],
)
def test_other_sizes_are_refused(size: tuple[int, int], reason: str) -> None:
    with pytest.raises(ProtocolError) as refusal:
        limits.check_size({"width": size[0], "height": size[1]})
    assert str(refusal.value) == reason


def test_sample_counts() -> None:
    assert [limits.check_antialias(count) for count in limits.SAMPLE_COUNTS] == [1, 2, 4, 8, 16]
    for value in (0, 3, 32, True, 4.0, "4", None):
        with pytest.raises(ProtocolError) as refusal:
            limits.check_antialias(value)
        assert str(refusal.value) == f"antialias: expected 1, 2, 4, 8 or 16 samples per pixel, got {value!r}"
