"""Calls below ``space.aio``, in a real session."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from openspace_widget import ArgumentError, OpenSpace, Stop, Tour

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
SHORT = Tour([Stop("Mars", altitude="1000 km"), Stop("Mars", altitude="100 km", seconds=1)], start=NOON)


def test_calls_run_side_by_side(space: OpenSpace) -> None:
    async def both() -> tuple[bool, np.ndarray]:
        return await asyncio.gather(space.aio.fly_to("Venus", duration=0.2), space.aio.frame())

    arrived, pixels = asyncio.run(both())
    assert arrived
    assert pixels.shape == (180, 320, 3)


def test_attributes_are_pairs_of_calls(space: OpenSpace) -> None:
    async def scenario() -> None:
        assert await space.aio.focus() == "Earth"
        await space.aio.set_focus("Moon")
        assert await space.aio.focus() == "Moon"
        assert await space.aio.resolution() == (320, 180)
        await space.aio.set_resolution((640, 360))
        assert await space.aio.resolution() == (640, 360)
        assert (await space.aio.now(), await space.aio.paused()) == (NOON, True)
        await space.aio.set_rate(60)
        assert await space.aio.rate() == 60
        await space.aio.play()
        assert not await space.aio.paused()
        assert await space.aio.contains("Scene.Earth.Renderable.Enabled")
        assert not await space.aio.contains("Scene.Nowhere")

    asyncio.run(scenario())


def test_waiting_gives_the_session_as_its_block_does(space: OpenSpace) -> None:
    async def scenario() -> None:
        assert await space.aio.wait() is space
        async with OpenSpace(space.session).aio as same:
            assert same.session == space.session
            same.aio.close = pass_by  # type: ignore[method-assign]

    async def pass_by() -> None: ...

    asyncio.run(scenario())


def test_a_property_changes_over_time(space: OpenSpace) -> None:
    async def scenario() -> float:
        uri = "Scene.Mars.Renderable.Opacity"
        await space.aio.set(uri, 0.5, duration="10 ms", easing="Linear")
        while (value := await space.aio.get(uri)) != 0.5:
            pass
        await space.aio.set(uri, 1.0)
        return float(value)

    assert asyncio.run(scenario()) == 0.5


def test_a_tour_is_planned_seen_and_saved(space: OpenSpace, tmp_path: Path) -> None:
    async def scenario() -> None:
        route = await space.aio.tour_route(SHORT)
        assert (route.duration, route.radius("Mars")) == (1.0, pytest.approx(3.3895e6, rel=1e-2))
        moments = await space.aio.tour_moments(SHORT, fps=2)
        assert [round(each.altitude / 1e3) for each in moments] == [1000, 316, 100]
        frames = [frame async for frame in space.aio.tour_frames(SHORT, fps=2, size=(160, 90))]
        assert [frame.shape for frame in frames] == [(90, 160, 3)] * 3
        figure = await space.aio.preview_tour(SHORT, stills=2)
        assert len(figure.axes) == 5
        await space.aio.save_tour(SHORT, tmp_path / "mars.osrectxt")
        await space.aio.save_tour(SHORT, tmp_path / "mars.json")
        with pytest.raises(ArgumentError) as refused:
            await space.aio.save_tour(SHORT, tmp_path / "mars.txt")
        assert str(refused.value) == "path: expected .json, .py or .osrectxt, got '.txt'"

    asyncio.run(scenario())
    assert len(Tour.load(tmp_path / "mars.osrectxt")) == 31
    assert Tour.load(tmp_path / "mars.json") == SHORT


def test_a_flight_by_hand_is_captured(space: OpenSpace) -> None:
    tour = asyncio.run(space.aio.capture_tour(seconds=0.2))
    assert tour[0].anchor == "Earth"
    with pytest.raises(ArgumentError) as refused:
        asyncio.run(space.aio.capture_tour(seconds=0.2, tolerance=0))
    assert str(refused.value) == "tolerance: expected a number above 0 to 1, got 0"
