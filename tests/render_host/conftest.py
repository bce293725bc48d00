"""Names the fault plainly if a test leaves an instance behind."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from tests.render_host.helpers import alive


@pytest.fixture(autouse=True)
def _no_process_left_behind() -> Iterator[None]:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left = alive([c for c in psutil.Process().children(recursive=True) if c.pid not in before])
    assert not left, left
