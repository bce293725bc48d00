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
        stop_timeout: how long a stop request waits for the instance to be gone.
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
    poll_interval: float = 2.0
    starting_interval: float = 0.1
    probe_interval: float = 5.0
    command_timeout: float = 5.0
    host_timeout: float = 10.0
    start_timeout: float = 120.0
    stop_timeout: float = 5.0
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
