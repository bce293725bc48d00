"""Render host settings, and the checks made before any port is bound."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from openspace_server.protocols.limits import DEFAULT_SIZE
from openspace_server.protocols.supervisor import DEFAULT_API_PORT, DEFAULT_GATEWAY_PORT, DEFAULT_PORT

SECRET_VARIABLE = "OPENSPACE_HOST_SECRET"
MAX_PORT = 65535

# -P: a notebook folder that holds a file such as numpy.py must not break the instance.
INSTANCE_COMMAND = (sys.executable, "-P", "-m", "openspace_server.instance")


class HostError(Exception):
    """The host cannot run as asked; ``str(error)`` says what to change."""


@dataclass(frozen=True)
class Timings:
    """Limits in seconds."""

    start: float = 30.0
    """From the spawn until the instance must report ``running``; reported progress restarts it."""
    stop: float = 3.0
    """From the STOP command to SIGTERM, and again from SIGTERM to SIGKILL."""
    api: float = 10.0
    """For which a client of the OpenSpace API waits until a running instance has opened it."""
    join: float = 5.0
    """From the opening of a gateway socket until its ``join``."""


@dataclass(frozen=True)
class HostSettings:
    """The options of ``openspace-widget host``. Ports may be 0 = a free one; ``api_tcp_port`` 0 = none."""

    slots: int = 3
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    gateway_port: int = DEFAULT_GATEWAY_PORT
    api_port: int = DEFAULT_API_PORT
    api_tcp_port: int = 0
    engine: str = "embedded"
    width: int = DEFAULT_SIZE[0]
    height: int = DEFAULT_SIZE[1]
    frame_rate: int | None = None
    bit_rate: int | None = None
    stamp: bool = False
    log_dir: Path | None = None
    announce: bool = False
    linger: float = 0.0
    end_with_stdin: bool = False
    allowed_origins: frozenset[str] = frozenset()
    secret: str | None = field(default=None, repr=False)
    published: bool = False
    """Serve the published signaling dialect, which has no secrets, although this host has one."""
    instance_command: tuple[str, ...] = INSTANCE_COMMAND
    timings: Timings = Timings()

    def check(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            HostError: ``host`` is not loopback (or unknown) and there is no secret; the instances' ports end beyond
                65535, or one would be used twice.
        """
        self._check_api_ports()
        if not self.secret and not is_loopback(self.host):
            raise HostError(
                f"--host {self.host} can be reached from other machines: set a secret in the environment variable "
                f"{SECRET_VARIABLE}, the same one where the orchestrator runs, or use --host 127.0.0.1"
            )

    @property
    def speaks_published(self) -> bool:
        """Whether the gateway serves the published signaling dialect."""
        return self.published or self.secret is None

    def instance_api_port(self, slot: int) -> int:
        """The WebSocket port of the OpenSpace API of the instance in ``slot``; 0 = a free one."""
        return self.api_port + slot if self.api_port else 0

    def instance_api_tcp_port(self, slot: int) -> int:
        """The same API's port for newline-delimited TCP; 0 = none."""
        return self.api_tcp_port + slot if self.api_tcp_port else 0

    def _check_api_ports(self) -> None:
        options = {"--api-port": self.api_port, "--api-tcp-port": self.api_tcp_port}
        used = {option: range(base, base + self.slots) for option, base in options.items() if base}
        for option, ports in used.items():
            if ports[-1] > MAX_PORT:
                raise HostError(
                    f"{option} {ports[0]}: slot {self.slots - 1} would need port {ports[-1]}; "
                    f"choose at most {MAX_PORT - self.slots + 1}"
                )
        if len(used) == len(options) and abs(self.api_port - self.api_tcp_port) < self.slots:
            raise HostError(
                f"--api-tcp-port {self.api_tcp_port} and --api-port {self.api_port} overlap: with {self.slots} slots "
                f"each takes {self.slots} ports; leave at least {self.slots} between them"
            )


def secret_from_environment() -> str | None:
    """The host's secret; None when unset or empty."""
    return os.environ.get(SECRET_VARIABLE) or None


def is_loopback(host: str) -> bool:
    """True if every address that ``host`` names is a loopback address.

    Raises:
        HostError: ``host`` cannot be resolved.
    """
    if not host:
        return False
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as problem:
        raise HostError(f"--host {host}: {problem.strerror or problem}") from None
    return all(ipaddress.ip_address(str(entry[4][0]).split("%")[0]).is_loopback for entry in found)
