"""Database tables of the orchestrator. Nothing about a session or a host is kept only in memory.

Rows that the stores return are snapshots: reading them does not touch the database, changing them changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, MetaData, String, Table, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from openspace_server.protocols.sessions import SessionState, SessionView


class HostState(StrEnum):
    """``joining``: has not answered yet. ``draining``: keeps its sessions, gets no new ones. ``lost``: does not answer;
    its slots may still be in use and are not allocated. ``gone``: has certainly ended, never comes back."""

    JOINING = "joining"
    READY = "ready"
    DRAINING = "draining"
    LOST = "lost"
    GONE = "gone"


class HostKind(StrEnum):
    """``local``: our own child. ``config``: named in the configuration. ``added``: by ``hosts add``. ``agent``: dials
    in."""

    LOCAL = "local"
    CONFIG = "config"
    ADDED = "added"
    AGENT = "agent"


POOL_OWNER = "pool:"
"""Owner of the sessions in the warm pool. No user's owner name has this form."""


def now() -> str:
    """The present as ISO 8601 UTC with milliseconds; sorts as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def age(stamp: str) -> float:
    """Seconds since ``stamp``, a value of :func:`now`."""
    return (datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s"})


def table(row: type[Base]) -> Table:
    """The bare table: statements on it bypass the object mapper, which costs more than the database."""
    found = row.__table__
    assert isinstance(found, Table)
    return found


class HostRow(Base):
    """A render host. ``secret`` is emptied when it is gone; ``pid`` is known for a local one.

    ``region``, ``graphics_card``, ``ram``, ``storage`` and ``engines`` (comma separated, empty for any) describe it.
    ``drain``: gets no new sessions. ``exclusive``: serves this database alone, so unknown instances may be stopped.
    ``published_only``: speaks the published protocol only. ``occupied``: its instances that belong to no session of
    ours. ``lease_until``: renewed whenever it answers; it is lost when that has passed. The number of free slots is
    never stored.
    """

    __tablename__ = "hosts"
    __table_args__ = (
        # One local host at a time, however many Jupyter servers share the file.
        Index(
            "ix_hosts_one_local",
            "local",
            unique=True,
            sqlite_where=text("local AND state <> 'gone'"),
            postgresql_where=text("local AND state <> 'gone'"),
        ),
        Index(
            "ix_hosts_static_address",
            "address",
            "port",
            unique=True,
            sqlite_where=text("NOT local AND state <> 'gone' AND port <> 0"),
            postgresql_where=text("NOT local AND state <> 'gone' AND port <> 0"),
        ),
        Index(
            "ix_hosts_agent_name",
            "name",
            unique=True,
            sqlite_where=text("kind = 'agent' AND state <> 'gone'"),
            postgresql_where=text("kind = 'agent' AND state <> 'gone'"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    address: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    gateway_port: Mapped[int]
    secret: Mapped[str] = mapped_column(String(128))
    slots: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text, default="")
    local: Mapped[bool]
    pid: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(16), default=HostKind.CONFIG)
    name: Mapped[str] = mapped_column(String(128), default="")
    region: Mapped[str] = mapped_column(String(64), default="")
    graphics_card: Mapped[str] = mapped_column(String(128), default="")
    ram: Mapped[str] = mapped_column(String(64), default="")
    storage: Mapped[str] = mapped_column(String(64), default="")
    engines: Mapped[str] = mapped_column(String(255), default="")
    drain: Mapped[bool] = mapped_column(default=False)
    exclusive: Mapped[bool] = mapped_column(default=False)
    published_only: Mapped[bool] = mapped_column("plain", key="published_only", default=False)
    occupied: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[str] = mapped_column(String(32), default="")
    created: Mapped[str] = mapped_column(String(32))
    modified: Mapped[str] = mapped_column(String(32))


class SlotRow(Base):
    """The right to one instance on a host. ``fence`` rises with every allocation, so that a late command can be told
    from a current one. The id of the instance that the host then started is ``SessionRow.instance``."""

    __tablename__ = "slots"

    host: Mapped[str] = mapped_column(ForeignKey("hosts.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    fence: Mapped[int] = mapped_column(default=0)
    session: Mapped[str | None] = mapped_column(ForeignKey("sessions.id"), unique=True)


class OwnerRow(Base):
    """An owner of sessions. An allocation locks this row, so that two tabs cannot race past the quota. ``quota`` None:
    the default."""

    __tablename__ = "owners"

    owner: Mapped[str] = mapped_column(String(255), primary_key=True)
    quota: Mapped[int | None]


class LeaseRow(Base):
    """The lease of an orchestrator process. When it has passed, another process takes over the worker's sessions."""

    __tablename__ = "keepers"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    machine: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    lease_until: Mapped[str] = mapped_column(String(32))


class SessionRow(Base):
    """A session. ``token`` opens the gateway and is emptied at the end; ``request`` is the digest of the request.

    ``host``, ``slot`` and ``fence`` are None while it waits in the queue (REQUESTED). ``worker``: the orchestrator
    process that follows it. ``since``: when its state began. ``expires``, ``used`` (when it was last steered),
    ``idle_limit`` and ``away_limit`` (seconds, 0 for none) bound its life; ``warned``: the end it was last warned of;
    ``ending``: the state that STOPPING leads to. ``snapshot``: the camera, time and properties last read from its
    instance, restored in an instance that replaces a crashed one; ``restarts`` counts those.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("owner", "idempotency_key", name="uq_sessions_owner_key"),
        Index("ix_sessions_owner", "owner", "created"),
        Index("ix_sessions_state", "state"),
        Index("ix_sessions_keeper", "worker"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text, default="")
    engine: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    token: Mapped[str] = mapped_column(String(128))
    host: Mapped[str | None] = mapped_column(ForeignKey("hosts.id"))
    slot: Mapped[int | None]
    fence: Mapped[int | None]
    instance: Mapped[int | None]
    idempotency_key: Mapped[str | None] = mapped_column(String(128))
    request: Mapped[str] = mapped_column(String(64))
    region: Mapped[str] = mapped_column(String(64), default="")
    worker: Mapped[str] = mapped_column("keeper", String(36), key="worker", default="")
    since: Mapped[str] = mapped_column(String(32), default="")
    expires: Mapped[str] = mapped_column(String(32), default="")
    used: Mapped[str] = mapped_column(String(32), default="")
    idle_limit: Mapped[int] = mapped_column(default=0)
    away_limit: Mapped[int] = mapped_column(default=0)
    warned: Mapped[str] = mapped_column(String(32), default="")
    ending: Mapped[str] = mapped_column(String(16), default="")
    restarts: Mapped[int] = mapped_column(default=0)
    snapshot: Mapped[str] = mapped_column("known", Text, key="snapshot", default="")
    created: Mapped[str] = mapped_column(String(32))
    modified: Mapped[str] = mapped_column(String(32))

    @property
    def is_ended(self) -> bool:
        return SessionState(self.state).is_ended

    def view(self) -> SessionView:
        """What its owner may see of it."""
        return SessionView(
            self.id,
            self.name,
            SessionState(self.state),
            self.reason,
            self.engine,
            self.width,
            self.height,
            self.created,
        )


class ShareRow(Base):
    """A share link: it lets a guest into a session. ``digest`` is the SHA-256 of its key, which is not stored;
    ``revoked`` is empty until it is revoked."""

    __tablename__ = "shares"
    __table_args__ = (Index("ix_shares_session", "session"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    session: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    created: Mapped[str] = mapped_column(String(32))
    expires: Mapped[str] = mapped_column(String(32))
    revoked: Mapped[str] = mapped_column(String(32), default="")


class EventRow(Base):
    """The event log, which is only appended to. ``detail`` never holds a secret."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_session", "session"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(32))
    session: Mapped[str | None] = mapped_column(String(36))
    host: Mapped[str | None] = mapped_column(String(36))
    fence: Mapped[int | None]
    detail: Mapped[str] = mapped_column(Text, default="")
