"""The automatic frame rate: with simulated loads, and in a real instance."""

from __future__ import annotations

import asyncio
import json
from collections import deque

import pytest

from openspace_server.instance.streaming.automatic_rate import (
    CALM,
    LONGEST_CALM,
    PROVEN,
    REST,
    REVIEW,
    SMOOTH_RATE,
    STEADY_RATE,
    AutomaticRate,
    Load,
    LoadMeter,
)
from tests.instance.harness import bulk, media, run, running


def motion(milliseconds: float, *, rate: int = 30, waited: float = 0.0, missed: float = 0.0) -> Load:
    """A quarter of a second of frames that need so much processor time each, and so many milliseconds of waiting."""
    frames = round(REVIEW * rate)
    busy = frames * (milliseconds + waited) / 1e3
    return Load(REVIEW, frames, frames * milliseconds / 1e3, busy, round(missed * frames))


CHEAP, DEAR = motion(3.0), motion(12.0)
SMOOTH, TOO_DEAR = motion(3.0, rate=60), motion(11.0, rate=60)


def learnt(chooser: AutomaticRate, load: Load, seconds: float, *, is_full_quality: bool = True) -> int:
    for _ in range(round(seconds / load.seconds)):
        chooser.learn(load, is_full_quality=is_full_quality)
    return chooser.rate


def smooth() -> AutomaticRate:
    chooser = AutomaticRate()
    assert learnt(chooser, CHEAP, CALM) == SMOOTH_RATE
    return chooser


def test_a_second_of_cheap_motion_brings_sixty_a_second() -> None:
    chooser = AutomaticRate()
    assert learnt(chooser, CHEAP, CALM - REVIEW) == STEADY_RATE
    assert learnt(chooser, CHEAP, REVIEW) == SMOOTH_RATE
    assert learnt(chooser, SMOOTH, 60) == SMOOTH_RATE


@pytest.mark.parametrize(
    "load",
    [
        pytest.param(DEAR, id="dear"),
        pytest.param(motion(8.5), id="a little more than half a core"),
        pytest.param(motion(3.0, waited=12), id="waits for the graphics card"),
        pytest.param(motion(3.0, missed=0.5), id="late already"),
        pytest.param(motion(3.0, rate=20), id="has no use for more"),
    ],
)
def test_motion_that_sixty_a_second_would_be_too_much_for_stays_at_thirty(load: Load) -> None:
    assert learnt(AutomaticRate(), load, 60) == STEADY_RATE


def test_the_second_has_to_be_cheap_without_a_break() -> None:
    chooser = AutomaticRate()
    for _ in range(10):
        assert learnt(chooser, CHEAP, CALM - REVIEW) == STEADY_RATE
        assert learnt(chooser, DEAR, REVIEW) == STEADY_RATE


@pytest.mark.parametrize("load", [TOO_DEAR, motion(3.0, rate=60, missed=0.4)], ids=["too dear", "too late"])
def test_what_turns_out_too_much_ends_at_once(load: Load) -> None:
    assert learnt(smooth(), load, REVIEW) == STEADY_RATE


def test_a_second_of_motion_that_needs_fewer_frames_ends_it_and_a_moment_does_not() -> None:
    chooser, slow = smooth(), motion(3.0, rate=28)
    for _ in range(10):
        assert learnt(chooser, slow, CALM - REVIEW) == SMOOTH_RATE
        assert learnt(chooser, SMOOTH, REVIEW) == SMOOTH_RATE
    assert learnt(chooser, slow, CALM) == STEADY_RATE


def test_a_little_dearer_than_it_began_does_not_end_it() -> None:
    assert learnt(smooth(), motion(9.5, rate=60, missed=0.1), 60) == SMOOTH_RATE


def test_after_each_failure_it_waits_twice_as_long_up_to_a_minute_and_forgets_when_it_held() -> None:
    chooser, waits = AutomaticRate(), []
    for _ in range(8):
        waits.append(0.0)
        while learnt(chooser, CHEAP, REVIEW) == STEADY_RATE:
            waits[-1] += REVIEW
        learnt(chooser, TOO_DEAR, REVIEW)
    assert [wait + REVIEW for wait in waits] == [1, 2, 4, 8, 16, 32, LONGEST_CALM, LONGEST_CALM]
    assert learnt(chooser, CHEAP, LONGEST_CALM) == SMOOTH_RATE
    learnt(chooser, SMOOTH, PROVEN)
    learnt(chooser, TOO_DEAR, REVIEW)
    assert learnt(chooser, CHEAP, 2 * CALM) == SMOOTH_RATE


def test_a_viewer_without_full_quality_gets_thirty() -> None:
    chooser = AutomaticRate()
    assert learnt(chooser, CHEAP, 60, is_full_quality=False) == STEADY_RATE
    assert learnt(chooser, CHEAP, CALM) == SMOOTH_RATE
    assert learnt(chooser, SMOOTH, REVIEW, is_full_quality=False) == STEADY_RATE
    assert learnt(chooser, CHEAP, CALM) == STEADY_RATE
    assert learnt(chooser, CHEAP, CALM) == SMOOTH_RATE


def test_the_meter_adds_up_motion_and_leaves_out_rests() -> None:
    meter, total, loads = LoadMeter(), Load(seconds=100.0), []
    cost = Load(0.03, 1, 0.004, 0.003, 0)
    for n in range(31):
        rest = Load(seconds=REST, processor=5.0) if n == 15 else Load()
        total = total + cost + rest
        if (load := meter.on_drawn(total)) is not None:
            loads.append((n, load))
    assert [n for n, _ in loads] == [9, 24], "the first frame, and the one after a rest, only begin a motion"
    for _, load in loads:
        assert (load.frames, load.missed) == (9, 0)
        assert load.seconds == pytest.approx(9 * 0.03)
        assert load.processor == pytest.approx(9 * 0.004)
        assert load.busy == pytest.approx(9 * 0.003)


@pytest.mark.process
def test_an_instance_that_draws_cheaply_comes_to_sixty_a_second_by_itself() -> None:
    async def scenario() -> None:
        async with running(frame_rate=None) as instance, media(instance) as viewer:
            state = (await viewer.message("hello"))["state"]
            assert (state["frame_rate"], state["chosen_frame_rate"]) == (STEADY_RATE, None)
            viewer.request("fly_to", target="Moon", duration=50)
            latest: deque[float] = deque(maxlen=50)  # microseconds; 30 a second would need 1.6 s for as many
            while len(latest) < 50 or latest[-1] - latest[0] > 1.2e6:
                header, _ = await viewer.next_frame()
                latest.append(header.pts)
            await viewer.message("state", frame_rate=SMOOTH_RATE, chosen_frame_rate=None)

    run(scenario())


@pytest.mark.process
def test_a_viewer_that_cannot_decode_sixty_a_second_gets_thirty() -> None:
    async def scenario() -> None:
        async with running(frame_rate=None) as instance, media(instance) as viewer:
            await viewer.message("hello")
            viewer.request("fly_to", target="Moon", duration=50)
            await viewer.message("state", frame_rate=SMOOTH_RATE)
            viewer.inbox.clear()
            slow = asyncio.ensure_future(viewer.message("state", frame_rate=STEADY_RATE))
            while not slow.done():
                for _ in range(20):
                    header, _ = await viewer.next_frame()
                report = {"type": "report", "fps": 60, "loss": 0, "decode_ms": 30, "frames_decoded": header.number}
                viewer.send_text(json.dumps(report))
            await slow
            assert (await viewer.ask("stats"))["targets"]["0"]["frame_rate"] == STEADY_RATE, "not half of that"

    run(scenario())


@pytest.mark.process
def test_an_instance_that_draws_dearly_stays_at_thirty_unless_a_rate_is_chosen() -> None:
    async def scenario() -> None:
        dear = {"TEST_ENGINE_BURN_SECONDS": "0.015"}
        async with running(frame_rate=None, env=dear) as instance, bulk(instance) as other, media(instance) as viewer:
            await viewer.message("hello")
            await viewer.ask("fly_to", target="Moon", duration=3)
            assert (await viewer.ask("state"))["frame_rate"] == STEADY_RATE
            moments = [header.pts for header, _ in viewer.frames]
            assert max(sum(begin <= each < begin + 1e6 for each in moments) for begin in moments) <= 40

            state = await viewer.ask("quality", frame_rate=60)
            assert (state["frame_rate"], state["chosen_frame_rate"]) == (60, 60)
            await viewer.ask("fly_to", target="Moon", duration=1.5)
            assert (await viewer.ask("state"))["frame_rate"] == 60
            targets = (await other.ask("stats"))["targets"]
            assert targets["0"]["frame_rate"] == 60

            state = await viewer.ask("quality", frame_rate=None)
            assert (state["frame_rate"], state["chosen_frame_rate"]) == (STEADY_RATE, None)

    run(scenario())
