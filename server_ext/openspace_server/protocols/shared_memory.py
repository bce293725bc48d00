"""Shared memory for array messages between two processes on one machine; the socket carries only notices of them.

The kernel requests memory (verb ``share_memory``) and gets the path of a file in memory, made for it alone. If it finds
the file, and the proof in it, it sends the proof back: both processes run on one machine as one user. The file's name
is then removed, so that nothing is left behind however the processes end; the name of an instance that ended before
that is removed at the next offer. If the file cannot be found (another machine, container or user), all messages are
sent over the socket.

The memory is divided into slots, some for the instance's answers and some for arrays sent to it. The kernel names the
slot; the message is written there, and the socket carries only a notice: ``OSM1`` and, little endian, the slot
(uint32), the number of the request or transfer (uint32) and the length in bytes (uint64). A slot is reused only after
the answer. Messages that do not fit are sent over the socket. Both processes belong to one user, who could end either
of them anyway: neither is protected against the other truncating the file.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import secrets
import stat
import struct
import sys
from itertools import accumulate
from pathlib import Path

from openspace_server.protocols.fields import ProtocolError

MAGIC = b"OSM1"
ANSWERS, ARRAYS = range(3), range(3, 6)
"""The slots of each direction."""
SLOT_BYTES = (8 * 1024 * 1024,) * len(ANSWERS) + (32 * 1024 * 1024,) * len(ARRAYS)
RESERVED_SHARE = 0.25
"""Part of the system's shared memory that is never used."""
FOLDER = Path("/dev/shm")
_NAME = re.compile(r"openspace-(\d+)-[0-9a-f]{32}")
_PROOF_BYTES = 32
# The proof has a page of its own before the slots.
_STARTS = tuple(accumulate(SLOT_BYTES, initial=mmap.PAGESIZE))
_PREFIX = struct.Struct("<4sIIQ")


class SharedMemoryUnavailable(Exception):
    """Shared memory cannot be used here; the message states why."""


class SharedMemory:
    """One process's side. ``puts``: the slots that it writes; ``reads``: those that it reads. Must be closed."""

    def __init__(self, file: int, puts: range, reads: range) -> None:
        """Raises OSError, after closing ``file``."""
        self._file, self._puts, self._reads = file, puts, reads
        self.open = False
        try:
            self._memory = mmap.mmap(file, 0)
        except OSError:
            os.close(file)
            raise
        self.open = True

    def put(self, slot: int, number: int, *parts: bytes | memoryview) -> bytes | None:
        """Write the message whose bytes are ``parts``; the notice to send over the socket.

        None: the message itself has to be sent, because it is too long or the machine is short of memory.
        """
        views = [memoryview(part).cast("B") for part in parts]
        total = sum(len(view) for view in views)
        if not self.open or slot not in self._puts or total > SLOT_BYTES[slot] or not self._reserve(slot, total):
            return None
        at = _STARTS[slot]
        for view in views:
            self._memory[at : at + len(view)] = view
            at += len(view)
        return _PREFIX.pack(MAGIC, slot, number, total)

    def find(self, notice: bytes) -> tuple[int, int, memoryview]:
        """Slot, number and bytes of the message that ``notice`` announces. Raises ProtocolError."""
        if len(notice) != _PREFIX.size or not is_notice(notice):
            raise ProtocolError(f"expected {_PREFIX.size} bytes that start with {MAGIC!r}")
        _, slot, number, length = _PREFIX.unpack(notice)
        if not self.open or slot not in self._reads or length > SLOT_BYTES[slot]:
            raise ProtocolError(f"shared memory has no slot {slot} with {length} bytes to read")
        return slot, number, memoryview(self._memory)[_STARTS[slot] : _STARTS[slot] + length]

    def close(self) -> None:
        """The memory is freed when both processes have closed it and no message in it is used any more."""
        if self.open:
            self.open = False
            os.close(self._file)
            with contextlib.suppress(BufferError):
                self._memory.close()

    def free_pages(self) -> None:
        """Return the pages of all slots to the system until they are used again; their messages are lost."""
        if self.open:
            self._memory.madvise(mmap.MADV_REMOVE, _STARTS[0], _STARTS[-1] - _STARTS[0])

    def _reserve(self, slot: int, size: int) -> bool:
        """Allocate the pages first: writing without free memory would kill this process. Leave some for others."""
        try:
            system = os.fstatvfs(self._file)
            if (system.f_bavail - system.f_blocks * RESERVED_SHARE) * system.f_frsize < size:
                return False
            os.posix_fallocate(self._file, _STARTS[slot], size)
        except OSError:
            return False
        return True


class OfferedMemory(SharedMemory):
    """The instance's side: memory at ``path``, offered to the process that can prove that it sees it."""

    def __init__(self) -> None:
        """Raises SharedMemoryUnavailable: not supported by the system, or none left."""
        if sys.platform != "linux":
            raise SharedMemoryUnavailable("this system has no memory that is shared by name")
        _sweep()
        self.path = FOLDER / f"openspace-{os.getpid()}-{secrets.token_hex(16)}"
        self.proven = False
        self._proof = secrets.token_bytes(_PROOF_BYTES)
        try:
            super().__init__(_made(self.path), ANSWERS, ARRAYS)
        except OSError as problem:
            self._remove_name()
            raise SharedMemoryUnavailable(str(problem)) from None
        self._memory[:_PROOF_BYTES] = self._proof

    def prove(self, proof: str) -> bool:
        """Whether the other process has seen the memory; its name is removed in any case."""
        self._remove_name()
        is_right = secrets.compare_digest(proof.encode(), self._proof.hex().encode())
        self.proven = self.proven or is_right
        return is_right

    def close(self) -> None:
        self._remove_name()
        super().close()

    def _remove_name(self) -> None:
        self.path.unlink(missing_ok=True)


class OpenedMemory(SharedMemory):
    """The kernel's side: the memory offered at ``path``. ``proof``: what to send back."""

    def __init__(self, path: str) -> None:
        """Raises SharedMemoryUnavailable: there is no such memory, or it belongs to another user."""
        # No other file may be opened, whatever the path: a part of its content is sent back.
        name = path.removeprefix(f"{FOLDER}/")
        if sys.platform != "linux" or name == path or not _NAME.fullmatch(name):
            raise SharedMemoryUnavailable(f"{path} is no memory of an instance")
        try:
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        except OSError as problem:
            raise SharedMemoryUnavailable(str(problem)) from None
        about = os.fstat(file)
        ours = stat.S_ISREG(about.st_mode) and about.st_uid == os.getuid()
        if not ours or about.st_size != _STARTS[-1]:
            os.close(file)
            raise SharedMemoryUnavailable(f"{path} is not ours")
        try:
            super().__init__(file, ARRAYS, ANSWERS)
        except OSError as problem:
            raise SharedMemoryUnavailable(str(problem)) from None
        self.proof = self._memory[:_PROOF_BYTES].hex()


def _sweep() -> None:
    """Remove the names left by our processes that ended before their memory was opened."""
    for path in FOLDER.glob("openspace-*"):
        with contextlib.suppress(OSError):
            named = _NAME.fullmatch(path.name)
            if named and path.stat().st_uid == os.getuid() and not Path(f"/proc/{named[1]}").exists():
                path.unlink()


def _made(path: Path) -> int:
    """A new file of the right length with room for the proof. Raises OSError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.ftruncate(file, _STARTS[-1])
        os.posix_fallocate(file, 0, _STARTS[0])
    except OSError:
        os.close(file)
        raise
    return file


def number_of(notice: bytes) -> int | None:
    """The number of the request or transfer that ``notice`` belongs to; None if it cannot be read."""
    return _PREFIX.unpack(notice)[2] if len(notice) == _PREFIX.size else None


def is_notice(message: bytes) -> bool:
    """Whether ``message`` is a notice of one in shared memory."""
    return message[:4] == MAGIC
