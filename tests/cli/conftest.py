"""The administrators' commands work on the orchestrator's databases."""

from __future__ import annotations

from tests.orchestrator.conftest import db_url, postgres, pytest_pyfunc_call

__all__ = ["db_url", "postgres", "pytest_pyfunc_call"]
