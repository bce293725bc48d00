"""The stream page in a real Firefox: a picture comes, and a drag steers. Debian's Firefox has no H.264 for WebRTC."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from openspace_widget import OpenSpace
from tests.e2e.firefox import Firefox, firefox
from tests.e2e.lab import Lab
from tests.e2e.stream import NO_WEBCODECS, steers
from tests.helpers import wait_for


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Firefox]:
    with firefox(tmp_path / "firefox") as browser:
        yield browser


class FirefoxStream:
    """The stream page of a session; what :func:`steers` needs of one."""

    def __init__(self, browser: Firefox, lab: Lab, space: OpenSpace) -> None:
        self.browser = browser
        browser.open(f"{lab.url}openspace/stream/{space.session}?token={lab.token}", 1000, 600)
        self.began = time.monotonic()

    def live(self, transport: str) -> float:
        """Wait for the picture over ``transport``; the seconds since the page was loaded."""

        def there() -> bool:
            return bool(self.of("state") == "live" and self.of("transport") == transport)

        wait_for(there, lambda: f"live over {transport}: {self.of('state')}, {self.browser.problems}")
        return time.monotonic() - self.began

    def of(self, name: str) -> str | None:
        found: str | None = self.browser.evaluate(f"document.querySelector('.osw-view')?.dataset.{name} ?? null")
        return found

    def frames(self) -> int:
        return int(self.of("frames") or 0)

    def drag(self) -> None:
        self.browser.drag(500, 280, 160, 40, steps=12)

    def picture(self) -> bytes:
        return self.browser.picture(200, 100, 600, 300)


@pytest.mark.parametrize(("missing", "transport"), [("", "websocket"), (NO_WEBCODECS, "images")])
def test_picture_and_input_arrive_in_firefox(
    lab: Lab, browser: Firefox, space: OpenSpace, missing: str, transport: str
) -> None:
    if missing:
        browser.before_pages(missing)
    stream = FirefoxStream(browser, lab, space)
    print(f"Firefox, {transport}: live after {stream.live(transport):.2f} s")
    steers(stream, space)
    assert not browser.problems
