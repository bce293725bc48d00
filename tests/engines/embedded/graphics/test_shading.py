"""Shading of surfaces per vertex."""

from __future__ import annotations

import numpy as np
import pytest

from openspace_server.engines.embedded.graphics.shading import SURFACES, Light, daylight, smooth

SUN = np.linspace(-1, 1, 101)
OVERHEAD = Light(SUN, np.ones_like(SUN))


def test_a_smooth_step_is_even_and_at_rest_at_both_ends() -> None:
    t = smooth(-2.0, 2.0, np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]))
    assert t == pytest.approx([0, 0, 0.15625, 0.5, 0.84375, 1, 1])


def test_day_breaks_between_night_and_noon() -> None:
    day = daylight(SUN)
    assert (day[0], day[50], day[-1]) == pytest.approx((0, 0.5, 1))
    assert (np.diff(day) >= 0).all()


@pytest.mark.parametrize("name", [name for name in SURFACES if name != "Sun"])
def test_no_surface_is_darker_with_the_sun_higher_and_none_is_bright_at_night(name: str) -> None:
    shade = SURFACES[name](OVERHEAD)
    assert shade.shape == (101, 3)
    assert (np.diff(shade, axis=0) >= -1e-9).all()
    assert shade[SUN < -0.2].max() < 0.05
    assert shade[-1].max() > 0.9


def test_the_sun_is_darker_and_redder_towards_its_limb() -> None:
    eye = np.linspace(0, 1, 11)
    shade = SURFACES["Sun"](Light(np.ones_like(eye), eye))
    assert (np.diff(shade, axis=0) > 0).all()
    assert (np.diff(shade[:, 0] / shade[:, 2]) < 0).all()
