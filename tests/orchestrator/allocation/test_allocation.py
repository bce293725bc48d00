"""Slot allocation: which session gets which slot, and the refusals, on both databases."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from openspace_server.orchestrator.allocation.allocator import AllocationPolicy, Allocator
from openspace_server.orchestrator.errors import NoFreeSlot, QuotaReached
from openspace_server.orchestrator.settings import HostAddress
from openspace_server.orchestrator.store.database import Database
from openspace_server.orchestrator.store.hosts import HostStore
from openspace_server.orchestrator.store.models import POOL_OWNER, HostKind
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols.sessions import SessionState
from tests.orchestrator.helpers import ME, REQUEST


class Bench:
    """A database with hosts that are ready, and the stores on it."""

    def __init__(self, db_url: str) -> None:
        self.database = Database(db_url)
        self.allocator = Allocator(self.database)
        self.sessions = SessionStore(self.database)
        self.hosts = HostStore(self.database)
        self.ids: list[str] = []

    async def open(self, *hosts: dict[str, Any], slots: int = 2) -> Bench:
        await self.database.set_up()
        for traits in hosts:
            where = HostAddress("127.0.0.1", 1000 + len(self.ids))
            row = await self.hosts.add(where, "s", HostKind.ADDED, **traits)
            await self.hosts.set_ready(row.id, slots, lease=60)
            self.ids.append(row.id)
        return self

    async def take(self, owner: str = ME, policy: AllocationPolicy | None = None, **fields: Any) -> Any:
        request = dataclasses.replace(REQUEST, **fields)
        return (await self.allocator.reserve(owner, request, None, self.ids, policy))[0]

    async def close(self) -> None:
        await self.database.close()


async def test_the_quota_holds_whatever_the_haste(db_url: str) -> None:
    bench = await Bench(db_url).open({}, {}, {}, slots=4)
    policy = AllocationPolicy(quota=3)
    taken = await asyncio.gather(*(bench.take(policy=policy) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(row, QuotaReached) for row in taken) == 7
    with pytest.raises(QuotaReached, match="3 sessions at a time"):
        await bench.take(policy=policy)
    await bench.take("user:other", policy)
    await bench.sessions.end((await bench.sessions.sessions([ME]))[0], SessionState.STOPPED)
    await bench.take(policy=policy)
    await bench.close()


async def test_region_and_engine_are_preferred_then_the_least_busy(db_url: str) -> None:
    bench = await Bench(db_url).open(
        {"region": "north"}, {"region": "south"}, {"region": "south", "engines": "web,embedded"}, slots=2
    )
    north, south, special = bench.ids
    assert [(await bench.take(region="south")).host for _ in range(4)] == [special, special, south, south]
    assert (await bench.take(region="south")).host == north
    with pytest.raises(NoFreeSlot) as refusal:
        await bench.allocator.reserve(ME, dataclasses.replace(REQUEST, engine="web"), None, [south, special])
    assert str(refusal.value) == (
        "no free slot: 4 of 4 are busy; end a session you no longer need, or add a render host and try again"
    )
    await bench.close()


async def test_an_engine_that_no_host_has_is_named(db_url: str) -> None:
    bench = await Bench(db_url).open({"engines": "web"})
    with pytest.raises(NoFreeSlot, match=r"^no render host offers the engine embedded$"):
        await bench.take()
    await bench.close()


async def test_full_tells_when_the_next_lease_may_end(db_url: str) -> None:
    bench = await Bench(db_url).open({}, slots=1)
    await bench.take(policy=AllocationPolicy(max_duration=3600))
    with pytest.raises(
        NoFreeSlot, match=r"1 of 1 are busy; the next may be free at \d{4}-\d\d-\d\d \d\d:\d\d UTC"
    ) as e:
        await bench.take()
    row = (await bench.sessions.live())[0]
    assert (e.value.busy, e.value.total, e.value.next_end) == (1, 1, row.expires)
    await bench.close()


async def test_the_queue_is_kept_in_order(db_url: str) -> None:
    bench = await Bench(db_url).open({}, slots=1)
    holder = await bench.take()
    first = await bench.take("user:a", queue=True)
    second = await bench.take("user:b", queue=True)
    assert (first.state, first.host, second.state) == ("REQUESTED", None, "REQUESTED")
    assert [await bench.allocator.queue_position(row) for row in (holder, first, second)] == [None, 0, 1]
    assert not await bench.allocator.promote(first, bench.ids)
    await bench.sessions.end(holder, SessionState.STOPPED)
    with pytest.raises(NoFreeSlot):  # it is free, but others were here before
        await bench.take("user:c")
    assert not await bench.allocator.promote(second, bench.ids)
    assert await bench.allocator.promote(first, bench.ids)
    assert not await bench.allocator.promote(first, bench.ids)
    row = await bench.sessions.session(first.id)
    assert row is not None
    assert (row.state, row.host, row.fence) == ("RESERVED", bench.ids[0], 2)
    assert [event.kind for event in await bench.sessions.events(first.id)] == ["queued", "reserved"]
    await bench.close()


async def test_a_drained_or_occupied_host_gets_nothing_new(db_url: str) -> None:
    bench = await Bench(db_url).open({}, {}, slots=1)
    await bench.hosts.set_drain(bench.ids[0], True)
    await bench.hosts.set_occupied(bench.ids[1], 1)
    with pytest.raises(NoFreeSlot, match="1 of 1 are busy"):
        await bench.take()
    await bench.hosts.set_occupied(bench.ids[1], 0)
    assert (await bench.take()).host == bench.ids[1]
    await bench.hosts.set_drain(bench.ids[0], False)
    assert (await bench.take()).host == bench.ids[0]
    await bench.close()


async def test_a_warm_session_is_given_away_whole(db_url: str) -> None:
    bench = await Bench(db_url).open({}, slots=2)
    row = await bench.take(POOL_OWNER)
    await bench.sessions.claim_start(row)
    await bench.sessions.set_instance(row, 0)
    await bench.sessions.set_running(row)
    mine = await bench.take(policy=AllocationPolicy(quota=1, idle_limit=60, warm=True), name="mine")
    assert (mine.id, mine.owner, mine.name, mine.state, mine.instance) == (row.id, ME, "mine", "RUNNING", 0)
    assert (mine.fence, mine.token, mine.idle_limit) == (row.fence, row.token, 60)
    cold = await bench.take("user:other", AllocationPolicy(warm=True))
    assert cold.state == "RESERVED"
    await bench.close()


async def test_a_failed_grant_leaves_nothing(db_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = await Bench(db_url).open({}, slots=1)

    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr("openspace_server.orchestrator.allocation.allocator.log", fail)
        with pytest.raises(RuntimeError):
            await bench.take()
    assert await bench.sessions.live() == []
    assert (await bench.take()).fence == 1
    await bench.close()


async def test_the_pool_keeps_nobody_out(db_url: str) -> None:
    bench = await Bench(db_url).open({"engines": "embedded"}, {}, slots=1)
    mine, pool = AllocationPolicy(warm=True), AllocationPolicy(quota=2)
    only, anywhere = [await bench.take(POOL_OWNER, pool), await bench.take(POOL_OWNER, pool)]
    waits = await bench.take(policy=mine, engine="web")
    assert waits.state == SessionState.REQUESTED
    states = {row.id: row.state for row in await bench.sessions.sessions([POOL_OWNER])}
    # Only the host that offers the engine makes room, and only once.
    assert states == {only.id: SessionState.RESERVED, anywhere.id: SessionState.STOPPING}
    with pytest.raises(NoFreeSlot):
        await bench.take("user:other", mine, engine="web")
    assert not await bench.allocator.promote(waits, bench.ids)
    await bench.sessions.end(await bench.sessions.session(anywhere.id), SessionState.STOPPED)  # type: ignore[arg-type]
    assert await bench.allocator.promote(waits, bench.ids)
    taken = await bench.take("user:other", mine)
    assert (taken.id, taken.owner, taken.state) == (only.id, "user:other", SessionState.RESERVED)
    await bench.close()
