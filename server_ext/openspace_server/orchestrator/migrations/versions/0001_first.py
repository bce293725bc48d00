"""Hosts, slots, sessions and the event log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "hosts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("gateway_port", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(128), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("local", sa.Boolean(), nullable=False),
        sa.Column("pid", sa.Integer()),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("modified", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hosts"),
    )
    for name, columns, which in (
        ("ix_hosts_one_local", ["local"], "local AND state <> 'gone'"),
        ("ix_hosts_static_address", ["address", "port"], "NOT local AND state <> 'gone'"),
    ):
        op.create_index(
            name, "hosts", columns, unique=True, sqlite_where=sa.text(which), postgresql_where=sa.text(which)
        )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(128), nullable=False),
        sa.Column("host", sa.String(36), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("instance", sa.Integer()),
        sa.Column("idempotency_key", sa.String(128)),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("modified", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["host"], ["hosts.id"], name="fk_sessions_host"),
        sa.UniqueConstraint("owner", "idempotency_key", name="uq_sessions_owner_key"),
    )
    op.create_index("ix_sessions_owner", "sessions", ["owner", "created"])
    op.create_index("ix_sessions_state", "sessions", ["state"])
    op.create_table(
        "slots",
        sa.Column("host", sa.String(36), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("session", sa.String(36)),
        sa.PrimaryKeyConstraint("host", "n", name="pk_slots"),
        sa.ForeignKeyConstraint(["host"], ["hosts.id"], name="fk_slots_host"),
        sa.ForeignKeyConstraint(["session"], ["sessions.id"], name="fk_slots_session"),
        sa.UniqueConstraint("session", name="uq_slots_session"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("session", sa.String(36)),
        sa.Column("host", sa.String(36)),
        sa.Column("fence", sa.Integer()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_session", "events", ["session"])


def downgrade() -> None:
    for table in ("events", "slots", "sessions", "hosts"):
        op.drop_table(table)
