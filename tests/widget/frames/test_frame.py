"""A frame as an array and as an image, without an instance."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from openspace_widget.frames.frame import Frame, grab_frame

HEADER: dict[str, Any] = {"frame": 7, "time": "2026-03-20T12:00:00Z", "camera": {"Anchor": "Earth"}, "kind": "frame"}
PIXELS = np.random.default_rng(1).integers(0, 255, (18, 32, 3), np.uint8)


def test_a_frame_knows_what_it_shows_and_so_does_its_crop() -> None:
    frame = Frame(PIXELS, HEADER | {"bodies": ["Sun", "Earth"]})
    crop = frame[2:4, 5:9]
    for each in (frame, crop):
        assert (each.id, each.time) == (7, datetime(2026, 3, 20, 12, tzinfo=UTC))
        assert (each.camera, each.bodies) == ({"Anchor": "Earth"}, ("Sun", "Earth"))
    assert repr(frame) == "<Frame 32x18, 2026-03-20 12:00:00 UTC>"
    assert repr(crop) == "<Frame 4x2, 2026-03-20 12:00:00 UTC>"


def test_results_of_computing_are_plain() -> None:
    frame = Frame(PIXELS, HEADER)
    assert type(frame / 2) is np.ndarray
    assert isinstance(frame.max(), np.uint8)


def test_a_frame_shows_itself_as_its_pixels() -> None:
    shown = Frame(PIXELS, HEADER)._repr_png_()
    assert shown is not None
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown))), PIXELS)
    assert Frame(PIXELS, HEADER)[..., 0]._repr_png_() is None


def test_depth_and_ids_come_with_their_frame() -> None:
    depth, ids = np.full((18, 32), 5.0), np.ones((18, 32), np.uint16)

    class Session:
        timeout = 60.0

        async def ask_arrays(self, verb: str, timeout: float | None, **fields: Any) -> list[Any]:
            assert (verb, timeout) == ("frame", None)
            return [(HEADER, PIXELS), ({"kind": "depth"}, depth), ({"kind": "ids"}, ids)]

    frame = asyncio.run(grab_frame(SimpleNamespace(session=Session())))  # type: ignore[arg-type]
    assert np.array_equal(frame, PIXELS)
    assert frame.depth is depth
    assert frame.ids is ids
