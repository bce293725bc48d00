"""Names the fault plainly if a test leaves an instance behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.render_host.helpers import alive

Started = Callable[..., list[psutil.Process]]


@pytest.fixture(autouse=True)
def started() -> Iterator[Started]:
    """The processes that the test has started itself, or with ``recursive=True`` what those started, too; none is to
    be left in the end."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}

    def new(recursive: bool = False) -> list[psutil.Process]:
        return [child for child in psutil.Process().children(recursive=recursive) if child.pid not in before]

    yield new
    left = alive(new(recursive=True))
    assert not left, left
