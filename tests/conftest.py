"""For all tests: the markers, and the check that no test goes without those it needs."""

from __future__ import annotations

from hypothesis import settings

from tests.examples import FAST
from tests.markers import pytest_collection_modifyitems, pytest_configure

settings.register_profile(FAST)
__all__ = ["pytest_collection_modifyitems", "pytest_configure"]
