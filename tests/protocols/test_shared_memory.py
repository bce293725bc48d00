"""Memory between two processes of one machine: only for who proves it, never another file, never more than there is."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openspace_server.protocols import shared_memory
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.shared_memory import SLOT_BYTES, SLOTS, NoSharedMemory, Reader, Writer, is_told

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is shared by name on Linux only")


@pytest.fixture
def writer() -> Iterator[Writer]:
    made = Writer()
    yield made
    made.close()


@pytest.fixture
def reader(writer: Writer) -> Iterator[Reader]:
    """Proven to the writer."""
    made = Reader(str(writer.path))
    assert writer.prove(made.proof)
    yield made
    made.close()


def test_what_is_put_into_a_slot_is_read_from_it(writer: Writer, reader: Reader) -> None:
    bodies = [random.Random(slot).randbytes(100_000 + slot) for slot in range(SLOTS)]
    told = [writer.put(slot, b"head", memoryview(body)) for slot, body in enumerate(bodies)]
    for message, body in zip(told, bodies, strict=True):
        assert message is not None
        assert is_told(message)
        assert reader.read(message) == b"head" + body


def test_its_name_is_gone_once_both_have_it_and_the_memory_with_them(writer: Writer, reader: Reader) -> None:
    assert not writer.path.exists()
    told = writer.put(0, b"still there")
    assert told is not None
    writer.close()
    assert reader.read(told) == b"still there"
    assert writer.put(0, b"too late") is None


def test_only_its_own_user_may_open_it(writer: Writer) -> None:
    assert writer.path.stat().st_mode & 0o777 == 0o600


def test_without_the_proof_nothing_is_put_there(writer: Writer) -> None:
    assert writer.put(0, b"x") is None
    assert not writer.prove("00" * 32)
    assert writer.put(0, b"x") is None
    assert not writer.path.exists()


def test_what_does_not_fit_has_to_go_another_way(
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert writer.put(0, bytes(SLOT_BYTES + 1)) is None
    assert writer.put(SLOTS, b"x") is None

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert writer.put(1, b"a machine short of memory") is None


def test_a_reader_opens_nothing_else_whatever_it_is_told(
    tmp_path: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("/etc/passwd", "/dev/shm/../../etc/passwd", "/dev/shm/openspace-", str(writer.path) + "x", ""):
        with pytest.raises(NoSharedMemory):
            Reader(path)
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)
    name = tmp_path / f"openspace-{'a' * 32}"
    name.symlink_to("/etc/passwd")
    with pytest.raises(NoSharedMemory):
        Reader(str(name))
    name.unlink()
    name.write_bytes(b"short")
    with pytest.raises(NoSharedMemory, match="not ours"):
        Reader(str(name))


def test_what_is_told_of_a_place_outside_is_refused(reader: Reader) -> None:
    for slot, length in ((SLOTS, 1), (0, SLOT_BYTES + 1)):
        with pytest.raises(ProtocolError):
            reader.read(shared_memory._PREFIX.pack(shared_memory.MAGIC, slot, length))
    for message in (b"", b"OSM1", b"OSP1" + bytes(12)):
        with pytest.raises(ProtocolError):
            reader.read(message)
