"""Stops: refused as soon as something about them cannot be."""

from __future__ import annotations

import pytest

from openspace_widget import ArgumentError, OpenSpace, RequestError, Stop, Tour


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        ({"target": ""}, "target"),
        ({"target": "Earth", "altitude": "high"}, "altitude"),
        ({"target": "Earth", "altitude": 1, "distance": 2}, "not both"),
        ({"target": "Earth", "latitude": 91, "longitude": 0}, "latitude"),
        ({"target": "Earth", "longitude": 0}, "latitude"),
        ({"target": "Earth", "time": "soon"}, "time"),
        ({"target": "Earth", "hold": -1}, "hold"),
        ({"target": "Earth", "seconds": "x"}, "seconds"),
        ({"target": "Earth", "easing": "bumpy"}, "easing"),
        ({"target": "Earth", "rate": float("nan")}, "rate"),
        ({"camera": {}}, "camera"),
        ({"camera": {"Anchor": "Earth", "Position": [1, 2, 3]}, "altitude": 4}, "camera"),
    ],
)
def test_an_impossible_stop_is_refused_when_it_is_made(stop: dict[str, object], text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        Stop(**stop)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        (Stop("Satrun"), "did you mean Saturn"),
        (Stop("Earth", distance="1000 km"), "inside of Earth"),
        (Stop("Earth", time="9999-01-01"), "years"),
        (Stop(camera={"Anchor": "Mars", "Position": [1, 2, 3]}), "inside of Mars"),
    ],
)
def test_a_stop_that_the_session_does_not_know_is_refused(space: OpenSpace, stop: Stop, text: str) -> None:
    with pytest.raises(RequestError, match=text):
        Tour([Stop("Earth"), stop]).route(space)
