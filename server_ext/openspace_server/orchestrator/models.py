"""The tables. Nothing about a session or a host is held only in memory.

Rows handed out by the store are snapshots: reading them never touches the database, changing them changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, MetaData, String, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from openspace_server.protocols.sessions import SessionState, SessionView


class HostState(StrEnum):
    """``starting``: our own child is on its way. ``draining``: keeps its sessions, gets no new ones. ``lost``: does not
    answer, so its slots may still be in use and are given to nobody. ``gone``: ended for certain, never comes back."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    LOST = "lost"
    GONE = "gone"


def now() -> str:
    """The present as ISO 8601 UTC with milliseconds; sorts as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def age(stamp: str) -> float:
    """Seconds since ``stamp``, a value of :func:`now`."""
    return (datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s"})


class HostRow(Base):
    """A render host. ``secret`` is emptied when it is gone; ``pid`` is known for a local one."""

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
            sqlite_where=text("NOT local AND state <> 'gone'"),
            postgresql_where=text("NOT local AND state <> 'gone'"),
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
    created: Mapped[str] = mapped_column(String(32))
    modified: Mapped[str] = mapped_column(String(32))


class SlotRow(Base):
    """The right to one instance on a host. ``fence`` rises with every grant, so that a late command can be told from
    a current one. Which instance id the host then gave is ``SessionRow.instance``."""

    __tablename__ = "slots"

    host: Mapped[str] = mapped_column(ForeignKey("hosts.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    fence: Mapped[int] = mapped_column(default=0)
    session: Mapped[str | None] = mapped_column(ForeignKey("sessions.id"), unique=True)


class SessionRow(Base):
    """A session. ``token`` opens the gateway and is emptied at the end; ``request`` is the digest of what was asked."""

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("owner", "idempotency_key", name="uq_sessions_owner_key"),
        Index("ix_sessions_owner", "owner", "created"),
        Index("ix_sessions_state", "state"),
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
    host: Mapped[str] = mapped_column(ForeignKey("hosts.id"))
    slot: Mapped[int]
    fence: Mapped[int]
    instance: Mapped[int | None]
    idempotency_key: Mapped[str | None] = mapped_column(String(128))
    request: Mapped[str] = mapped_column(String(64))
    created: Mapped[str] = mapped_column(String(32))
    modified: Mapped[str] = mapped_column(String(32))

    @property
    def ended(self) -> bool:
        return SessionState(self.state).ended

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


class EventRow(Base):
    """The log of what happened; only ever added to. ``detail`` never holds a secret."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_session", "session"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(32))
    session: Mapped[str | None] = mapped_column(String(36))
    host: Mapped[str | None] = mapped_column(String(36))
    fence: Mapped[int | None]
    detail: Mapped[str] = mapped_column(Text, default="")
