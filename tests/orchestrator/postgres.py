"""A real PostgreSQL server of our own, on a free port, that a test may kill and start again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

USER = "postgres"
ROOM = 4 * 2**30
TUNING = ("-c", "fsync=off", "-c", "max_connections=200", "-c", "log_min_messages=fatal")


def binaries() -> Path | None:
    """The folder of ``initdb`` and ``postgres``; None if this machine has none."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Postgres:
    """``start``, ``kill``, ``start`` … and always ``remove``. ``durable``: what was committed survives a kill of the
    machine, as in production."""

    def __init__(self, durable: bool = False) -> None:
        folder = binaries()
        assert folder is not None, "no PostgreSQL server programs: apt-get install postgresql"
        self._bin = folder
        self._tuning = TUNING[2:] if durable else TUNING
        # Not pytest's folder: the server must not be root, and only root may look into that.
        self.folder = Path(tempfile.mkdtemp(prefix="openspace-postgres-", dir=None if durable else _memory()))
        self.port = 0
        self._data = self.folder / "data"
        if os.getuid() == 0:
            shutil.chown(self.folder, USER, USER)
        self._run(
            "initdb",
            "-D",
            str(self.folder / "data"),
            "-U",
            USER,
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        )

    def url(self, name: str = "postgres") -> str:
        return f"postgresql+asyncpg://{USER}@127.0.0.1:{self.port}/{name}"

    def start(self) -> Postgres:
        """Return when it accepts connections."""
        if not self.port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        options = f"-p {self.port} -k {self.folder} -h 127.0.0.1 {' '.join(self._tuning)}"
        # pg_ctl leaves it on its own: it is no child of the tests, some of which count theirs.
        deadline = time.monotonic() + 20
        while True:
            try:
                self._run("pg_ctl", "-D", str(self._data), "-l", str(self.folder / "log"), "-o", options, "-w", "start")
                return self
            except subprocess.CalledProcessError:  # what a killed one started has not noticed yet
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def create(self, name: str) -> str:
        """A new, empty database; its URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, name)
        return self.url(name)

    def kill(self) -> None:
        """``kill -9`` the server and everything that it started."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        if (self._data / "postmaster.pid").exists():
            self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        pid = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, how)
        deadline = time.monotonic() + 20
        while _running(pid):
            assert time.monotonic() < deadline, "PostgreSQL does not end"
            time.sleep(0.01)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([*self._as_user(), str(self._bin / program), *arguments], check=True, stdout=subprocess.DEVNULL)

    def _as_user(self) -> list[str]:
        if os.getuid() != 0:
            return []
        pwd.getpwnam(USER)
        return ["runuser", "-u", USER, "--"]


def _memory() -> Path | None:
    """A folder in memory that has room for many databases; None if there is none."""
    folder = Path("/dev/shm")
    return folder if folder.is_dir() and shutil.disk_usage(folder).free > ROOM else None


def _running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
