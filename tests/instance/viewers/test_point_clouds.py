"""Point clouds: the instance lists what the engine shows, also after cancellations and failures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

import numpy as np
import pytest

from openspace_server.engines.base import EngineError, UnknownTarget
from openspace_server.engines.point_engine import Completion, PointEngine
from openspace_server.instance.drawing.draw_loop import DrawLoop
from openspace_server.instance.viewers.point_clouds import PointClouds
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.points import PointFrame
from tests.instance.engines import MovingEngine
from tests.instance.harness import run, soon


class LateEngine(MovingEngine, PointEngine):
    """Shows points when the test says so: ``asked`` has their completions, in order."""

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.asked: asyncio.Queue[Future[None]] = asyncio.Queue()

    def add_points(self, node: dict[str, Any], positions: Any, columns: Any, *, colors: Any = None) -> Completion:
        self.there.add(node["Identifier"])
        return self.update_points(node["Identifier"], positions, columns)

    def update_points(self, identifier: str, positions: Any, columns: Any, *, colors: Any = None) -> Completion:
        shown: Future[None] = Future()
        self.asked.put_nowait(shown)
        return shown

    def remove_points(self, identifier: str) -> Completion:
        if identifier not in self.there:
            raise UnknownTarget(identifier, self.there)
        self.there.remove(identifier)
        return None

    def has_points(self, identifier: str) -> bool:
        return identifier in self.there

    def point_style(self, identifier: str) -> dict[str, Any]:
        return {}

    def style_points(self, identifier: str, style: Any) -> Completion:
        return None


class Loop:
    """Asks the engine at once."""

    def __init__(self, engine: LateEngine) -> None:
        self.engine = engine

    async def call(self, command: Callable[[Any, float], Any], **how: Any) -> Any:
        return command(self.engine, 0.0)


class Sender:
    def __init__(self) -> None:
        self.senders: set[str] = set()


@pytest.fixture
def engine() -> LateEngine:
    return LateEngine()


@pytest.fixture
def scene(engine: LateEngine) -> PointClouds:
    return PointClouds(cast(DrawLoop, Loop(engine)))


def frame(sequence: int = 1) -> PointFrame:
    return PointFrame("dust", sequence, np.zeros((10, 3), "<f4"), sender="me")


async def show(scene: PointClouds, engine: LateEngine, sequence: int = 1) -> None:
    showing = asyncio.create_task(scene.show(frame(sequence), Sender()))
    (await soon(engine.asked.get())).set_result(None)
    await soon(showing)


async def give_up(scene: PointClouds, engine: LateEngine) -> Future[None]:
    """A sender that is gone before its points are shown; what ends when they are."""
    sending = asyncio.create_task(scene.show(frame(), Sender()))
    shown = await soon(engine.asked.get())
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    return shown


def test_points_that_fail_after_their_sender_has_gone_are_forgotten(scene: PointClouds, engine: LateEngine) -> None:
    async def scenario() -> None:
        shown = await give_up(scene, engine)
        engine.there.clear()
        shown.set_exception(EngineError("it cannot be shown"))
        with pytest.raises(ProtocolError, match="no points called 'dust'"):
            await soon(scene.remove("dust"))
        assert scene.names == []

    run(scenario())


def test_points_that_appear_after_their_sender_has_gone_are_known(scene: PointClouds, engine: LateEngine) -> None:
    async def scenario() -> None:
        shown = await give_up(scene, engine)
        style = asyncio.create_task(scene.style("dust", {"opacity": 0.5}))
        shown.set_result(None)
        assert (await soon(style))["options"]["opacity"] == 0.5, "a later change waits for it"
        assert scene.names == ["dust"]

    run(scenario())


def test_points_whose_node_is_gone_are_forgotten_when_they_are_removed(scene: PointClouds, engine: LateEngine) -> None:
    async def scenario() -> None:
        await show(scene, engine)
        engine.there.clear()
        await scene.remove("dust")
        assert scene.names == []

    run(scenario())


@pytest.mark.parametrize("gone", [False, True])
def test_what_was_known_before_holds_while_it_is_there(scene: PointClouds, engine: LateEngine, gone: bool) -> None:
    async def scenario() -> None:
        await show(scene, engine)
        showing = asyncio.create_task(scene.show(frame(2), Sender()))
        shown = await soon(engine.asked.get())
        if gone:
            engine.there.clear()
        shown.set_exception(EngineError("it cannot be shown"))
        with pytest.raises(EngineError, match="cannot be shown"):
            await soon(showing)
        assert [scene.find(name).sequence for name in scene.names] == ([] if gone else [1])

    run(scenario())
