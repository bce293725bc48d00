"""Orchestrator settings. Light to import: the server extension reads them when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from openspace_server.protocols.supervisor import DEFAULT_GATEWAY_PORT, DEFAULT_PORT


@dataclass(frozen=True)
class HostAddress:
    """The address of a render host, its supervisor ``port`` and its ``gateway_port``."""

    address: str
    port: int = DEFAULT_PORT
    gateway_port: int = DEFAULT_GATEWAY_PORT

    @classmethod
    def parse(cls, text: str) -> HostAddress:
        """``"address[:port[:gateway_port]]"``; an IPv6 address stands in brackets.

        Raises:
            ValueError: saying what is wrong.
        """
        text = text.strip()
        if text.startswith("["):
            address, closed, rest = text[1:].partition("]")
            if not closed or (rest and not rest.startswith(":")):
                raise ValueError(f"render host {text!r}: expected [address]:port:gateway_port")
            ports = rest[1:].split(":") if rest else []
        else:
            address, *ports = text.split(":")
        numbers = [DEFAULT_PORT, DEFAULT_GATEWAY_PORT]
        if not address or len(ports) > 2:
            raise ValueError(f"render host {text!r}: expected address:port:gateway_port")
        for index, port in enumerate(ports):
            if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError(f"render host {text!r}: {port!r} is not a port")
            numbers[index] = int(port)
        return cls(address, *numbers)


@dataclass(frozen=True)
class Settings:
    """Settings of one orchestrator. Times are in seconds.

    Attributes:
        directory: holds the local host's log and, by default, the SQLite file.
        db_url: SQLAlchemy URL with an async driver; empty for SQLite in ``directory``.
        hosts: render hosts to use; without any, one local host is started on demand.
        host_secret: the secret of these hosts.
        slots: number of instances that the local host runs at the same time.
        engine: the engine of sessions that name none.
        engines: the engines that sessions may name.
        poll_interval: between STATUS polls of a running session.
        starting_interval: the same while it starts or stops.
        probe_interval: between probes of each host.
        command_timeout: for a host's reply to one command.
        host_timeout: without any reply after which a host is lost.
        start_timeout: within which a session must be running.
        loading_timeout: the same if the instance reports its progress, as OpenSpace does while it loads.
        stop_timeout: for which a stop request waits for the instance to end.
        unknown_grace: after which an unknown instance is stopped, on a host that serves this database alone.
        worker_lease: how long an orchestrator process owns its sessions without renewing its lease.
        tick_interval: between runs of the periodic tasks.
        exclusive_hosts: whether the configured hosts serve this database alone.
        reservation_ttl: after which a reserved slot is freed if its start has not begun.
        queue_timeout: for which a session may wait in the queue.
        slot_wait: for which a start waits for a host that unexpectedly reports that it is full.
        quota: maximum number of live sessions of an owner; 0 for no limit.
        max_duration: longest life of a session; idle_limit: without being used; away_limit: without a viewer. 0 for
            no limit.
        warning: how long before one of these limits ends a session its users are warned.
        warm: number of idle sessions kept running so that new ones start immediately.
        restart_limit: maximum number of consecutive restarts of a crashed instance.
        settled: of running after which earlier crashes of a session do not count any more.
        snapshot_interval: between snapshots of a running session's camera, time and properties; 0 for none.
        linger: without a command after which the local host ends.
        host_command: the local host's command line; empty for our own render host.
    """

    directory: Path
    db_url: str = ""
    hosts: tuple[HostAddress, ...] = ()
    host_secret: str = ""
    slots: int = 3
    engine: str = "embedded"
    engines: tuple[str, ...] = ("embedded",)
    poll_interval: float = 5.0
    starting_interval: float = 0.05
    probe_interval: float = 5.0
    command_timeout: float = 5.0
    host_timeout: float = 10.0
    start_timeout: float = 120.0
    loading_timeout: float = 960.0
    stop_timeout: float = 5.0
    unknown_grace: float = 30.0
    worker_lease: float = 10.0
    tick_interval: float = 2.0
    exclusive_hosts: bool = False
    reservation_ttl: float = 60.0
    queue_timeout: float = 1800.0
    slot_wait: float = 10.0
    quota: int = 0
    max_duration: int = 0
    idle_limit: int = 0
    away_limit: int = 0
    warning: float = 120.0
    warm: int = 0
    restart_limit: int = 3
    settled: float = 300.0
    snapshot_interval: float = 10.0
    linger: float = 60.0
    host_command: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return self.db_url or f"sqlite+aiosqlite:///{self.file}"

    @property
    def file(self) -> Path:
        """The SQLite file, unless ``db_url`` names another database."""
        return self.directory / "openspace.sqlite3"

    @property
    def host_log(self) -> Path:
        return self.directory / "host.log"
