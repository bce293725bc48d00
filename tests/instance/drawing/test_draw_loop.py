"""The draw loop with an engine and listeners of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from openspace_server.engines.base import Engine, EngineError, Motion, Still
from openspace_server.instance.drawing.draw_loop import DrawLoop, EngineState
from openspace_server.instance.drawing.flight_watch import FlightWatch
from openspace_server.instance.drawing.frame_grabs import FrameGrabs
from openspace_server.instance.drawing.stills import Stills
from openspace_server.instance.drawing.time_slices import in_parts
from openspace_server.instance.streaming.automatic_rate import Load
from openspace_server.instance.streaming.director import Director
from openspace_server.instance.streaming.encoder import EncodedFrame
from openspace_server.instance.streaming.images import DrawnFrame
from openspace_server.instance.streaming.layers import MAIN, LayerSettings
from openspace_server.instance.streaming.stream_settings import StreamSettings
from openspace_server.protocols.frame_request import FrameRequest
from openspace_server.protocols.media import Kind
from tests.instance.engines import BrokenEngine, MovingEngine, UnopenableEngine

SIZE = (128, 64)


class Frames:
    """A frame listener that keeps what it receives."""

    def __init__(self) -> None:
        self.encoded: asyncio.Queue[EncodedFrame] = asyncio.Queue()
        self.on_encoded = self.encoded.put_nowait

    def on_image(self, frame: DrawnFrame) -> None: ...

    def on_load(self, load: Load) -> None: ...


class States:
    """An engine listener that keeps what it receives."""

    def __init__(self) -> None:
        self.first_frame, self.closed = asyncio.Event(), asyncio.get_running_loop().create_future()
        self.states: asyncio.Queue[EngineState] = asyncio.Queue()
        self.on_engine_state = self.states.put_nowait
        self.on_first_frame = self.first_frame.set
        self.on_draw_loop_closed = self.closed.set_result


@contextlib.asynccontextmanager
async def drawing(draw_loop: DrawLoop, frames: Any) -> AsyncIterator[States]:
    states = States()
    draw_loop.start(frames, states)
    try:
        await asyncio.wait_for(states.first_frame.wait(), 10)
        yield states
    finally:
        draw_loop.stop()
        assert await asyncio.wait_for(states.closed, 10) is None


def made(engine: Engine | None = None) -> DrawLoop:
    return DrawLoop(engine or MovingEngine(), SIZE, stamped=False)


def test_frames_are_encoded_while_a_layer_is_configured() -> None:
    async def scenario() -> None:
        draw_loop, frames = made(), Frames()
        async with drawing(draw_loop, frames):
            draw_loop.set_layers({MAIN: LayerSettings(1_000_000, 30)})
            first = await asyncio.wait_for(frames.encoded.get(), 10)
            assert (first.is_key, first.layer, first.width, first.height) == (True, MAIN, *SIZE)
            draw_loop.request_key_frame(MAIN)
            while not (await asyncio.wait_for(frames.encoded.get(), 10)).is_key:
                pass
            assert draw_loop.encoder_name == "H.264 (x264 ultrafast, zero latency)"

    asyncio.run(scenario())


def test_the_director_receives_frames_and_fans_them_out() -> None:
    async def scenario() -> None:
        draw_loop = made()
        director = Director(draw_loop, StreamSettings(*SIZE), stamped=False)
        async with drawing(draw_loop, director):
            queue, images = director.fan_out.attach(), director.images.attach(Kind.JPEG)
            frame = await asyncio.wait_for(queue.get(), 10)
            image = await asyncio.wait_for(images.get(), 10)
            assert (frame.is_key, frame.frame_id, image.drawn.frame.id) == (True, 1, 1)
            director.fan_out.detach(queue)
            director.images.detach(images)
            assert director.layers == {}

    asyncio.run(scenario())


def test_commands_run_in_order_and_their_errors_are_raised() -> None:
    async def scenario() -> None:
        draw_loop = made()
        async with drawing(draw_loop, Frames()) as states:
            await draw_loop.call(lambda engine, now: engine.set_focus("Moon"), changes=True)
            while (await asyncio.wait_for(states.states.get(), 10)).focus != "Moon":
                pass
            draw_loop.move(Motion({"orbitX": 0.25}))
            assert (await draw_loop.call(lambda engine, now: engine.camera()))["Position"][0] == 0.25
            with pytest.raises(EngineError) as refused:
                await draw_loop.resize(4000, 64)
            assert str(refused.value) == "4000 is too wide for this engine"

    asyncio.run(scenario())


def test_a_flight_arrives_or_is_interrupted() -> None:
    async def scenario() -> None:
        draw_loop = made()
        async with drawing(draw_loop, Frames()):
            assert await draw_loop.fly(lambda engine, now: engine.fly_to("Moon", 0.05, None, now), 0.05)
            interrupted = draw_loop.fly(lambda engine, now: engine.fly_to("Earth", 60, None, now), 60)
            draw_loop.move(Motion({"orbitX": 0.25}))
            assert not await interrupted

    asyncio.run(scenario())


def test_a_watch_ends_one_flight_when_another_starts() -> None:
    ends: list[tuple[str, bool]] = []
    watch = FlightWatch()
    watch.end(has_arrived=True)
    watch.start(1.0, lambda has_arrived: ends.append(("first", has_arrived)))
    watch.start(2.0, lambda has_arrived: ends.append(("second", has_arrived)))
    assert (watch.is_awaited, watch.ends_at) == (True, 2.0)
    watch.end(has_arrived=True)
    watch.end(has_arrived=True)
    assert ends == [("first", False), ("second", True)]
    assert not watch.is_awaited


@pytest.mark.parametrize(
    ("engine", "error"),
    [(UnopenableEngine, EngineError("no display here: start one")), (BrokenEngine, ZeroDivisionError("never mind"))],
)
def test_an_engine_that_cannot_start_closes_the_draw_loop(engine: type[Engine], error: Exception) -> None:
    async def scenario() -> None:
        draw_loop, states = made(engine()), States()
        draw_loop.start(Frames(), states)
        problem = await asyncio.wait_for(states.closed, 10)
        assert (type(problem), str(problem)) == (type(error), str(error))
        assert not states.first_frame.is_set()

    asyncio.run(scenario())


def test_work_in_parts_is_interrupted_for_other_commands_and_closed_when_cancelled() -> None:
    async def scenario() -> None:
        draw_loop, steps = made(), []

        def parts(engine: Engine, now: float) -> Any:
            try:
                while len(steps) < 1_000_000:
                    steps.append("part")
                    yield
            finally:
                steps.append("closed")

        async with drawing(draw_loop, Frames()):
            work = asyncio.ensure_future(in_parts(draw_loop, parts))
            assert await draw_loop.call(lambda engine, now: engine.focus) == "Earth"
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
            await draw_loop.call(lambda engine, now: None)
            assert steps[-1] == "closed"

    asyncio.run(scenario())


class StillEngine(MovingEngine):
    """Makes grey stills, in two parts, and counts how often the live view was restored."""

    restored = 0

    def still_in_parts(self, now: float, request: FrameRequest) -> Any:
        yield
        width, height = request.size or SIZE
        pixels = np.full((height, width, 4), 128, np.uint8)
        return Still(0, pixels, self.time, self.camera(), np.zeros((height, width)) if request.depth else None)

    def end_stills(self) -> None:
        self.restored += 1


def test_grabbed_frames_are_live_ones_or_stills() -> None:
    async def scenario() -> None:
        engine = StillEngine()
        draw_loop = made(engine)
        stills = Stills(draw_loop)
        grabs = FrameGrabs(draw_loop, stills)
        async with drawing(draw_loop, Frames()):
            live = await grabs.grab(FrameRequest(), SIZE)
            assert [(kind, array.shape) for kind, array in live.arrays] == [("frame", (64, 128, 3))]
            assert live.fields.keys() == {"frame", "time", "camera", "format"}
            assert (grabs.find(live.frame.id), grabs.known()) == (live, str(live.frame.id))
            assert live.digest().width == 128

            still = await grabs.grab(FrameRequest((256, 128), depth=True), SIZE)
            assert [kind for kind, _ in still.arrays] == ["frame", "depth"]
            assert (still.pixels.shape, still.fields["bodies"]) == ((128, 256, 3), ())
            assert engine.restored == 1
            async with stills.series():
                await grabs.grab(FrameRequest(depth=True), SIZE)
                assert engine.restored == 1, "not between two stills of a series"
            assert engine.restored == 2

            await draw_loop.resize(129, 64)
            with pytest.raises(EngineError) as refused:
                await grabs.grab(FrameRequest(format="i420"), (129, 64))
            assert str(refused.value) == "i420 needs a frame of even sides, this one has 129x64 pixels"

    asyncio.run(scenario())
