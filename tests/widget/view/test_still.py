"""The still in a view's saved state."""

from __future__ import annotations

import asyncio
import base64
import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from openspace_widget.view.display import WIDEST, Display, _is_unattended

HEADER = {"frame": 1, "time": "2026-03-20T12:00:00Z", "camera": {}}


class Session:
    timeout = 60.0

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.full((height, width, 3), (200, 100, 0), np.uint8)

    async def ask_arrays(self, *_: Any, **__: Any) -> list[tuple[dict[str, Any], np.ndarray]]:
        return [(HEADER, self.pixels)]


@pytest.mark.parametrize(
    ("size", "kept"), [((320, 180), (320, 180)), ((1280, 720), (WIDEST, 360)), ((WIDEST, 200), (WIDEST, 200))]
)
def test_a_still_is_the_frame_and_no_wider_than_its_bound(size: tuple[int, int], kept: tuple[int, int]) -> None:
    view = SimpleNamespace(still="")
    display = Display(SimpleNamespace(session=Session(*size)), view)  # type: ignore[arg-type]
    pixels = asyncio.run(display._make_still())
    assert pixels.shape == (kept[1], kept[0], 3)
    kind, _, data = view.still.partition(",")
    assert kind == "data:image/jpeg;base64"
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert image.size == kept
    assert np.allclose(np.asarray(image)[0, 0], (200, 100, 0), atol=8)


@pytest.mark.parametrize(
    ("parent", "unattended"),
    [
        ({"content": {"allow_stdin": False}}, True),
        ({"content": {"allow_stdin": True}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_cell_that_allows_no_input_is_run_by_a_program(parent: Any, unattended: bool) -> None:
    assert _is_unattended(SimpleNamespace(get_parent=lambda: parent)) is unattended
    assert not _is_unattended(object())
