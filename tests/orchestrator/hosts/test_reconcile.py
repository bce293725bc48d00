"""What becomes of instances that a host has and the database does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from openspace_server.orchestrator.hosts.reconcile import Reconciler
from openspace_server.orchestrator.hosts.supervisor_client import Capacity, Status
from openspace_server.protocols.sessions import SessionState
from openspace_server.protocols.supervisor import InstanceState


def session(id: str, instance: int | None, **more: Any) -> Any:
    empty = {"host": "h", "is_ended": False, "state": SessionState.RUNNING, "fence": 1}
    return SimpleNamespace(id=id, instance=instance, **empty | more)


def busy(session: str | None, fence: int | None = 1) -> Status:
    return Status(InstanceState.RUNNING, "", session, 1280, 720, fence)


IDLE = Status(InstanceState.IDLE, "", None, None, None)


class World:
    """One host with these instances, and a database with these sessions; keeps what is done."""

    def __init__(self, instances: list[Status], rows: list[Any]) -> None:
        self.instances, self.rows = instances, rows
        self.done: list[Any] = []

    async def live(self, host: str) -> list[Any]:
        return [row for row in self.rows if not row.is_ended]

    async def session(self, id: str) -> Any:
        return next((row for row in self.rows if row.id == id), None)

    async def set_instance(self, row: Any, instance: int) -> bool:
        self.done.append(("adopted", row.id, instance))
        return True

    async def status(self, instance: int) -> Status:
        return self.instances[instance]

    async def stop_instance(self, instance: int, session: str | None) -> None:
        self.done.append(("stopped", instance, session))

    async def set_occupied(self, host: str, occupied: int) -> None:
        self.done.append(("occupied", occupied))

    async def compare(self, thorough: bool = True, exclusive: bool = False, grace: float = 0.0) -> list[Any]:
        running = sum(status.busy for status in self.instances)
        host = SimpleNamespace(id="h", occupied=0, exclusive=exclusive)
        sides: Any = self
        capacity = Capacity(len(self.instances), running, False)
        await Reconciler(sides, sides, grace).compare(host, sides, capacity, thorough)  # type: ignore[arg-type]
        return self.done


async def test_what_is_recorded_is_left_alone() -> None:
    assert await World([busy("a"), IDLE], [session("a", 0)]).compare() == [("occupied", 0)]


async def test_the_same_number_of_instances_is_not_looked_at_unless_thoroughly() -> None:
    world = World([busy("b")], [session("a", 0)])
    assert await world.compare(thorough=False) == []


@pytest.mark.parametrize(
    ("fence", "deed"), [(1, ("adopted", "a", 0)), (None, ("adopted", "a", 0)), (2, ("stopped", 0, "a"))]
)
async def test_a_session_that_was_started_here_is_adopted_unless_it_is_an_older_grants(fence: Any, deed: Any) -> None:
    starting = session("a", None, state=SessionState.STARTING)
    assert deed in await World([busy("a", fence)], [starting]).compare()


async def test_what_is_left_of_an_ended_session_is_stopped() -> None:
    assert ("stopped", 0, "a") in await World([busy("a")], [session("a", 0, is_ended=True)]).compare()


async def test_an_unknown_instance_is_stopped_only_where_the_host_is_ours_alone() -> None:
    assert await World([busy("x")], []).compare(exclusive=True) == [("stopped", 0, "x"), ("occupied", 1)]
    assert await World([busy("x")], []).compare(exclusive=False) == [("occupied", 1)]
    assert await World([busy("x")], []).compare(exclusive=True, grace=60) == [("occupied", 1)]
