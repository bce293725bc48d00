"""Writers of one SQLite file take turns, and nobody's end keeps the others waiting."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from openspace_server.orchestrator.store.sqlite_write_lock import Turns

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no file locks there: SQLite's own lock is used alone")

HOLD_IT = """
import asyncio, sys
from pathlib import Path
from openspace_server.orchestrator.store.sqlite_write_lock import Turns
async def main():
    async with Turns(Path(sys.argv[1])).turn():
        print("mine", flush=True)
        sys.stdin.read()
asyncio.run(main())
"""


@contextlib.contextmanager
def holder(file: Path):  # type: ignore[no-untyped-def]
    """Another process whose turn it is."""
    command = [sys.executable, "-c", HOLD_IT, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "mine\n"
        try:
            yield process
        finally:
            process.kill()


def ended(name: str) -> None:
    """Wait until no thread of that name is left."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(10)
            assert not thread.is_alive()


def with_files_of_ours(file: Path) -> subprocess.Popen[bytes]:
    """A process that has ``file`` open because we have, as a forked one would."""
    ours = [int(each.name) for each in Path("/proc/self/fd").iterdir() if each.resolve() == file.resolve()]
    assert ours
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=ours)


async def enter(turns: Turns) -> None:
    async with turns.turn():
        pass


async def test_a_turn_is_waited_for_while_another_process_has_it(tmp_path: Path) -> None:
    with holder(tmp_path / "x.turn") as process:
        waiting = asyncio.create_task(enter(Turns(tmp_path / "x.turn")))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        process.stdin.close()
        await asyncio.wait_for(waiting, 10)


async def test_a_process_that_is_killed_in_its_turn_gives_it_away(tmp_path: Path) -> None:
    with holder(tmp_path / "x.turn") as process:
        waiting = asyncio.create_task(enter(Turns(tmp_path / "x.turn")))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        process.kill()
        await asyncio.wait_for(waiting, 10)


async def test_who_stops_waiting_does_not_keep_the_turn(tmp_path: Path) -> None:
    with holder(tmp_path / "x.turn") as process:
        turns = Turns(tmp_path / "x.turn")
        given_up = asyncio.create_task(enter(turns))
        await asyncio.wait([given_up], timeout=0.3)
        given_up.cancel()
        await asyncio.wait([given_up])
        assert given_up.cancelled()
        process.stdin.close()
        await asyncio.wait_for(enter(turns), 10)
        await asyncio.wait_for(enter(Turns(tmp_path / "x.turn")), 10)


async def test_one_who_hangs_in_their_turn_stops_nobody_and_costs_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openspace_server.orchestrator.store.sqlite_write_lock.PATIENCE", 0.1)
    with holder(tmp_path / "x.turn") as process:
        turns = Turns(tmp_path / "x.turn")
        for _ in range(3):
            await asyncio.wait_for(enter(turns), 10)
        assert [thread.name for thread in threading.enumerate()].count("turn") == 1
        process.stdin.close()
        await asyncio.to_thread(ended, "turn")
        monkeypatch.undo()
        await asyncio.wait_for(enter(turns), 10)
        await asyncio.wait_for(enter(Turns(tmp_path / "x.turn")), 10)


async def test_a_process_forked_in_a_turn_does_not_keep_it(tmp_path: Path) -> None:
    async with Turns(tmp_path / "x.turn").turn():
        child = with_files_of_ours(tmp_path / "x.turn")
    with child:
        await asyncio.wait_for(enter(Turns(tmp_path / "x.turn")), 2)
        child.kill()


async def test_one_process_keeps_its_own_order(tmp_path: Path) -> None:
    turns, order = Turns(tmp_path / "x.turn"), list[int]()

    async def write(number: int) -> None:
        async with turns.turn():
            order.append(number)
            await asyncio.sleep(0)
            order.append(number)

    await asyncio.gather(*(write(number) for number in range(5)))
    assert order == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


async def test_a_folder_that_cannot_be_written_to_is_no_error(tmp_path: Path) -> None:
    await enter(Turns(tmp_path / "not there" / "x.turn"))
