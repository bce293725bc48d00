"""Everything about the orchestrator that can be set. Light to import: the server extension reads it at start-up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from openspace_server.protocols.supervisor import DEFAULT_GATEWAY_PORT, DEFAULT_PORT


@dataclass(frozen=True)
class HostAddress:
    """Where a render host listens: ``address``, supervisor ``port`` and ``gateway_port``."""

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
        for place, port in enumerate(ports):
            if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError(f"render host {text!r}: {port!r} is not a port")
            numbers[place] = int(port)
        return cls(address, *numbers)


@dataclass(frozen=True)
class Settings:
    """Settings of one orchestrator. Times are in seconds.

    Attributes:
        directory: holds the local host's log and, by default, the SQLite file.
        db_url: SQLAlchemy URL with an async driver; empty for SQLite in ``directory``.
        hosts: render hosts to use; with none, one local host is started on demand.
        host_secret: what those hosts expect as bearer secret.
        slots: how many sessions the local host serves at once.
        engine: the engine of a session that names none.
        engines: the engines a session may name.
        poll_interval: between STATUS polls of a running session.
        starting_interval: the same while it starts or stops.
        probe_interval: between looks at each configured host.
        command_timeout: a host's answer to one command.
        host_timeout: a host that answers nothing for so long is lost.
        start_timeout: a session that does not run by then has failed.
        loading_timeout: the same where the instance says how far it is, as OpenSpace does while it loads.
        stop_timeout: how long a stop request waits for the instance to be gone.
        unknown_grace: an instance that nobody knows, on a host that serves nobody else, is stopped after so long.
        worker_lease: how long an orchestrator process owns its sessions without renewing its lease.
        tick_interval: between rounds of everything that is no session's own business.
        exclusive_hosts: the configured hosts serve this database and nobody else.
        reservation_ttl: a reserved slot whose start has not begun by then is free again.
        queue_timeout: a place in the queue is kept for so long.
        slot_wait: how long a start waits for a host that says it is full, though it should not be.
        quota: how many live sessions an owner may have; 0 for any number.
        max_duration: a session's longest life; idle_limit: without anybody steering it; away_limit: without anybody
            watching it. 0 for no limit.
        warning: users are told so long before one of these ends their session.
        warm: how many running sessions are kept ready for whoever comes next.
        restart_limit: how often in a row a crashed instance is started again.
        settled: a session that has run for so long is no longer counted as crashing in a row.
        snapshot_interval: between looks at the camera, time and properties of a running session; 0 for never.
        linger: the local host ends itself after so long without any command.
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
