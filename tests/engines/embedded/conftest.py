"""One embedded engine per module at a fixed, paused moment: opening costs a quarter of a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from openspace_server.engines.embedded import EmbeddedEngine

MOMENT = "2026-06-12T17:45:00Z"


@pytest.fixture(scope="module")
def opened() -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine()
    engine.open(320, 180)
    yield engine
    engine.close()


class Wall:
    """The wall clock of a test: moves only on request."""

    def __init__(self) -> None:
        self.now = 0.0

    def after(self, seconds: float) -> float:
        self.now += seconds
        return self.now


_WALL = Wall()


@pytest.fixture
def wall() -> Wall:
    _WALL.after(1000.0)
    return _WALL


@pytest.fixture
def engine(opened: EmbeddedEngine, wall: Wall) -> EmbeddedEngine:
    """Looking at the Earth, paused, at rest, 320 x 180."""
    opened.resize(320, 180)
    opened.set_rate(1.0, wall.now)
    opened.set_time(MOMENT, wall.now)
    opened.set_paused(True, wall.now)
    opened.show(orbits=True, labels=True, constellations=False)
    opened.home(wall.now)
    opened.draw(wall.after(10.0))
    return opened
