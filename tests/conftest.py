"""For all tests: the markers, and the check that no test goes without those it needs."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.examples import FAST
from tests.markers import pytest_collection_modifyitems, pytest_configure

# How long an example takes says nothing on a machine that is busy with other tests.
settings.register_profile("whole", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(FAST, settings.get_profile("whole"))
settings.load_profile("whole")
__all__ = ["pytest_collection_modifyitems", "pytest_configure"]
