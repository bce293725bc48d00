"""A real TURN server, coturn, that takes credentials made with a shared secret."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import wait_for


@dataclass(frozen=True)
class Turn:
    """``urls``: over UDP and over TCP."""

    urls: tuple[str, str]
    secret: str
    log: Path

    def said(self, text: str) -> bool:
        return text in self.log.read_text(errors="replace")


@contextlib.contextmanager
def turn_server(folder: Path) -> Iterator[Turn]:
    """Listens on this machine's own address, UDP and TCP, a free port."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("no coturn here: tools/system-packages test installs it")
    address = own_address()
    with socket.socket() as probe:
        probe.bind((address, 0))
        port = probe.getsockname()[1]
    secret, log = secrets.token_hex(16), folder / "turn.log"
    command = [program, "-n", f"--listening-ip={address}", f"--relay-ip={address}", f"--listening-port={port}"]
    command += [
        "--use-auth-secret",
        f"--static-auth-secret={secret}",
        "--realm=test",
        "--no-cli",
        "--no-tls",
        "--no-dtls",
    ]
    command += ["--log-file=stdout", "--simple-log", "--verbose", f"--pidfile={folder / 'turn.pid'}", "--no-rfc5780"]
    command += [f"--userdb={folder / 'turn.sqlite'}"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
    try:

        def listens() -> bool:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
                return True
            return False

        wait_for(listens, what="coturn listens")
        where = f"turn:{address}:{port}?transport="
        yield Turn((f"{where}udp", f"{where}tcp"), secret, log)
    finally:
        process.kill()
        process.wait()


def own_address() -> str:
    """The address that instances offer: that of the interface which leads out, though nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("no network interface but loopback here")
        return str(probe.getsockname()[0])
