"""``jupyter server`` as a process of its own, with the extension and a local host."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.helpers import alive, until
from tests.jupyter.conftest import QUICK, Client

ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/")
PROGRAM = """
import json, sys
from jupyter_server.serverapp import main
from openspace_server.orchestrator.hosts import local_host
local_host.OUR_HOST = tuple(json.loads(sys.argv.pop(1))) or local_host.OUR_HOST
main()
"""


class Server:
    """``command`` is the local host's; empty for the real one. The log ends up in ``folder``."""

    def __init__(self, folder: Path, command: str, linger: float = 20.0) -> None:
        self.data = folder / "data"
        self.log_file = folder / f"server-{time.monotonic_ns()}.log"
        paths = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("DATA", "CONFIG", "RUNTIME")}
        arguments = [
            *("--ServerApp.jpserver_extensions=openspace_server=True", "--no-browser", "--allow-root", "--port=0"),
            *("--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=t", f"--ServerApp.root_dir={folder}"),
            *(f"--OpenSpaceExtension.{name}={value}" for name, value in (QUICK | {"linger": linger}).items()),
        ]
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, command, *arguments],
                env=os.environ | paths | {"PYTHONPATH": f"{ROOT}/server_ext:{ROOT}"},
                stderr=log,
                start_new_session=True,
            )

    async def ready(self) -> Server:
        """Return when it answers."""
        await until(lambda: ADDRESS.search(self.log), "the server's address", timeout=30)
        found = ADDRESS.search(self.log)
        assert found is not None
        self.client = Client(int(found[1]), "/", "t")
        while True:
            try:
                await self.client.fetch("GET", "api")
                return self
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)

    def end(self, how: signal.Signals) -> None:
        """As a terminal or the system would: the signal goes to the server's whole process group."""
        os.killpg(self.process.pid, how)
        self.process.wait(20)

    def clean_up(self) -> None:
        """Leave no process behind, whatever the test did."""
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
        for pid in host_pids(self.file) if self.file.exists() else []:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def file(self) -> Path:
        return self.data / "openspace" / "openspace.sqlite3"


def host_pids(file: Path) -> list[int]:
    """The local hosts that the database says are ready."""
    with sqlite3.connect(file) as connection:
        return [pid for (pid,) in connection.execute("SELECT pid FROM hosts WHERE local AND state = 'ready'")]
