"""The local host as a real process: started on demand, adopted by the next server, ended when it has no session."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from openspace_server.orchestrator.errors import NoFreeSlot
from openspace_server.orchestrator.orchestrator import Orchestrator
from openspace_server.orchestrator.store.models import HostRow
from openspace_server.protocols.sessions import SessionState
from tests.helpers import alive, until
from tests.orchestrator.helpers import ME, REQUEST, local, reach, running

pytestmark = pytest.mark.process

RUNNING, STOPPED, FAILED, LOST = (
    SessionState.RUNNING,
    SessionState.STOPPED,
    SessionState.FAILED,
    SessionState.LOST,
)


async def the_host(orchestrator: Orchestrator) -> HostRow:
    row = await orchestrator._host_store.local()
    assert row is not None
    return row


def pid_of(row: HostRow) -> int:
    assert row.pid is not None
    return row.pid


def proc(row: HostRow, what: str) -> bytes:
    return Path(f"/proc/{row.pid}/{what}").read_bytes()


def children_of_this_process() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


async def test_started_on_demand_and_ended_when_idle(tmp_path: Path) -> None:
    async with running(local(tmp_path)) as orchestrator:
        assert await orchestrator._host_store.local() is None
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        row = await the_host(orchestrator)
        assert os.getsid(pid_of(row)) != os.getsid(0)  # Ctrl-C in our terminal does not reach it
        await orchestrator.delete((ME,), view.id)
        assert alive(pid_of(row))
    assert not alive(pid_of(row))


async def test_full_is_told_while_the_host_still_starts(tmp_path: Path) -> None:
    async with running(local(tmp_path, slots=2)) as orchestrator:
        views = [(await orchestrator.create(ME, REQUEST))[0] for _ in range(2)]
        with pytest.raises(NoFreeSlot, match=r"2 of 2 are busy.*OpenSpaceExtension\.slots"):
            await orchestrator.create(ME, REQUEST)
        for view in views:
            await reach(orchestrator, view.id, RUNNING)
            await orchestrator.delete((ME,), view.id)


async def test_the_next_server_finds_its_sessions(tmp_path: Path) -> None:
    settings = local(tmp_path)
    async with running(settings) as first:
        view, _ = await first.create(ME, REQUEST)
        await reach(first, view.id, RUNNING)
        pid = pid_of(await the_host(first))
    assert alive(pid)
    async with running(settings) as second:
        assert [v.id for v in await second.list((ME,))] == [view.id]
        assert (await reach(second, view.id, RUNNING)).id == view.id
        assert pid_of(await the_host(second)) == pid
        await second.delete((ME,), view.id)
    await until(lambda: not alive(pid), "the adopted host's end")


async def test_a_session_that_was_only_reserved_is_started_by_the_next_server(tmp_path: Path) -> None:
    settings = local(tmp_path)
    async with running(settings) as first:
        view, _ = await first.create(ME, REQUEST)
        await reach(first, view.id, RUNNING)
        host = await the_host(first)
        await first._lifecycle.stop()
        reserved, _ = await first._allocator.reserve(ME, REQUEST, None, [host.id])
        claimed, _ = await first._allocator.reserve(ME, REQUEST, None, [host.id])
        assert await first._sessions.claim_start(claimed)
    async with running(settings) as second:
        await reach(second, reserved.id, RUNNING)
        # Claimed, but START was never sent: a stop must not wait for that.
        assert (await second.delete((ME,), claimed.id)).state == STOPPED
        for id in (view.id, reserved.id):
            await second.delete((ME,), id)


async def test_two_servers_share_one_host(tmp_path: Path) -> None:
    settings = local(tmp_path)
    async with running(settings) as first, running(settings) as second:
        (mine, _), (yours, _) = await asyncio.gather(first.create(ME, REQUEST), second.create(ME, REQUEST))
        await reach(first, mine.id, RUNNING)
        await reach(second, yours.id, RUNNING)
        # Either sees, and can end, what the other made.
        await reach(first, yours.id, RUNNING)
        assert (await first.delete((ME,), yours.id)).state == STOPPED
        assert (await reach(second, yours.id, STOPPED)).id == yours.id
        await second.stop()
        assert alive(pid_of(await the_host(first)))
        await first.delete((ME,), mine.id)


async def test_a_killed_host_loses_its_sessions_and_a_new_one_comes(tmp_path: Path) -> None:
    async with running(local(tmp_path)) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        os.kill(pid_of(await the_host(orchestrator)), signal.SIGKILL)
        lost = await reach(orchestrator, view.id, LOST)
        assert "render host on this machine has ended" in lost.reason
        assert "host.log" in lost.reason
        again, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, again.id, RUNNING)
        await orchestrator.delete((ME,), again.id)


async def test_a_host_that_ended_unseen_is_replaced(tmp_path: Path) -> None:
    async with running(local(tmp_path)) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        await orchestrator.delete((ME,), view.id)
        pid = pid_of(await the_host(orchestrator))
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not alive(pid), "the host's end")
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        await orchestrator.delete((ME,), view.id)


async def test_a_hung_host_is_killed(tmp_path: Path) -> None:
    async with running(local(tmp_path)) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        pid = pid_of(await the_host(orchestrator))
        os.kill(pid, signal.SIGSTOP)
        assert "hung" in (await reach(orchestrator, view.id, LOST)).reason
        await until(lambda: not alive(pid), "the hung host's end")


@pytest.mark.parametrize(
    ("manner", "cause"), [("exit", "ended at once with exit code 7"), ("mute", "was not ready within 0.5 s")]
)
async def test_a_host_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manner: str, cause: str
) -> None:
    monkeypatch.setenv("STANDIN", manner)
    if manner == "mute":
        monkeypatch.setattr("openspace_server.orchestrator.hosts.local_host.START_TIMEOUT", 0.5)
    async with running(local(tmp_path)) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        lost = await reach(orchestrator, view.id, LOST)
        assert cause in lost.reason
        assert "host.log" in lost.reason


async def test_stopping_while_the_host_starts_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN", "mute")
    settings, before = local(tmp_path), children_of_this_process()
    async with running(settings) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await until(lambda: children_of_this_process() - before, "the host's process")
    assert children_of_this_process() <= before
    async with running(settings) as orchestrator:
        assert "the Jupyter server stopped" in (await orchestrator.get((ME,), view.id)).reason


async def test_no_secret_of_the_server_reaches_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "hub-secret")
    async with running(local(tmp_path)) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        row = await the_host(orchestrator)
        assert b"hub-secret" not in proc(row, "environ")
        assert row.secret.encode() in proc(row, "environ")
        assert row.secret.encode() not in proc(row, "cmdline")
        await orchestrator.delete((ME,), view.id)
