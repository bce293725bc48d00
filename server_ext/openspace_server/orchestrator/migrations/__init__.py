"""Alembic's migration scripts, shipped in the wheel and run by ``Database.set_up``."""
