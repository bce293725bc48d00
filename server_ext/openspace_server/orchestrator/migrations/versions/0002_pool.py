"""A pool of hosts for many users: regions, leases, quotas, keepers, the queue, deadlines and what a restart needs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default="")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def upgrade() -> None:
    op.create_table(
        "owners",
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("quota", sa.Integer()),
        sa.PrimaryKeyConstraint("owner", name="pk_owners"),
    )
    op.create_table(
        "keepers",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("machine", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_keepers"),
    )
    op.drop_index("ix_hosts_static_address", "hosts")
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("kind", sa.String(16), nullable=False, server_default="config"),
        *(_text(name, length) for name, length in (("name", 128), ("region", 64), ("graphics_card", 128))),
        *(_text(name, length) for name, length in (("ram", 64), ("storage", 64), ("engines", 255))),
        *(_flag(name) for name in ("drain", "exclusive", "plain")),
        _number("occupied"),
        _text("lease_until", 32),
    )
    for column in columns:
        op.add_column("hosts", column)
    op.execute("UPDATE hosts SET kind = 'local' WHERE local")
    op.execute("UPDATE hosts SET state = 'joining' WHERE state = 'starting'")
    for name, indexed, which in (
        ("ix_hosts_static_address", ["address", "port"], "NOT local AND state <> 'gone' AND port <> 0"),
        ("ix_hosts_agent_name", ["name"], "kind = 'agent' AND state <> 'gone'"),
    ):
        op.create_index(
            name, "hosts", indexed, unique=True, sqlite_where=sa.text(which), postgresql_where=sa.text(which)
        )
    with op.batch_alter_table("sessions") as batch:
        batch.alter_column("host", existing_type=sa.String(36), nullable=True)
        batch.alter_column("slot", existing_type=sa.Integer(), nullable=True)
        batch.alter_column("fence", existing_type=sa.Integer(), nullable=True)
        columns = (
            *(_text(name, length) for name, length in (("region", 64), ("keeper", 36), ("since", 32))),
            *(_text(name, 32) for name in ("expires", "used", "warned")),
            _text("ending", 16),
            *(_number(name) for name in ("idle_limit", "away_limit", "restarts")),
            sa.Column("known", sa.Text(), nullable=False, server_default=""),
        )
        for column in columns:
            batch.add_column(column)
    op.create_index("ix_sessions_keeper", "sessions", ["keeper"])
    op.execute("UPDATE sessions SET since = modified, used = modified")


def downgrade() -> None:
    raise NotImplementedError("sessions that wait in the queue have no place in the older schema")
