"""Shared memory between two processes of one machine: for its own user only, never another file, within its limits."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openspace_server.protocols import shared_memory
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.shared_memory import (
    ANSWERS,
    ARRAYS,
    SLOT_BYTES,
    OfferedMemory,
    OpenedMemory,
    SharedMemoryUnavailable,
    is_notice,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is shared by name on Linux only")


@pytest.fixture
def offered() -> Iterator[OfferedMemory]:
    made = OfferedMemory()
    yield made
    made.close()


@pytest.fixture
def found(offered: OfferedMemory) -> Iterator[OpenedMemory]:
    """Proven to who offered it."""
    made = OpenedMemory(str(offered.path))
    assert offered.prove(made.proof)
    yield made
    made.close()


def test_what_is_put_into_a_slot_is_read_at_the_other_end(offered: OfferedMemory, found: OpenedMemory) -> None:
    for put, read, slots in ((offered, found, ANSWERS), (found, offered, ARRAYS)):
        bodies = {slot: random.Random(slot).randbytes(100_000 + slot) for slot in slots}
        notices = [put.put(slot, 7 + slot, b"head", memoryview(body)) for slot, body in bodies.items()]
        for message, (slot, body) in zip(notices, bodies.items(), strict=True):
            assert message is not None
            assert is_notice(message)
            at, number, whole = read.find(message)
            assert (at, number, bytes(whole)) == (slot, 7 + slot, b"head" + body)


def test_its_name_is_gone_once_both_have_it_and_the_memory_with_them(
    offered: OfferedMemory, found: OpenedMemory
) -> None:
    assert not offered.path.exists()
    notice = offered.put(0, 1, b"still there")
    assert notice is not None
    offered.close()
    *_, message = found.find(notice)
    assert bytes(message) == b"still there"
    found.close()
    assert bytes(message) == b"still there"
    assert offered.put(0, 1, b"too late") is None
    with pytest.raises(ProtocolError):
        found.find(notice)


def test_only_its_own_user_may_open_it(offered: OfferedMemory) -> None:
    assert offered.path.stat().st_mode & 0o777 == 0o600


def test_without_the_proof_it_is_not_proven_and_its_name_is_gone(offered: OfferedMemory) -> None:
    assert not offered.prove("00" * 32)
    assert not offered.proven
    assert not offered.path.exists()


def test_a_wrong_proof_takes_nothing_back(offered: OfferedMemory, found: OpenedMemory) -> None:
    assert not offered.prove("00" * 32)
    assert offered.proven


def test_what_does_not_fit_has_to_go_another_way(
    offered: OfferedMemory, found: OpenedMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered.put(0, 1, bytes(SLOT_BYTES[0] + 1)) is None
    assert offered.put(ARRAYS[0], 1, b"the other's slot") is None

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert offered.put(1, 1, b"a machine short of memory") is None
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(SharedMemoryUnavailable, match="No space left"):
        OfferedMemory()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    monkeypatch.undo()
    monkeypatch.setattr(shared_memory, "RESERVED_SHARE", 1.0)
    assert offered.put(1, 1, b"others need some, too") is None


def test_memory_given_back_is_there_again_when_it_is_used(offered: OfferedMemory, found: OpenedMemory) -> None:
    blocks = os.fstat(offered._file).st_blocks
    notice = found.put(ARRAYS[0], 1, b"x" * 1_000_000)
    assert notice is not None
    assert os.fstat(offered._file).st_blocks > blocks
    found.free_pages()
    assert os.fstat(offered._file).st_blocks == blocks
    for put, read, slot in ((found, offered, ARRAYS[0]), (offered, found, ANSWERS[0])):
        notice = put.put(slot, 2, b"again")
        assert notice is not None
        assert bytes(read.find(notice)[2]) == b"again"


def test_nothing_else_is_opened_whatever_is_told(
    tmp_path: Path, offered: OfferedMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("/etc/passwd", "/dev/shm/../../etc/passwd", "/dev/shm/openspace-", str(offered.path) + "x", ""):
        with pytest.raises(SharedMemoryUnavailable):
            OpenedMemory(path)
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)
    name = tmp_path / f"openspace-1-{'a' * 32}"
    name.symlink_to("/etc/passwd")
    with pytest.raises(SharedMemoryUnavailable):
        OpenedMemory(str(name))
    name.unlink()
    name.write_bytes(b"short")
    with pytest.raises(SharedMemoryUnavailable, match="not ours"):
        OpenedMemory(str(name))


@pytest.mark.process
def test_what_a_process_left_that_was_killed_is_gone_with_the_next_offer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)
    (child := subprocess.Popen(["true"])).wait()
    left, used, other = (tmp_path / f"openspace-{n}-{'a' * 32}" for n in (child.pid, os.getpid(), "x"))
    for path in (left, used, other):
        path.touch()
    OfferedMemory().close()
    assert sorted(tmp_path.iterdir()) == sorted((used, other))


def test_what_is_told_of_a_place_outside_is_refused(found: OpenedMemory) -> None:
    for slot, length in ((ARRAYS[0], 1), (len(SLOT_BYTES), 1), (0, SLOT_BYTES[0] + 1)):
        with pytest.raises(ProtocolError):
            found.find(shared_memory._PREFIX.pack(shared_memory.MAGIC, slot, 1, length))
    for message in (b"", b"OSM1", b"OSP1" + bytes(16)):
        with pytest.raises(ProtocolError):
            found.find(message)
