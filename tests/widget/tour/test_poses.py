"""Camera poses and the navigation states that describe them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from openspace_server.geometry import quaternions as quat
from openspace_widget.tour.poses import navigation_state, orientation_of
from tests.examples import examples


@settings(max_examples=examples(60))
@given(st.lists(st.floats(-1, 1), min_size=7, max_size=7), st.floats(-1.4, 1.4), st.floats(-3, 3))
def test_a_navigation_state_keeps_the_orientation_it_was_made_of(
    numbers: list[float], yaw: float, pitch: float
) -> None:
    position, rotation = np.array(numbers[:3]), np.array(numbers[3:])
    if position @ position < 1e-3 or rotation @ rotation < 1e-3:
        return
    q = quat.unit(rotation)
    again = orientation_of(navigation_state("Earth", position * 1e7, q))
    assert abs(float(again @ q)) > 1 - 1e-9
