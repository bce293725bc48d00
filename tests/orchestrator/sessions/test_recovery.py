"""What happens by itself: restarts, ends and their warnings, adoption, takeover, warm sessions, drain."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import pytest

from openspace_server.orchestrator.allocation.requests import NewSession
from openspace_server.orchestrator.errors import CommandRefused, NoFreeSlot
from openspace_server.orchestrator.orchestrator import Orchestrator
from openspace_server.orchestrator.settings import HostAddress
from openspace_server.orchestrator.store.models import SessionRow
from openspace_server.protocols import supervisor as protocol
from openspace_server.protocols.sessions import SessionState, SessionWarning
from openspace_server.protocols.supervisor import InstanceState, decode_command
from tests.helpers import until
from tests.orchestrator.helpers import ME, REQUEST, reach, running, static
from tests.orchestrator.published import PublishedHost
from tests.orchestrator.standin import Instance, StandInHost

RUNNING, STOPPED, FAILED = SessionState.RUNNING, SessionState.STOPPED, SessionState.FAILED


async def kinds(orchestrator: Orchestrator, session: str) -> list[str]:
    return [event.kind for event in await orchestrator._sessions.events(session)]


async def test_a_crashed_instance_comes_back_with_what_it_showed(tmp_path: Path, host: StandInHost) -> None:
    camera = {"Anchor": "Mars", "Position": [1.0, 2.0, 3.0]}
    host.shown = {"time": "2026-08-12T17:45", "rate": 10.0, "paused": False, "focus": "Mars", "camera": camera}
    settings = static(tmp_path, host.open(), restart_limit=2, snapshot_interval=0.05)
    async with running(settings) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING, SessionState.DISCONNECTED)

        async def known() -> SessionRow | None:
            row = await orchestrator._sessions.session(view.id)
            return row if row is not None and row.snapshot else None

        row = await until(known, "what it shows is known")
        host.crash(row.instance, "killed by SIGSEGV")
        host.shown = {}
        seen = []
        async with contextlib.aclosing(orchestrator.watch((ME,), view.id)) as views:
            async for view in views:
                seen.append((view.state, view.reason))
                if view.state == RUNNING and any(state == "STARTING" for state, _ in seen):
                    break
        assert ("STARTING", "killed by SIGSEGV; starting it again") in seen
        assert seen[-1] == ("RUNNING", "")
        assert (host.shown["camera"], host.shown["time"]) == (camera, "2026-08-12T17:45")
        row = await orchestrator._sessions.session(view.id)
        assert row is not None
        assert (row.fence, row.restarts) == (2, 1)
        for crash in (2, 3):
            found = await orchestrator._sessions.session(view.id)
            assert found is not None
            host.crash(found.instance or 0, f"crash {crash}")
            if crash == 2:
                await until(lambda: len(host.started) == 3, "the third START")
                await reach(orchestrator, view.id, RUNNING, SessionState.DISCONNECTED)
        failed = await reach(orchestrator, view.id, FAILED)
        assert "started again 2 times" in failed.reason
        events = await kinds(orchestrator, view.id)
        assert (events.count("reserved"), events.count("crashed"), events.count("failed")) == (3, 2, 1)


async def test_an_instance_that_never_ran_is_not_tried_again(tmp_path: Path, host: StandInHost) -> None:
    host.hold = True
    async with running(static(tmp_path, host.open(), restart_limit=3)) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await until(lambda: host.instances[0].state == InstanceState.INITIALIZING, "the START")
        host.crash(0, "no graphics card")
        assert (await reach(orchestrator, view.id, FAILED)).reason == "no graphics card"
        assert host.commands.count("START") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("max_duration", "a session lasts at most 1 s"),
        ("idle_limit", "a session ends when it has not been used for 1 s"),
        ("away_limit", "a session ends when it has had no viewer for 1 s"),
    ],
)
async def test_users_are_warned_before_their_session_ends(
    tmp_path: Path, host: StandInHost, limit: str, reason: str
) -> None:
    host.viewers = 0 if limit == "away_limit" else 1
    async with running(static(tmp_path, host.open(), **{limit: 1})) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        async with contextlib.aclosing(orchestrator.notifications((ME,), view.id)) as items:
            news = [item async for item in items]
        warnings = [item for item in news if isinstance(item, SessionWarning)]
        assert [warning.reason for warning in warnings] == [reason]
        assert warnings[0].at.endswith("Z")
        last = news[-1]
        assert not isinstance(last, SessionWarning)
        assert (last.state, last.reason) == (STOPPED, reason)
        events = await kinds(orchestrator, view.id)
        assert events.count("warned") == 1
        assert events[-2:] == ["stopping", "stopped"]
        assert ("disconnected" in events) == (limit == "away_limit")


@pytest.mark.slow
async def test_use_withdraws_the_warning(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open(), idle_limit=2)) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        warnings = []
        async with contextlib.aclosing(orchestrator.notifications((ME,), view.id)) as items:
            async for item in items:
                if isinstance(item, SessionWarning):
                    warnings.append(item)
                    await orchestrator.mark_used(view.id)
                    if not item.at:
                        break
        assert [bool(warning.at) for warning in warnings] == [True, False]


async def test_viewers_make_the_difference_between_running_and_disconnected(tmp_path: Path, host: StandInHost) -> None:
    host.viewers = 2
    async with running(static(tmp_path, host.open())) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        host.viewers = 0
        await reach(orchestrator, view.id, SessionState.DISCONNECTED)
        await orchestrator.gateway((ME,), view.id, "bulk")  # the way back is open
        host.viewers = 1
        await reach(orchestrator, view.id, RUNNING)


async def until_warm(orchestrator: Orchestrator, count: int) -> None:
    async def reached() -> bool:
        return bool(await orchestrator._sessions.counts() == {"RUNNING": count})

    await until(reached, f"{count} warm sessions")


async def test_a_warm_session_is_there_at_once(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open(), warm=1)) as orchestrator:
        await until_warm(orchestrator, 1)
        assert await orchestrator.list((ME,)) == []
        view, created = await orchestrator.create(ME, REQUEST)
        assert (view.state, created, host.commands.count("START")) == (RUNNING, True, 1)
        assert host.instances[0].width == REQUEST.width
        await until(lambda: host.commands.count("START") == 2, "the next warm one")


@pytest.mark.slow
async def test_a_warm_session_makes_room_for_another_engine(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open(), warm=3, poll_interval=5.0)) as orchestrator:
        await until_warm(orchestrator, 3)
        warm = await orchestrator._sessions.live()
        view, created = await orchestrator.create(ME, NewSession("", "web", 640, 360))
        assert (view.state, created) == (SessionState.REQUESTED, True)
        assert (await reach(orchestrator, view.id, RUNNING)).engine == "web"
        now = {row.id: await orchestrator._sessions.session(row.id) for row in warm}
        (evicted,) = [row for row in now.values() if row is not None and row.is_ended]
        events = await orchestrator._sessions.events(evicted.id)
        assert [event.kind for event in events][-2:] == ["stopping", "stopped"]
        assert "its slot was needed" in events[-1].detail
        # The others are given away before anybody is refused.
        taken = [(await orchestrator.create(ME, REQUEST))[0] for _ in range(2)]
        assert {view.state for view in taken} == {RUNNING}
        with pytest.raises(NoFreeSlot, match="3 of 3 are busy"):
            await orchestrator.create(ME, REQUEST)


async def test_a_warm_session_that_still_starts_is_better_than_none(tmp_path: Path, host: StandInHost) -> None:
    host.hold = True
    async with running(static(tmp_path, host.open(), warm=3)) as orchestrator:
        await until(lambda: host.commands.count("START") == 3, "the warm ones")
        view, created = await orchestrator.create(ME, REQUEST)
        assert (view.state, created) == (SessionState.STARTING, True)
        host.hold = False
        await reach(orchestrator, view.id, RUNNING)
        assert host.commands.count("START") == 3


async def test_a_drained_host_keeps_its_sessions(tmp_path: Path, host: StandInHost) -> None:
    async with running(static(tmp_path, host.open())) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING)
        hosts = await orchestrator.admin.hosts()
        await orchestrator.admin.drain(hosts[0]["id"], True)
        with pytest.raises(NoFreeSlot, match=r"^all render hosts are being drained$"):
            await orchestrator.create(ME, REQUEST)
        assert (await orchestrator.get((ME,), view.id)).state == RUNNING
        await orchestrator.resize((ME,), view.id, 800, 600)
        await orchestrator.admin.drain(hosts[0]["id"], False)
        await orchestrator.create(ME, REQUEST)


async def test_unknown_instances_are_stopped_only_where_nobody_else_has_any(tmp_path: Path) -> None:
    shared, own = StandInHost().open(), StandInHost().open()
    for host in (shared, own):
        host.instances[0] = Instance(InstanceState.RUNNING, session="of somebody else")
    settings = static(tmp_path, own, exclusive_hosts=True)
    both = dataclasses.replace(settings, exclusive_hosts=False, hosts=(HostAddress.parse(shared.address),))
    async with running(settings), running(dataclasses.replace(both, directory=tmp_path / "b")) as second:
        await until(lambda: own.instances[0].state == InstanceState.IDLE, "the end of the unknown instance")

        async def occupied() -> bool:
            return bool((await second.admin.hosts())[0]["occupied"] == 1)

        await until(occupied, "the other's instance is seen")
        assert shared.instances[0].state == InstanceState.RUNNING
        for _ in range(2):
            await second.create(ME, REQUEST)
        with pytest.raises(NoFreeSlot, match="3 of 3 are busy"):
            await second.create(ME, REQUEST)
    shared.close()
    own.close()


@pytest.mark.slow
async def test_another_orchestrator_takes_over(tmp_path: Path, host: StandInHost) -> None:
    settings = static(tmp_path, host.open())
    async with running(settings) as second:
        first = Orchestrator(settings)
        await first.start()
        view, _ = await first.create(ME, REQUEST)
        await reach(first, view.id, RUNNING)
        # As if killed: it lets go of nothing, and tells nobody.
        await first._periodic.stop()
        await first._lifecycle.stop()
        assert second.live == []
        await until(lambda: second.live == [view.id], "the takeover")
        host.crash(0, "boom")
        await reach(second, view.id, FAILED)
        await first._database.close()


async def test_a_stale_start_is_refused_by_its_host(tmp_path: Path, host: StandInHost) -> None:
    """What our host does with it is tested there; here: that grants of one slot_key carry rising fences to it."""
    async with running(static(tmp_path, host.open())) as orchestrator:
        fences = []
        answer = host.answer

        def listen(raw: str | bytes) -> dict[str, object]:
            command = decode_command(raw)
            if command.name == "START":
                fences.append((command.extra["slot"], command.extra["fence"]))
            return answer(raw)

        host.answer = listen  # type: ignore[method-assign]
        for _ in range(2):
            view, _ = await orchestrator.create(ME, REQUEST)
            await reach(orchestrator, view.id, RUNNING)
            await orchestrator.delete((ME,), view.id)
        (slot_key, first), (same, second) = fences
        assert (slot_key, first, second) == (same, 1, 2)
        assert protocol.STALE_FENCE == "stale fence"


@pytest.mark.slow
async def test_a_published_supervisor_is_a_host(tmp_path: Path) -> None:
    host = PublishedHost()
    address = (HostAddress.parse(host.address),)
    patient = static(tmp_path, exclusive_hosts=True, restart_limit=1, command_timeout=10.0, host_timeout=10.0)
    settings = dataclasses.replace(patient, hosts=address)
    async with running(settings) as orchestrator:
        host.drop_next = True  # its answer is lost: the instance must be found again, not started twice
        views = [(await orchestrator.create(ME, REQUEST))[0] for _ in range(2)]
        for view in views:
            await reach(orchestrator, view.id, RUNNING)
        assert host.states == ["RUNNING", "RUNNING"]
        with pytest.raises(NoFreeSlot, match="2 of 2 are busy"):
            await orchestrator.create(ME, REQUEST)
        with pytest.raises(CommandRefused, match="RESOLUTION"):
            await orchestrator.resize((ME,), views[0].id, 800, 600)
        row = await orchestrator._sessions.session(views[0].id)
        assert row is not None
        host.states[row.instance or 0] = "IDLE"
        await until(lambda: host.states == ["RUNNING", "RUNNING"], "the restart")
        for view in views:
            assert (await orchestrator.delete((ME,), view.id)).state == STOPPED
        assert host.states == ["IDLE", "IDLE"]
    host.close()
