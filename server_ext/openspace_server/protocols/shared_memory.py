"""Array messages between two processes of one machine: through memory that both map, while the socket tells only where.

The reader asks for memory (verb ``share_memory``) and is told the path of a file in memory, made for it alone. A reader
that finds the file there, with the proof in it, says the proof: both are on one machine and of one user. From then on
nobody needs the file's name and it is taken away, so that nothing is left behind, whoever ends, and how; the name of an
instance that ended before goes with the next offer. Where the file
cannot be found (another machine, container or user) everything goes over the socket, as it does without asking.

The memory is divided into slots, some for the instance's answers and some for arrays that it is given. Who asks or
gives names the slot; the message is put there, and the socket carries only ``OSM1`` and, little endian, the slot
(uint32), the number of the request or transfer (uint32) and the length in bytes (uint64). A slot is used again when the
answer has come: nobody writes to it before. What does not fit goes over the socket. Both ends belong to one user, who
can end either of them anyhow: neither is guarded against the other cutting the file short.
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
"""The slots of each way."""
SLOT_BYTES = (8 * 1024 * 1024,) * len(ANSWERS) + (32 * 1024 * 1024,) * len(ARRAYS)
LEFT = 0.25
"""Of all memory that the system has for sharing, this part is left alone."""
FOLDER = Path("/dev/shm")
_NAME = re.compile(r"openspace-(\d+)-[0-9a-f]{32}")
_PROOF_BYTES = 32
# The proof has a page of its own before the slots.
_STARTS = tuple(accumulate(SLOT_BYTES, initial=mmap.PAGESIZE))
_PREFIX = struct.Struct("<4sIIQ")


class NoSharedMemory(Exception):
    """It cannot be used here; the message is why."""


class SharedMemory:
    """One end. ``puts`` and ``reads`` are the slots for either way. Close it."""

    def __init__(self, file: int, puts: range, reads: range) -> None:
        """Raises OSError; ``file`` is closed then, too."""
        self._file, self._puts, self._reads = file, puts, reads
        self.open = False
        try:
            self._memory = mmap.mmap(file, 0)
        except OSError:
            os.close(file)
            raise
        self.open = True

    def put(self, slot: int, number: int, *parts: bytes | memoryview) -> bytes | None:
        """Write the message whose bytes are ``parts`` one after the other; what to say of it on the socket.

        None: it has to go over the socket itself, because it is too long or the machine is short of memory.
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

    def find(self, told: bytes) -> tuple[int, int, memoryview]:
        """Slot, number and bytes of the message that the other end told of. Raises ProtocolError."""
        if len(told) != _PREFIX.size or not is_told(told):
            raise ProtocolError(f"expected {_PREFIX.size} bytes that start with {MAGIC!r}")
        _, slot, number, length = _PREFIX.unpack(told)
        if not self.open or slot not in self._reads or length > SLOT_BYTES[slot]:
            raise ProtocolError(f"shared memory has no slot {slot} with {length} bytes to read")
        return slot, number, memoryview(self._memory)[_STARTS[slot] : _STARTS[slot] + length]

    def close(self) -> None:
        """The memory itself goes when both ends have closed it, and nobody looks at a message in it any more."""
        if self.open:
            self.open = False
            os.close(self._file)
            with contextlib.suppress(BufferError):
                self._memory.close()

    def give_back(self) -> None:
        """The memory of all slots goes back to the system until it is used again: nothing that lies there is needed."""
        if self.open:
            self._memory.madvise(mmap.MADV_REMOVE, _STARTS[0], _STARTS[-1] - _STARTS[0])

    def _reserve(self, slot: int, size: int) -> bool:
        """Writing where the system has no memory left would kill this process: ask before. Others need some, too."""
        try:
            system = os.fstatvfs(self._file)
            if (system.f_bavail - system.f_blocks * LEFT) * system.f_frsize < size:
                return False
            os.posix_fallocate(self._file, _STARTS[slot], size)
        except OSError:
            return False
        return True


class Offered(SharedMemory):
    """The instance's end: makes the memory at ``path``, for who can tell what is in it."""

    def __init__(self) -> None:
        """Raises NoSharedMemory: a system without, or none left."""
        if sys.platform != "linux":
            raise NoSharedMemory("this system has no memory that is shared by name")
        _sweep()
        self.path = FOLDER / f"openspace-{os.getpid()}-{secrets.token_hex(16)}"
        self.proven = False
        self._proof = secrets.token_bytes(_PROOF_BYTES)
        try:
            super().__init__(_made(self.path), ANSWERS, ARRAYS)
        except OSError as problem:
            self._take_name_away()
            raise NoSharedMemory(str(problem)) from None
        self._memory[:_PROOF_BYTES] = self._proof

    def prove(self, proof: str) -> bool:
        """Whether the other end has seen the memory; its name is taken away in any case."""
        self._take_name_away()
        right = secrets.compare_digest(proof.encode(), self._proof.hex().encode())
        self.proven = self.proven or right
        return right

    def close(self) -> None:
        self._take_name_away()
        super().close()

    def _take_name_away(self) -> None:
        self.path.unlink(missing_ok=True)


class Found(SharedMemory):
    """The kernel's end: memory that it was told of. ``proof`` is what to answer."""

    def __init__(self, path: str) -> None:
        """Raises NoSharedMemory: nothing of the kind is there, or it is not for us."""
        # No other file may be opened, whatever the instance says: what is in it is told back.
        name = path.removeprefix(f"{FOLDER}/")
        if sys.platform != "linux" or name == path or not _NAME.fullmatch(name):
            raise NoSharedMemory(f"{path} is no memory of an instance")
        try:
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        except OSError as problem:
            raise NoSharedMemory(str(problem)) from None
        about = os.fstat(file)
        ours = stat.S_ISREG(about.st_mode) and about.st_uid == os.getuid()
        if not ours or about.st_size != _STARTS[-1]:
            os.close(file)
            raise NoSharedMemory(f"{path} is not ours")
        try:
            super().__init__(file, ARRAYS, ANSWERS)
        except OSError as problem:
            raise NoSharedMemory(str(problem)) from None
        self.proof = self._memory[:_PROOF_BYTES].hex()


def _sweep() -> None:
    """Take away the names that processes of ours left, which ended before anybody came for their memory."""
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


def number_of(told: bytes) -> int | None:
    """The number of the request or transfer that ``told`` belongs to, None if that cannot be read."""
    return _PREFIX.unpack(told)[2] if len(told) == _PREFIX.size else None


def is_told(message: bytes) -> bool:
    """Whether ``message`` tells of one in shared memory."""
    return message[:4] == MAGIC
