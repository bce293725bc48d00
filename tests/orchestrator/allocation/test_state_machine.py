"""Allocation against everything that can go wrong on the way to a host: delayed, doubled and lost commands, crashed
orchestrators, crashed instances. Hypothesis looks for an order of events that breaks an invariant; and with fencing
taken out it must find one, or this test would prove nothing."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from openspace_server.orchestrator.allocation.allocator import AllocationPolicy, Allocator
from openspace_server.orchestrator.errors import NoFreeSlot, QuotaReached
from openspace_server.orchestrator.settings import HostAddress
from openspace_server.orchestrator.store.database import Database
from openspace_server.orchestrator.store.hosts import HostStore
from openspace_server.orchestrator.store.models import EventRow, HostKind, SessionRow
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols import supervisor as protocol
from openspace_server.protocols.sessions import SessionState
from openspace_server.protocols.supervisor import InstanceState
from openspace_server.render_host.settings import HostSettings
from openspace_server.render_host.slots import Assignment, Slot, Slots
from openspace_server.render_host.supervisor import Supervisor
from tests.orchestrator.helpers import REQUEST

SLOTS = 2
QUOTA = 1
STOPPABLE = (SessionState.STARTING, SessionState.RUNNING)
ENDS = ("stopped", "failed", "lost", "crashed")


class QuietSlot(Slot):
    """A slot without a process: the supervisor's own rules, and nothing else."""

    def start(self, assignment: Assignment) -> None:
        assert self.state is InstanceState.IDLE
        self.state, self.assignment, self.fence = InstanceState.RUNNING, assignment, assignment.fence
        self.width, self.height = assignment.width, assignment.height

    def stop(self) -> None:
        self.state = InstanceState.IDLE


class QuietSlots(Slots):
    def __init__(self, settings: HostSettings, log_dir: Path) -> None:
        self._slots = [QuietSlot(id, settings, log_dir) for id in range(settings.slots)]
        self._closed = False


class Unfenced(Supervisor):
    """Does what it is told, however late that comes."""

    def answer(self, raw: str | bytes) -> dict[str, Any]:
        command = protocol.parse_object(raw)
        command.pop("slot", None)
        command.pop("fence", None)
        return super().answer(protocol.encode(command))


async def _template(path: str) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.set_up()
    hosts = HostStore(database)
    host = await hosts.add(HostAddress("h"), "s", HostKind.ADDED)
    await hosts.set_ready(host.id, SLOTS, lease=3600)
    await database.close()


@functools.cache
def template() -> bytes:
    """A database with one host that is ready."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_template(f"{folder}/x.sqlite3"))
        return Path(folder, "x.sqlite3").read_bytes()


class Allocation(RuleBasedStateMachine):
    """Several orchestrators on one database, one host, and a network that keeps commands for as long as it likes."""

    supervisor_class = Supervisor

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        Path(self.folder.name, "x.sqlite3").write_bytes(template())
        self.database = Database(f"sqlite+aiosqlite:///{self.folder.name}/x.sqlite3")
        self.sessions = SessionStore(self.database)
        self.allocator = Allocator(self.database)
        self.host = self.wait(HostStore(self.database).hosts())[0].id
        host_settings = HostSettings(slots=SLOTS)
        self.slots = QuietSlots(host_settings, Path(self.folder.name))
        self.supervisor = self.supervisor_class(self.slots, host_settings)
        self.network: list[tuple[str, SessionRow]] = []
        self.started: dict[Any, int] = {}
        self.delivered: set[Any] = set()
        # Beside the code under test, and much quicker: what is in the file.
        self.file = sqlite3.connect(f"{self.folder.name}/x.sqlite3")
        self.file.row_factory = sqlite3.Row
        self.rows: list[SessionRow] = []
        self.log: list[EventRow] = []
        self.read()

    def wait(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.file.close()
        self.wait(self.database.close())
        self.loop.close()
        self.folder.cleanup()

    def read(self) -> None:
        columns = SessionRow.__table__.columns
        self.rows = [
            SessionRow(**{column.key: row[column.name] for column in columns})
            for row in self.file.execute("SELECT * FROM sessions ORDER BY created, id")
        ]
        self.log = [EventRow(**row) for row in self.file.execute("SELECT * FROM events ORDER BY id")]

    def live(self, *states: SessionState) -> list[SessionRow]:
        return [row for row in self.rows if not row.is_ended and (not states or row.state in states)]

    def row(self, id: str | None) -> SessionRow:
        return next(row for row in self.rows if row.id == id)

    # -- what users and orchestrators do ---------------------------------------------------------------------------

    @rule(owner=st.sampled_from(["user:a", "user:b"]))
    def create(self, owner: str) -> None:
        try:
            self.wait(self.allocator.reserve(owner, REQUEST, None, [self.host], AllocationPolicy(quota=QUOTA)))
        except (NoFreeSlot, QuotaReached):
            return

    @precondition(lambda self: self.startable())
    @rule(data=st.data())
    def send_start(self, data: st.DataObject) -> None:
        """By the process that claimed it, by one that took it over, or by one that was paused for long."""
        row = data.draw(st.sampled_from(self.startable()), "start")
        self.wait(self.sessions.claim_start(row))
        self.network.append(("START", row))

    def startable(self) -> list[SessionRow]:
        return [row for row in self.live(SessionState.RESERVED, SessionState.STARTING) if row.instance is None]

    @precondition(lambda self: self.live(*STOPPABLE))
    @rule(data=st.data())
    def ask_to_stop(self, data: st.DataObject) -> None:
        self.wait(self.sessions.set_stopping(data.draw(st.sampled_from(self.live(*STOPPABLE)), "stop")))

    @precondition(lambda self: self.live())
    @rule()
    def look(self) -> None:
        """One level-triggered round of an orchestrator, perhaps one that just started: STATUS, and the step that
        follows from it, for each session."""
        for row in self.live():
            self.step(row)

    def step(self, row: SessionRow) -> None:
        mine = any(self.runs(slot, row.id) for slot in self.slots._slots)
        if row.state == SessionState.STOPPING:
            if mine:
                self.network.append(("STOP", row))
            else:
                self.wait(self.sessions.end(row, SessionState.STOPPED))
        elif row.instance is not None:
            if not self.runs(self.slots[row.instance], row.id):
                if row.restarts < 1:
                    self.wait(self.allocator.restart(row, "crashed"))
                else:
                    self.wait(self.sessions.end(row, SessionState.FAILED, "crashed"))
            elif row.state == SessionState.STARTING:
                self.wait(self.sessions.set_running(row))

    @precondition(lambda self: self.live(SessionState.STARTING))
    @rule(data=st.data())
    def think_better_of_it(self, data: st.DataObject) -> None:
        """The user ends a session that is starting, and wants another."""
        row = data.draw(st.sampled_from(self.live(SessionState.STARTING)), "instead of")
        self.wait(self.sessions.set_stopping(row))
        self.read()
        self.step(self.row(row.id))
        self.create(row.owner)
        self.read()
        for row in self.startable():
            self.wait(self.sessions.claim_start(row))
            self.network.append(("START", row))

    # -- what the network does -------------------------------------------------------------------------------------

    @precondition(lambda self: self.network)
    @rule(data=st.data(), keep=st.booleans(), answered=st.booleans())
    def deliver(self, data: st.DataObject, keep: bool, answered: bool) -> None:
        """Any command, however old; perhaps once more later; and its reply perhaps never."""
        which = data.draw(st.sampled_from([0, len(self.network) - 1, len(self.network) // 2]), "deliver")
        name, row = self.network[which] if keep else self.network.pop(which)
        self.carry_out(name, row, answered)

    def carry_out(self, name: str, row: SessionRow, answered: bool) -> None:
        if name == "START":
            reply = self.ask(
                "START", session=row.id, fence=row.fence, slot=f"{row.host}/{row.slot}",
                request_id=f"{row.id}/{row.fence}", engine="embedded", width=64, height=64,
            )  # fmt: skip
            if reply["error"] == "none" and (row.id, row.fence) not in self.delivered:
                self.delivered.add((row.id, row.fence))
                slot_key = (row.host, row.slot)
                assert row.fence >= self.started.get(slot_key, 0), "a START that came too late was obeyed"
                self.started[slot_key] = row.fence
            if answered and reply["error"] == "none":
                self.wait(self.sessions.set_instance(row, reply["id"]))
        else:
            latest = self.row(row.id)
            if latest.instance is not None:
                self.ask("STOP", id=latest.instance, session=row.id, fence=row.fence)

    @precondition(lambda self: self.network)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.network.pop(data.draw(st.integers(0, len(self.network) - 1), "lose"))

    @rule(slot=st.integers(0, SLOTS - 1))
    def crash(self, slot: int) -> None:
        self.slots[slot].stop()

    @rule()
    def reconcile(self) -> None:
        """What runs is adopted, or stopped when its session has ended or holds another grant by now."""
        for slot in self.slots._slots:
            if slot.state is InstanceState.IDLE or slot.assignment is None:
                continue
            row = self.row(slot.assignment.session)
            if row.is_ended or (row.instance is not None and row.instance != slot.id):
                self.ask("STOP", id=slot.id, session=row.id)
            elif row.instance is None and row.fence == slot.assignment.fence:
                self.wait(self.sessions.set_instance(row, slot.id))

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        return self.supervisor.answer(protocol.encode({"command": command, **fields}))

    @staticmethod
    def runs(slot: Slot, session: str) -> bool:
        return (
            slot.state is not InstanceState.IDLE and slot.assignment is not None and slot.assignment.session == session
        )

    # -- what must always be true ----------------------------------------------------------------------------------

    @invariant()
    def all_is_well(self) -> None:
        self.read()
        self.no_two_live_sessions_on_a_slot()
        self.fences_rise_and_every_grant_has_one_end()
        self.nobody_has_more_than_the_quota()

    def no_two_live_sessions_on_a_slot(self) -> None:
        live_counts = Counter((row.host, row.slot) for row in self.live())
        assert all(count == 1 for count in live_counts.values()), live_counts
        busy = [slot for slot in self.slots._slots if slot.state is not InstanceState.IDLE]
        running = [slot.assignment.session for slot in busy if slot.assignment is not None]
        assert len(running) == len(set(running)), "two instances of one session"
        counts = Counter((row.host, row.slot) for row in map(self.row, running))
        assert all(count == 1 for count in counts.values()), "two instances in one slot"

    def fences_rise_and_every_grant_has_one_end(self) -> None:
        fences: dict[Any, int] = {}
        holders: Counter[str | None] = Counter()
        for event in self.log:
            if event.kind == "reserved":
                row = self.row(event.session)
                slot_key = (row.host, row.slot)
                assert event.fence is not None
                assert event.fence > fences.get(slot_key, 0), "a fence that does not rise"
                fences[slot_key] = event.fence
                holders[event.session] += 1
                assert holders[event.session] == 1, "granted again before its end"
            elif event.kind in ENDS:
                holders[event.session] -= 1
                assert holders[event.session] == 0, f"{event.kind} twice"
        assert {session for session, count in holders.items() if count} == {row.id for row in self.live()}

    def nobody_has_more_than_the_quota(self) -> None:
        owners = Counter(row.owner for row in self.live())
        assert all(count <= QUOTA for count in owners.values()), owners


class WithoutFences(Allocation):
    supervisor_class = Unfenced


EXAMPLES = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


# The first one found will do: no time is spent on making it shorter.
SEARCH = settings(EXAMPLES, max_examples=600, stateful_step_count=30, phases=[Phase.generate], print_blob=False)


@pytest.mark.slow
def test_nothing_breaks_an_invariant() -> None:
    run_state_machine_as_test(Allocation, settings=EXAMPLES)


@pytest.mark.slow
def test_without_fences_something_does() -> None:
    with pytest.raises(AssertionError, match=r"came too late was obeyed|two instances in one slot"):
        run_state_machine_as_test(WithoutFences, settings=SEARCH)


@pytest.mark.parametrize("machine", [Allocation, WithoutFences])
def test_what_fences_are_for(machine: type[Allocation]) -> None:
    """The shortest such story: a START is late, its session ends meanwhile, and the next one has the slot by then."""
    state = machine()
    try:
        for _ in range(2):
            state.create("user:a")
            state.read()
            (row,) = state.startable()
            state.wait(state.sessions.claim_start(row))
            state.network.append(("START", row))
            if len(state.network) == 1:
                state.read()
                state.wait(state.sessions.set_stopping(state.row(row.id)))
                state.read()
                state.look()
                state.read()
        state.carry_out(*state.network.pop(), answered=True)
        state.all_is_well()
        if machine is Allocation:
            state.carry_out(*state.network.pop(), answered=False)
            state.all_is_well()
        else:
            with pytest.raises(AssertionError, match="came too late"):
                state.carry_out(*state.network.pop(), answered=False)
            with pytest.raises(AssertionError, match="two instances in one slot"):
                state.all_is_well()
    finally:
        state.teardown()
