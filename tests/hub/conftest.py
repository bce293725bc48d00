"""Fixtures: one JupyterHub on which alice's and bob's servers run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import browser_type_launch_args  # noqa: F401
from tests.hub.hub import Hub, User


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    hub = Hub()
    try:
        yield hub.start()
    finally:
        hub.stop()


@pytest.fixture(scope="session")
def alice(hub: Hub) -> User:
    return User(hub, "alice")


@pytest.fixture(scope="session")
def bob(hub: Hub) -> User:
    return User(hub, "bob")
