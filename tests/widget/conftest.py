"""One real session, started once: a private server, a render host, the embedded engine, no browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from openspace_widget import OpenSpace
from tests.helpers import private_folders


@pytest.fixture(scope="session")
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The private server keeps its store and logs in a folder of these tests."""
    tmp = tmp_path_factory.mktemp("private")
    with pytest.MonkeyPatch.context() as patch:
        private_folders(patch, tmp)
        yield


@pytest.fixture(scope="session")
def one_session(own_folders: None) -> Iterator[OpenSpace]:
    with OpenSpace(size=(320, 180)) as opened:
        yield opened


@pytest.fixture
def space(one_session: OpenSpace) -> OpenSpace:
    """The session, at noon of an equinox, time standing, the Earth in the middle, at its usual size."""
    one_session.time.set("2026-03-20T12:00")
    one_session.time.rate = 1
    one_session.time.pause()
    one_session.fly_to("Earth", duration=0)
    one_session.resolution = (320, 180)
    return one_session
