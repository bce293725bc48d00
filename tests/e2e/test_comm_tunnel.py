"""The comm tunnel: frames and input pass through the kernel where the page does not reach the Jupyter server."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, WebSocketRoute

from tests.e2e.lab import Lab, Sheet
from tests.helpers import wait_for

BLOCKED = re.compile(r".*/openspace/api/.*")
CELLS = [
    "from openspace_widget import OpenSpace\nspace = OpenSpace()\nspace.wait().time.pause()",
    "space",
    "before = space.camera['Position']",
    "print(space.camera['Position'] != before)",
    "import time\nspace.time.rate = 3600\nspace.time.play()\nfor _ in range(40):\n    time.sleep(0.1)",
    "space.close()",
]


def block(page: Page) -> list[WebSocketRoute]:
    """Neither REST nor WebSockets of ours pass."""
    refused: list[WebSocketRoute] = []

    def refuse(socket: WebSocketRoute) -> None:
        refused.append(socket)
        socket.close(code=1011, reason="blocked")

    page.route(BLOCKED, lambda route: route.abort())
    page.route_web_socket(BLOCKED, refuse)
    return refused


def test_frames_and_input_pass_through_the_kernel(
    lab: Lab, open_sheet: Callable[[Lab, str], Sheet], page: Page
) -> None:
    refused = block(page)
    sheet = open_sheet(lab, lab.notebook("blocked.ipynb", CELLS))
    sheet.run(0)
    began = time.monotonic()
    sheet.run(1)
    sheet.live(timeout=30)
    print(f"through the kernel: live {time.monotonic() - began:.2f} s after the cell was run")
    view = sheet.view()
    assert view.get_attribute("data-transport") == "comm"
    assert refused, "the page had tried the server first"
    sheet.run(2)
    box = view.bounding_box()
    assert box is not None
    seen, shown = sheet.frames(), view.screenshot()
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 360, box["y"] + 190, steps=12)
    page.mouse.up()
    wait_for(lambda: sheet.frames() > seen + 2, what="frames come while the camera moves")
    wait_for(lambda: view.screenshot() != shown, what="what the page shows has changed")
    sheet.run(3)
    assert sheet.output(3) == "True"
    # This front end and this kernel pass on the page's messages while a cell runs (subshells), so frames continue.
    cell = page.locator(".jp-CodeCell").nth(4)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    wait_for(lambda: "[*]" in cell.locator(".jp-InputPrompt").inner_text(), what="the cell runs")
    seen = sheet.frames()
    wait_for(lambda: sheet.frames() > seen + 5, what="frames come while a cell runs")
    assert "[*]" in cell.locator(".jp-InputPrompt").inner_text()
    wait_for(lambda: "[*]" not in cell.locator(".jp-InputPrompt").inner_text(), what="the cell ends")
    seen = sheet.frames()
    wait_for(lambda: sheet.frames() > seen + 5, what="frames come afterwards")
    sheet.run(5)
    wait_for(lambda: view.get_attribute("data-state") == "ended", what="the view says so")
    assert not sheet.problems
