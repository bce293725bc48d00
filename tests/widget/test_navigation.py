"""Navigation of the camera, in a real session."""

from __future__ import annotations

import numpy as np
import pytest

from openspace_widget import OpenSpace, RequestError


def test_fly_to_waits_until_there_and_moves_the_focus(space: OpenSpace) -> None:
    assert space.fly_to("Saturn", duration=0.5) is True
    assert space.focus == "Saturn"
    assert space.camera["Anchor"] == "Saturn"


def test_an_unknown_target_is_refused_with_near_names(space: OpenSpace) -> None:
    with pytest.raises(RequestError, match="did you mean Saturn"):
        space.fly_to("Satrun")
    with pytest.raises(RequestError, match="did you mean Mars"):
        space.focus = "Marss"


def test_the_camera_can_be_read_and_put_back(space: OpenSpace) -> None:
    space.fly_to("Jupiter", duration=0)
    pose, frame = space.camera, space.frame()
    space.fly_to("Moon", duration=0)
    assert not np.array_equal(space.frame(), frame)
    space.camera = pose
    assert np.array_equal(space.frame(), frame)
