"""Simplification of tours."""

from __future__ import annotations

import pytest

from openspace_widget import ArgumentError, Stop, Tour


def camera(x: float, anchor: str = "Earth") -> dict[str, object]:
    return {"Anchor": anchor, "ReferenceFrame": "Root", "Position": [x, 0.0, 0.0], "Up": [0.0, 0.0, 1.0]}


def flight(*distances: float) -> Tour:
    """One stop each second at these distances."""
    return Tour([Stop(camera=camera(x), seconds=1 if i else None) for i, x in enumerate(distances)], name="flight")


def test_stops_that_the_path_passes_through_are_left_out() -> None:
    still = flight(1e7, 1e7, 1e7, 1e7).simplified()
    assert [stop.camera["Position"][0] for stop in still if stop.camera] == [1e7, 1e7]
    assert still[1].seconds == 3, "as long as before"
    assert still.name == "flight"


def test_a_turning_point_stays() -> None:
    distances = [1e7, 2e7, 4e7, 8e7, 4e7, 2e7, 1e7]
    kept = [stop.camera["Position"][0] for stop in flight(*distances).simplified(0.5) if stop.camera]
    assert kept == [1e7, 8e7, 1e7]
    distances[1] = 1.2e7
    assert len(flight(*distances).simplified(1.0)) == 3
    assert len(flight(*distances).simplified(0.1)) > 3


def test_stops_with_another_anchor_or_an_action_stay() -> None:
    stops = [
        Stop(camera=camera(1e7)),
        Stop(camera=camera(1e7), seconds=1, lua="arrived()"),
        Stop(camera=camera(1e7), seconds=1),
        Stop(camera=camera(1e7, "Moon"), seconds=1),
    ]
    assert [(stop.anchor, stop.lua) for stop in Tour(stops).simplified()] == [
        ("Earth", ""),
        ("Earth", "arrived()"),
        ("Earth", ""),
        ("Moon", ""),
    ]


@pytest.mark.parametrize("tolerance", [0, -1, 1.5])
def test_a_tolerance_is_a_part_of_one(tolerance: float) -> None:
    with pytest.raises(ArgumentError) as refused:
        flight(1e7).simplified(tolerance)
    assert str(refused.value) == f"tolerance: expected a number above 0 to 1, got {tolerance}"
