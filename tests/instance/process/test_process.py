"""The process as its host sees it: events, commands, and every way it ends."""

from __future__ import annotations

import json
import signal

import pytest

from tests.instance.harness import Bulk, bulk, join_message, peer, run, running, socket, soon, spawned

pytestmark = pytest.mark.process


def test_it_listens_then_runs_and_stops_cleanly_on_command() -> None:
    async def scenario() -> None:
        async with running() as instance:
            assert instance.port > 0
            instance.send(command="STOP")
            assert await instance.wait_exit() == 0

    run(scenario())


def test_end_of_file_on_stdin_ends_it() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            await viewer.message("hello")
            instance.stdin.close()
            assert await instance.wait_exit() == 0

    run(scenario())


def test_sigterm_ends_it_cleanly() -> None:
    async def scenario() -> None:
        async with running() as instance:
            instance.process.send_signal(signal.SIGTERM)
            assert await instance.wait_exit() == 0

    run(scenario())


def test_an_engine_that_cannot_open_says_what_to_do() -> None:
    async def scenario() -> None:
        async with spawned("UnopenableEngine") as instance:
            assert (await instance.event())["event"] == "listening"
            assert await instance.event() == {"event": "failed", "reason": "no display here: start one"}
            assert await instance.wait_exit() == 1

    run(scenario())


def test_an_unexpected_failure_is_one_line() -> None:
    async def scenario() -> None:
        async with spawned("BrokenEngine") as instance:
            await instance.event()
            assert await instance.event() == {"event": "failed", "reason": "ZeroDivisionError: never mind"}
            assert await instance.wait_exit() == 1

    run(scenario())


def test_an_unknown_engine_names_those_there_are() -> None:
    async def scenario() -> None:
        async with spawned("warp") as instance:
            event = await instance.event()
            assert event == {"event": "failed", "reason": "unknown engine 'warp': this host has embedded, openspace"}
            assert await instance.wait_exit() == 1

    run(scenario())


def test_engine_paths_are_for_tests_only() -> None:
    async def scenario() -> None:
        async with spawned(env={"OPENSPACE_TEST_ENGINES": "0"}) as instance:
            assert "unknown engine" in (await instance.event())["reason"]

    run(scenario())


def test_a_malformed_configuration_fails_with_the_field_named() -> None:
    async def scenario() -> None:
        async with spawned(width=1) as instance:
            assert await instance.event() == {"event": "failed", "reason": "width: 1 is outside 64 to 8192"}
            assert await instance.wait_exit() == 1

    run(scenario())


def test_a_draw_thread_that_dies_ends_the_process() -> None:
    async def scenario() -> None:
        async with running() as instance, peer(instance) as viewer:
            await viewer.message("hello")
            viewer.steer(roll=9.5)
            assert (await instance.wait_event("failed"))["reason"] == "RuntimeError: the test broke the engine"
            assert await instance.wait_exit() == 1

    run(scenario())


def test_the_host_sets_the_resolution_and_malformed_commands_change_nothing() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as viewer:
            instance.stdin.write(b"not json\n[]\n")
            instance.send(command="FLY")
            instance.send(command="RESOLUTION", width=1, height=1)
            instance.send(command="RESOLUTION", width=320, height=200)
            state = await viewer.message("state", width=320, height=200)
            assert state["following"] is False
            header, _ = await viewer.frame()
            assert header["shape"] == [200, 320, 3]

    run(scenario())


def test_nothing_but_events_reaches_stdout() -> None:
    async def scenario() -> None:
        async with running() as instance:
            instance.send(command="STOP")
            assert instance.process.stdout is not None
            for line in (await soon(instance.process.stdout.read())).splitlines():
                assert json.loads(line)["event"] in ("api", "viewers")

    run(scenario())


def test_the_host_receives_the_number_of_viewers_without_the_orchestrator() -> None:
    async def scenario() -> None:
        async with running() as instance:
            async with bulk(instance) as first:
                await first.message("hello")
                assert (await instance.wait_event("viewers"))["count"] == 1
                look = await socket(instance, "bulk")
                look.write_message(json.dumps(json.loads(join_message("viewer")) | {"observer": True}))
                observer = Bulk(look)
                assert (await observer.ask("state"))["viewers"] == 1
                assert len((await observer.ask("who"))["viewers"]) == 1
                look.close()
                async with bulk(instance, "viewer") as second:
                    await second.message("hello")
                    assert (await instance.wait_event("viewers"))["count"] == 2
                assert (await instance.wait_event("viewers"))["count"] == 1
            assert (await instance.wait_event("viewers"))["count"] == 0

    run(scenario())
