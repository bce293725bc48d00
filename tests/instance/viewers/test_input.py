"""Input totals and the motion made of them."""

from __future__ import annotations

from openspace_server.engines.base import Motion
from openspace_server.instance.viewers.input import MAX_STEP, ViewerInput
from openspace_server.protocols.viewer import InputTotals


def test_totals_become_differences() -> None:
    input = ViewerInput()
    assert input.motion(InputTotals(3, True, {"orbitX": 0.5})) == Motion({"orbitX": 0.5}, True)
    assert input.motion(InputTotals(9, True, {"orbitX": 0.75, "zoom": 1.0})) == Motion(
        {"orbitX": 0.25, "zoom": 1.0}, True
    )
    assert input.motion(InputTotals(8, False, {"orbitX": 9.0})) is None
    assert input.motion(InputTotals(10, True, {"orbitX": 0.75})) is None
    assert input.motion(InputTotals(11, False, {"orbitX": 0.75})) == Motion({}, False)
    assert input.release() is None


def test_an_absurd_jump_is_cut_short_once() -> None:
    input = ViewerInput()
    assert input.motion(InputTotals(1, True, {"zoom": 1e6})) == Motion({"zoom": MAX_STEP}, True)
    assert input.motion(InputTotals(2, True, {"zoom": 1e6 + 1})) == Motion({"zoom": 1.0}, True)
    assert input.release() == Motion({}, False)
