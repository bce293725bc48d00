"""Writers of one SQLite file are served in order, and one that ends or hangs does not block the others."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from openspace_server.orchestrator.store.sqlite_write_lock import SqliteWriteLock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no file locks there: SQLite's own lock is used alone")

HOLD_IT = """
import asyncio, sys
from pathlib import Path
from openspace_server.orchestrator.store.sqlite_write_lock import SqliteWriteLock
async def main():
    async with SqliteWriteLock(Path(sys.argv[1])).acquire():
        print("mine", flush=True)
        sys.stdin.read()
asyncio.run(main())
"""


@contextlib.contextmanager
def holder(file: Path):  # type: ignore[no-untyped-def]
    """Another process that holds the lock."""
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


async def enter(lock: SqliteWriteLock) -> None:
    async with lock.acquire():
        pass


@pytest.mark.process
async def test_the_lock_is_waited_for_while_another_process_holds_it(tmp_path: Path) -> None:
    with holder(tmp_path / "x.turn") as process:
        waiting = asyncio.create_task(enter(SqliteWriteLock(tmp_path / "x.turn")))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        process.stdin.close()
        await asyncio.wait_for(waiting, 10)


@pytest.mark.process
async def test_a_process_that_is_killed_releases_the_lock(tmp_path: Path) -> None:
    with holder(tmp_path / "x.turn") as process:
        waiting = asyncio.create_task(enter(SqliteWriteLock(tmp_path / "x.turn")))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        process.kill()
        await asyncio.wait_for(waiting, 10)


@pytest.mark.process
async def test_a_cancelled_wait_does_not_keep_the_lock(tmp_path: Path) -> None:
    with holder(tmp_path / "x.turn") as process:
        lock = SqliteWriteLock(tmp_path / "x.turn")
        given_up = asyncio.create_task(enter(lock))
        await asyncio.wait([given_up], timeout=0.3)
        given_up.cancel()
        await asyncio.wait([given_up])
        assert given_up.cancelled()
        process.stdin.close()
        await asyncio.wait_for(enter(lock), 10)
        await asyncio.wait_for(enter(SqliteWriteLock(tmp_path / "x.turn")), 10)


@pytest.mark.process
async def test_a_writer_that_hangs_stops_no_other_and_costs_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openspace_server.orchestrator.store.sqlite_write_lock.MAX_WAIT", 0.1)
    with holder(tmp_path / "x.turn") as process:
        lock = SqliteWriteLock(tmp_path / "x.turn")
        for _ in range(3):
            await asyncio.wait_for(enter(lock), 10)
        assert [thread.name for thread in threading.enumerate()].count("sqlite write lock") == 1
        process.stdin.close()
        await asyncio.to_thread(ended, "sqlite write lock")
        monkeypatch.undo()
        await asyncio.wait_for(enter(lock), 10)
        await asyncio.wait_for(enter(SqliteWriteLock(tmp_path / "x.turn")), 10)


@pytest.mark.process
async def test_a_forked_process_does_not_keep_the_lock(tmp_path: Path) -> None:
    async with SqliteWriteLock(tmp_path / "x.turn").acquire():
        child = with_files_of_ours(tmp_path / "x.turn")
    with child:
        await asyncio.wait_for(enter(SqliteWriteLock(tmp_path / "x.turn")), 2)
        child.kill()


async def test_one_process_keeps_its_own_order(tmp_path: Path) -> None:
    lock, order = SqliteWriteLock(tmp_path / "x.turn"), list[int]()

    async def write(number: int) -> None:
        async with lock.acquire():
            order.append(number)
            await asyncio.sleep(0)
            order.append(number)

    await asyncio.gather(*(write(number) for number in range(5)))
    assert order == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


async def test_a_folder_that_cannot_be_written_to_is_no_error(tmp_path: Path) -> None:
    await enter(SqliteWriteLock(tmp_path / "not there" / "x.turn"))
