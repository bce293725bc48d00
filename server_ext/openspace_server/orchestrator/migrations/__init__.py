"""Alembic's scripts, shipped in the wheel; run by ``database.Database.set_up``."""
