"""Sessions in the store: whose they are, and which are listed."""

from __future__ import annotations

from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols.sessions import SessionState
from tests.orchestrator.allocation.test_allocation import Bench
from tests.orchestrator.helpers import ME


async def test_mine_are_listed_and_ended_ones_only_when_asked_for(db_url: str) -> None:
    bench = await Bench(db_url).open({}, slots=4)
    first, second, other = await bench.take(), await bench.take(), await bench.take("user:other")
    store = SessionStore(bench.database)
    assert {row.id for row in await store.sessions([ME])} == {first.id, second.id}
    assert await store.end(first, SessionState.STOPPED)
    assert [row.id for row in await store.sessions([ME])] == [second.id]
    assert {row.id for row in await store.sessions([ME, "user:other"], ended=True)} == {first.id, second.id, other.id}
    assert not await store.end(first, SessionState.FAILED, "again"), "it has ended"
    await bench.close()
