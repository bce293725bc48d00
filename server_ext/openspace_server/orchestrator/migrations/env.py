"""Alembic's environment: uses the caller's connection and transaction."""

from __future__ import annotations

from alembic import context

from openspace_server.orchestrator.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
