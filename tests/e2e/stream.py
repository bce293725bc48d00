"""The stream page of a session, whatever the browser: started, waited for, and steered."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from playwright.sync_api import Page

from openspace_widget import OpenSpace
from tests.e2e.lab import Lab
from tests.helpers import wait_for

NO_WEBRTC = "delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection;"
NO_WEBCODECS = "delete window.VideoDecoder;"


@contextlib.contextmanager
def started(lab: Lab) -> Iterator[OpenSpace]:
    """A session of its own, seen by this process, ended afterwards."""
    request = urllib.request.Request(
        f"{lab.url}openspace/api/v1/sessions",
        data=json.dumps({"name": "stream"}).encode(),
        headers={"Authorization": f"token {lab.token}", "Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        session = json.load(answer)["id"]
    wait_for(lambda: lab.rest(f"sessions/{session}")["state"] == "RUNNING", "the session runs", 60)
    with OpenSpace(session, url=f"{lab.url}?token={lab.token}") as space:
        space.time.pause()
        yield space
    wait_for(lambda: not lab.instances(), what="all instance processes are gone")


class Steered(Protocol):
    """A page with a view, in whatever browser."""

    def frames(self) -> int: ...

    def drag(self) -> None: ...

    def picture(self) -> Any: ...


class Stream:
    """The stream page of a session."""

    def __init__(self, page: Page, lab: Lab, space: OpenSpace) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.set_viewport_size({"width": 1000, "height": 600})
        page.goto(f"{lab.url}openspace/stream/{space.session}?token={lab.token}")
        self.view = page.locator(".osw-view")
        self.view.wait_for()
        self.began = time.monotonic()

    def live(self, transport: str, timeout: float = 20) -> float:
        """Wait for the picture over ``transport``; the seconds since the view was there."""

        def there() -> bool:
            return self.of("data-state") == "live" and self.of("data-transport") == transport

        try:
            wait_for(there, timeout=timeout)
        except AssertionError:
            state = f"{self.of('data-state')} over {self.of('data-transport')}"
            raise AssertionError(f"the view is {state}: {self.view.inner_text()} {self.problems}") from None
        return time.monotonic() - self.began

    def of(self, attribute: str) -> str | None:
        return self.view.get_attribute(attribute)

    def frames(self) -> int:
        return int(self.of("data-frames") or 0)

    def drag(self) -> None:
        mouse = self.page.mouse
        mouse.move(500, 280)
        mouse.down()
        mouse.move(660, 320, steps=12)
        mouse.up()

    def picture(self) -> Any:
        return self.page.screenshot(clip={"x": 200, "y": 100, "width": 600, "height": 300})


def position(space: OpenSpace) -> np.ndarray:
    return np.array(space.camera["Position"])


def steers(stream: Steered, space: OpenSpace) -> None:
    """A drag moves the camera at the instance and the picture on the page."""
    before, seen, shown = position(space), stream.frames(), stream.picture()
    stream.drag()
    wait_for(lambda: stream.frames() > seen + 5, what="frames are presented while the camera moves")

    def angle() -> float:
        after = position(space)
        return float(np.degrees(np.arccos(before @ after / np.linalg.norm(before) / np.linalg.norm(after))))

    wait_for(lambda: angle() > 1, what="the drag moves the camera")
    wait_for(lambda: stream.picture() != shown, what="what the page shows has changed")
