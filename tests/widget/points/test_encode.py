"""One frame of points from what a user passes."""

from __future__ import annotations

import numpy as np
import pytest

from openspace_widget.errors import PointsError
from openspace_widget.points.encode import prepare, recipe

XYZ = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [np.nan, 0, 0]], np.float32)
VALUES = np.array([10.0, 0.0, np.inf, 5.0])


@pytest.mark.parametrize(("log", "rows"), [(False, [0, 1]), (True, [0])])
def test_dropped_are_points_without_a_position_or_a_value_that_has_a_color(log: bool, rows: list[int]) -> None:
    made, points = recipe("a", XYZ, {"values": VALUES, "log": log, "invalid": "drop"})
    prepared = prepare(made, points, VALUES, None, 1)
    assert prepared.rows is not None
    assert prepared.rows.tolist() == rows
    assert prepared.frame.columns["values"].tolist() == VALUES[rows].tolist()


def test_what_is_not_to_be_dropped_is_refused_with_the_way_out() -> None:
    made, points = recipe("a", XYZ, {})
    with pytest.raises(PointsError, match=r"NaN.*; invalid='drop' leaves such points out$"):
        prepare(made, points, None, None, 1)


def test_a_filter_that_leaves_nothing_is_refused() -> None:
    made, points = recipe("a", XYZ[:3], {"filter": np.zeros(3, bool)})
    with pytest.raises(PointsError, match=r"^filter: it leaves no point; points\.visible = False hides them$"):
        prepare(made, points, None, None, 1)
