"""Flights by hand that become tours, in a real session."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from openspace_widget import OpenSpace
from openspace_widget.client.event_loop import run


def test_a_flight_by_hand_becomes_a_short_tour(space: OpenSpace) -> None:
    flight = threading.Thread(target=lambda: space.fly_to("Earth", duration=0.8, distance="200000 km"))
    flight.start()
    tour = space.capture_tour(seconds=1.2)
    flight.join()
    assert 2 <= len(tour) < 20
    end = run(space._client.session.ask("camera"))
    assert np.allclose(tour[-1].camera["Position"], end["Position"], rtol=0.02, atol=1e6)
    assert tour.route(space).duration == pytest.approx(1.2, abs=0.3)
    assert "camera=" in tour.to_code()
