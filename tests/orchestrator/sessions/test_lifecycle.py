"""One session's way from its reservation to its end, on a host that misbehaves in every way we know."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import pytest

from openspace_server.orchestrator.errors import (
    CommandRefused,
    KeyReused,
    NoFreeSlot,
    SessionEnded,
    SessionNotRunning,
    UnknownSession,
)
from openspace_server.protocols.sessions import SessionState
from openspace_server.protocols.supervisor import InstanceState
from tests.helpers import until
from tests.orchestrator.helpers import ME, REQUEST, reach, running, static
from tests.orchestrator.standin import StandInHost

RUNNING, STOPPED, FAILED, LOST = (
    SessionState.RUNNING,
    SessionState.STOPPED,
    SessionState.FAILED,
    SessionState.LOST,
)


async def test_a_session_runs_and_stops(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open())) as orchestrator:
        view, created = await orchestrator.create(ME, REQUEST)
        assert created
        assert view.state == SessionState.RESERVED
        states = []
        async with contextlib.aclosing(orchestrator.watch((ME,), view.id)) as views:
            async for seen in views:
                states.append(seen.state)
                if seen.state == RUNNING:
                    break
        assert states == ["RESERVED", "STARTING", "RUNNING"]
        target = await orchestrator.gateway((ME,), view.id, "bulk")
        assert target.url == f"ws://127.0.0.1:{host.gateway_port}/bulk"
        assert target.token not in repr(target)
        assert (await orchestrator.delete((ME,), view.id)).state == STOPPED
        assert host.instances[0].state == InstanceState.IDLE
        assert await orchestrator.list((ME,)) == []
        assert [v.state for v in await orchestrator.list((ME,), ended=True)] == [STOPPED]
        events = [event.kind for event in await orchestrator._sessions.events(view.id)]
        assert events == ["reserved", "starting", "started", "running", "stopping", "stopped"]
        row = await orchestrator._sessions.session(view.id)
        assert row is not None
        assert row.token == ""
        assert (await orchestrator.delete((ME,), view.id)).state == STOPPED
        with pytest.raises(SessionEnded, match="STOPPED"):
            await orchestrator.gateway((ME,), view.id, "bulk")


async def test_nobody_else_sees_it(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open())) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        for others in ((), ("user:other",)):
            with pytest.raises(UnknownSession):
                await orchestrator.get(others, view.id)
            with pytest.raises(UnknownSession):
                await orchestrator.delete(others, view.id)
            assert await orchestrator.list(others, ended=True) == []
        await reach(orchestrator, view.id, RUNNING)


async def test_the_same_key_is_the_same_session(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open())) as orchestrator:
        first, created = await orchestrator.create(ME, REQUEST, "k")
        assert created
        again, created = await orchestrator.create(ME, REQUEST, "k")
        assert not created
        assert again.id == first.id
        with pytest.raises(KeyReused):
            await orchestrator.create(ME, dataclasses.replace(REQUEST, width=800), "k")
        other, created = await orchestrator.create("user:other", REQUEST, "k")
        assert created
        assert other.id != first.id
        await orchestrator.delete((ME,), first.id)
        ended, created = await orchestrator.create(ME, REQUEST, "k")
        assert (ended.id, ended.state, created) == (first.id, STOPPED, False)


async def test_a_full_host_says_so_at_once(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open())) as orchestrator:
        views = [(await orchestrator.create(ME, REQUEST))[0] for _ in range(3)]
        with pytest.raises(NoFreeSlot, match="3 of 3 are busy"):
            await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, views[1].id, RUNNING)
        await orchestrator.delete((ME,), views[1].id)
        view, _ = await orchestrator.create(ME, REQUEST)
        row = await orchestrator._sessions.session(view.id)
        assert row is not None
        assert (row.slot, row.fence) == (1, 2)


async def test_the_emptier_host_comes_first(tmp_path: Path, host: StandInHost) -> None:
    other = StandInHost().open()
    async with running(static(tmp_path, host.open(), other)) as orchestrator:
        for _ in range(4):
            await reach(orchestrator, (await orchestrator.create(ME, REQUEST))[0].id, RUNNING)
        busy = [sum(i.state != InstanceState.IDLE for i in h.instances) for h in (host, other)]
        assert busy == [2, 2]
    other.close()


async def test_a_refused_start_fails_with_its_reason(tmp_path: Path, host: StandInHost) -> None:
    host.refuse_starts = "out of order"
    async with running(static(tmp_path, host.open())) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        assert "out of order" in (await reach(orchestrator, view.id, FAILED)).reason


async def test_a_crash_is_told_with_its_reason(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open())) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        host.crash(0, "the instance ended: signal 11")
        assert (await reach(orchestrator, view.id, FAILED)).reason == "the instance ended: signal 11"
        again, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, again.id, RUNNING)


async def test_a_start_that_takes_too_long_is_ended(tmp_path: Path, host: StandInHost) -> None:
    host.hold = True
    async with running(static(tmp_path, host.open(), start_timeout=0.2)) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        failed = await reach(orchestrator, view.id, FAILED)
        assert "not running within" in failed.reason
        assert host.instances[0].state == InstanceState.IDLE


async def test_a_lost_reply_starts_no_second_instance(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open(), host_timeout=10.0)) as orchestrator:
        host.drop_replies = True
        view, _ = await orchestrator.create(ME, REQUEST)
        await until(lambda: host.commands.count("START") == 1, "the first START")
        host.drop_replies = False
        await reach(orchestrator, view.id, RUNNING)
        assert [i.state for i in host.instances].count(InstanceState.RUNNING) == 1


async def test_stop_while_starting(tmp_path: Path, host: StandInHost) -> None:
    host.hold = True
    async with running(static(tmp_path, host.open())) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await until(lambda: host.instances[0].state == InstanceState.INITIALIZING, "the START")
        with pytest.raises(SessionNotRunning):
            await orchestrator.gateway((ME,), view.id, "bulk")
        assert (await orchestrator.delete((ME,), view.id)).state == STOPPED
        assert host.instances[0].state == InstanceState.IDLE


async def test_stop_at_once(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open())) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        assert (await orchestrator.delete((ME,), view.id)).state == STOPPED
        assert host.instances[0].state == InstanceState.IDLE


async def test_a_stubborn_instance_keeps_its_slot(tmp_path: Path, host: StandInHost) -> None:
    host.stubborn = True
    async with running(static(tmp_path, host.open(), stop_timeout=0.1)) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        assert (await orchestrator.delete((ME,), view.id)).state == SessionState.STOPPING
        other, _ = await orchestrator.create(ME, REQUEST)
        row = await orchestrator._sessions.session(other.id)
        assert row is not None
        assert row.slot == 1
        host.crash(0, "killed at last")
        await reach(orchestrator, view.id, STOPPED)


async def test_resolution(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open())) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        view = await orchestrator.resize((ME,), view.id, 800, 600)
        assert (view.width, view.height) == (800, 600)
        assert (host.instances[0].width, host.instances[0].height) == (800, 600)
        # A viewer may change it, too.
        async with contextlib.aclosing(orchestrator.watch((ME,), view.id)) as views:
            host.instances[0].width = 1024
            async for seen in views:
                if seen.width == 1024:
                    break
        host.crash(0, "gone")
        with pytest.raises((CommandRefused, SessionEnded)):
            await orchestrator.resize((ME,), view.id, 800, 600)


async def test_a_silent_host_is_lost_and_swept_when_it_is_back(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open())) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        host.close()
        lost = await reach(orchestrator, view.id, LOST)
        assert "has not answered" in lost.reason
        # Its instance may still run: nobody gets the slot.
        with pytest.raises(NoFreeSlot, match="no render host answers"):
            await orchestrator.create(ME, REQUEST)
        assert host.instances[0].state == InstanceState.RUNNING
        host.open()
        await until(lambda: host.instances[0].state == InstanceState.IDLE, "the sweep")
        id = (await orchestrator._hosts.usable())[0]

        async def ready() -> bool:
            row = await orchestrator._host_store.host(id)
            return row is not None and row.state == "ready"

        await until(ready, "the host is ready again")
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)


async def test_a_wrong_secret_is_told(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open(), host_secret="wrong")) as orchestrator:
        with pytest.raises(NoFreeSlot, match=r"is OpenSpaceExtension\.host_secret right"):
            await orchestrator.create(ME, REQUEST)
