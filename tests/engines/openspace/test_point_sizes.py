"""Sizes of points are pixels in every frame, whatever its size and whenever it changes."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from openspace_server.engines.openspace.points import nodes as point_nodes
from openspace_server.engines.openspace.points.lua import addition
from openspace_server.protocols.frame_request import FrameRequest
from tests.engines.openspace.conftest import Install
from tests.engines.openspace.test_engine import now, opened
from tests.engines.openspace.test_point_failures import POSITIONS, done, table

pytestmark = pytest.mark.process


def test_a_window_resized_while_the_first_points_are_read_leaves_their_size(
    installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed()
    reading, resized = threading.Event(), threading.Event()

    def slow(*arguments: Any, **more: Any) -> str:
        reading.set()
        assert resized.wait(20)
        return addition(*arguments, **more)

    monkeypatch.setattr(point_nodes, "addition", slow)
    with opened((320, 180)) as engine:
        shown = engine.add_points(table(), POSITIONS, {})
        assert reading.wait(20)
        engine.resize(640, 360)
        resized.set()
        done(shown)
        done(engine._files()._do(lambda: None))  # all asked before it is done
        assert engine.point_style("dust")["size"] == 3


def test_a_still_of_another_size_waits_for_the_sizes_of_points(installed: Install) -> None:
    installed()
    two = np.array([[3e10, 3e10, 0], [-3e10, -3e10, 0]], "f4")
    with opened((320, 180)) as engine:
        engine.set_paused(True, now())
        engine.set_camera({"Anchor": "Sun", "Position": [0, 0, 2e11], "Up": [0, 1, 0]}, now())
        red = {"FixedColor": [1, 0, 0]}
        done(engine.add_points(table(SizeSettings={"MaxSize": 20}, Coloring=red), two, {}))
        busy, steps = threading.Event(), 0
        engine._files()._worker.submit(busy.wait, 20)  # such as a file that is being written
        making = engine.still_in_parts(now(), FrameRequest((640, 360)))
        still = None
        while still is None:
            try:
                next(making)
            except StopIteration as over:
                still = over.value
            steps += 1
            if steps == 40:  # a still takes a dozen
                busy.set()
        busy.set()
        engine.end_stills()
        red_only = (still.pixels[..., 2] > 128) & (still.pixels[..., :2] < 40).all(axis=2)
        across = int(red_only.any(axis=0).sum())
        assert across == pytest.approx(2 * 20, abs=4)
