"""What tours ask of an instance, and what it refuses them."""

from __future__ import annotations

import numpy as np
import pytest

from openspace_server.protocols import arrays, transfer
from tests.instance.harness import Bulk, bulk, run, running

pytestmark = pytest.mark.process

HERE = {"Anchor": "Earth", "Position": [0.1, 0.2, 0], "Up": [0, 0, 1]}


async def whole(viewer: Bulk, verb: str, **arguments: object) -> list[tuple[dict[str, object], np.ndarray]]:
    """The array messages that answer, reassembled from their chunks."""
    viewer.request(verb, **arguments)
    reassembler, found = transfer.Reassembler(transfer.DOWNLOAD), []
    while not found or found[-1][0].get("more"):
        message = await viewer.take(lambda m: isinstance(m, bytes))
        if (complete := reassembler.receive(message)) is not None:
            found.append(arrays.decode(bytes(complete)))
    return found


def test_a_placed_camera_is_there_at_once_unless_something_else_has_moved_it() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            there = {**HERE, "Position": [0.3, 0.2, 0]}
            assert await viewer.ask("place", camera=HERE, begin=True) == {"undisturbed": True}
            assert await viewer.ask("place", camera=there, time="2026-01-01T00:00:00+00:00") == {"undisturbed": True}
            assert (await viewer.ask("camera"))["Position"][:2] == [0.3, 0.2]
            await viewer.ask("set_camera", camera=HERE)
            assert await viewer.ask("place", camera=there) == {"undisturbed": False}
            assert (await viewer.ask("camera"))["Position"][:2] == [0.1, 0.2]
            assert "navigation state" in await viewer.ask("place", camera=3)

    run(scenario())


def test_a_frame_is_sent_in_chunks_on_request() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            [(header, pixels)] = await whole(viewer, "frame", pieces=True)
            assert (header["kind"], header["format"], pixels.shape) == ("frame", "rgb", (360, 640, 3))
            [(header, planes)] = await whole(viewer, "frame", pieces=True, format="i420")
            assert (header["format"], planes.shape) == ("i420", (540, 640))

    run(scenario())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"size": [100, 100]},
            "the moving engine draws no stills of its own: grab a frame of the live view instead",
        ),
        ({"antialias": 5}, "antialias: expected 1, 2, 4, 8 or 16 samples per pixel, got 5"),
        ({"size": [321, 201], "format": "i420"}, "size: i420 needs even sides, got 321x201"),
    ],
)
def test_a_still_that_cannot_be_is_refused(arguments: dict[str, object], said: str) -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            assert await viewer.ask("frame", **arguments) == f"error: {said}"

    run(scenario())


def test_body_positions_are_for_any_time_and_for_viewers_that_steer() -> None:
    async def scenario() -> None:
        async with running("embedded") as instance, bulk(instance) as viewer, bulk(instance, "viewer", "b") as guest:
            times = ["2026-03-20T12:00:00Z", "2026-03-21T12:00:00Z"]
            [(_, positions), (_, rotations)] = await whole(viewer, "whereabouts", targets=["Sun", "Earth"], times=times)
            assert (positions.shape, rotations.shape) == ((2, 2, 3), (2, 2, 3, 3))
            assert np.allclose(positions[:, 0], 0)
            assert np.allclose(np.linalg.norm(positions[:, 1], axis=1), 1.49e11, rtol=0.01)
            assert np.allclose(rotations @ rotations.swapaxes(-1, -2), np.eye(3))
            assert "did you mean" in await viewer.ask("whereabouts", targets=["Erth"], times=times)
            assert "list" in await viewer.ask("whereabouts", targets="Earth", times=times)
            assert "steers" in await guest.ask("whereabouts", targets=["Earth"], times=times)
            assert "steers" in await guest.ask("frame", size=[7680, 4320])

    run(scenario())


def test_an_engine_without_a_sky_says_so() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            assert "does not tell" in await viewer.ask("whereabouts", targets=["Earth"], times=["2026-01-01"])

    run(scenario())
