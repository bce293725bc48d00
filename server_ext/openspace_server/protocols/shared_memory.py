"""Array messages between two processes of one machine: through memory that both map, while the socket tells only where.

The reader asks for memory (verb ``share_memory``) and is told the path of a file in memory, made for it alone. A reader
that finds the file there, with the proof in it, says the proof: both are on one machine and of one user. From then on
nobody needs the file's name and it is taken away, so that nothing is left behind, whoever ends, and how. Where the file
cannot be found (another machine, container or user) everything goes over the socket, as it does without asking.

The memory is divided into slots. A request names the slot for its answer; the answer is then the socket message
``OSM1``, and little endian slot (uint32) and length (uint64) of the array message that lies there. The reader copies
it before it names the slot again. What does not fit comes over the socket.
"""

from __future__ import annotations

import mmap
import os
import re
import secrets
import stat
import struct
import sys
from pathlib import Path

from openspace_server.protocols.fields import ProtocolError

MAGIC = b"OSM1"
SLOTS = 3
SLOT_BYTES = 8 * 1024 * 1024
FOLDER = Path("/dev/shm")
_NAME = re.compile(r"openspace-[0-9a-f]{32}")
_PROOF_BYTES = 32
# The proof has a page of its own before the slots.
_FIRST = mmap.PAGESIZE
_PREFIX = struct.Struct("<4sIQ")


class NoSharedMemory(Exception):
    """It cannot be used here; the message is why."""


class Writer:
    """The end that makes the memory and writes messages into it. Close it."""

    def __init__(self) -> None:
        """Raises NoSharedMemory: a system without, or none left."""
        if sys.platform != "linux":
            raise NoSharedMemory("this system has no memory that is shared by name")
        self.path = FOLDER / f"openspace-{secrets.token_hex(16)}"
        self.proof = secrets.token_hex(_PROOF_BYTES)
        self.proven = False
        self._given = [0] * SLOTS
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as problem:
            raise NoSharedMemory(str(problem)) from None
        try:
            os.ftruncate(self._file, _FIRST + SLOTS * SLOT_BYTES)
            os.posix_fallocate(self._file, 0, _FIRST)
            self._memory = mmap.mmap(self._file, 0)
        except OSError as problem:
            os.close(self._file)
            self._take_name_away()
            raise NoSharedMemory(str(problem)) from None
        self._memory[:_PROOF_BYTES] = bytes.fromhex(self.proof)

    def prove(self, proof: str) -> bool:
        """Whether the other end has seen the memory; its name is taken away in any case."""
        self._take_name_away()
        self.proven = secrets.compare_digest(proof.encode(), self.proof.encode())
        return self.proven

    def put(self, slot: int, *parts: bytes | memoryview) -> bytes | None:
        """Write the message whose bytes are ``parts`` one after the other; what to say of it on the socket.

        None: it has to go over the socket itself, because it is too long or the machine is short of memory.
        """
        views = [memoryview(part).cast("B") for part in parts]
        total = sum(len(view) for view in views)
        if (
            self._memory.closed
            or not self.proven
            or not 0 <= slot < SLOTS
            or total > SLOT_BYTES
            or not self._reserve(slot, total)
        ):
            return None
        at = _FIRST + slot * SLOT_BYTES
        for view in views:
            self._memory[at : at + len(view)] = view
            at += len(view)
        return _PREFIX.pack(MAGIC, slot, total)

    def close(self) -> None:
        """The memory itself goes when both ends have closed it."""
        self._take_name_away()
        if not self._memory.closed:
            self._memory.close()
            os.close(self._file)

    def _reserve(self, slot: int, size: int) -> bool:
        """Writing where the system has no memory left would kill this process: ask before."""
        if size > self._given[slot]:
            try:
                os.posix_fallocate(self._file, _FIRST + slot * SLOT_BYTES, size)
            except OSError:
                return False
            self._given[slot] = size
        return True

    def _take_name_away(self) -> None:
        self.path.unlink(missing_ok=True)


class Reader:
    """The end that maps memory it was told of. ``proof`` is what to tell the writer. Close it."""

    def __init__(self, path: str) -> None:
        """Raises NoSharedMemory: nothing of the kind is there, or it is not for us."""
        # No other file may be opened, whatever the writer says: what is in it is told back.
        name = path.removeprefix(f"{FOLDER}/")
        if sys.platform != "linux" or name == path or not _NAME.fullmatch(name):
            raise NoSharedMemory(f"{path} is no memory of an instance")
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as problem:
            raise NoSharedMemory(str(problem)) from None
        try:
            about = os.fstat(file)
            ours = stat.S_ISREG(about.st_mode) and about.st_uid == os.getuid()
            if not ours or about.st_size != _FIRST + SLOTS * SLOT_BYTES:
                raise NoSharedMemory(f"{path} is not ours")
            self._memory = mmap.mmap(file, 0, prot=mmap.PROT_READ)
        except OSError as problem:
            raise NoSharedMemory(str(problem)) from None
        finally:
            os.close(file)
        self.proof = self._memory[:_PROOF_BYTES].hex()

    def read(self, told: bytes) -> bytes:
        """A copy of the message that the writer told of. Raises ProtocolError."""
        if len(told) != _PREFIX.size or not is_told(told):
            raise ProtocolError(f"expected {_PREFIX.size} bytes that start with {MAGIC!r}")
        _, slot, length = _PREFIX.unpack(told)
        if slot >= SLOTS or length > SLOT_BYTES:
            raise ProtocolError(f"shared memory has no slot {slot} with {length} bytes")
        at = _FIRST + slot * SLOT_BYTES
        return self._memory[at : at + length]

    def close(self) -> None:
        self._memory.close()


def is_told(message: bytes) -> bool:
    """Whether ``message`` tells of one in shared memory."""
    return message[:4] == MAGIC
