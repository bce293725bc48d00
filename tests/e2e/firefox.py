"""A real Firefox, spoken to by WebDriver BiDi: Playwright drives no Firefox but its own."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.helpers import wait_for

PREFERENCES: dict[str, Any] = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
}
ANSWER_TIMEOUT = 60.0


class Firefox:
    """One window."""

    def __init__(self, socket: ClientConnection) -> None:
        self._problems: list[str] = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded"])
        self._window = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command. Raises AssertionError with what Firefox says."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(ANSWER_TIMEOUT))
            if message.get("method") == "log.entryAdded" and message["params"]["level"] == "error":
                self._problems.append(str(message["params"]["text"]))
            if message.get("id") == number:
                assert message["type"] == "success", message
                result: dict[str, Any] = message["result"]
                return result

    @property
    def problems(self) -> list[str]:
        """Errors so far that pages wrote into the console or did not catch."""
        self.ask("session.status")  # what was said before its answer is known with it
        return self._problems

    def before_pages(self, script: str) -> None:
        """Run ``script`` in every page before its own."""
        self.ask("script.addPreloadScript", functionDeclaration=f"() => {{ {script} }}")

    def open(self, url: str, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self.ask("browsingContext.setViewport", context=self._window, viewport=viewport)
        self.ask("browsingContext.navigate", context=self._window, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of ``expression`` in the page, as JSON has it."""
        wanted = f"JSON.stringify([{expression}])"
        told = self.ask(
            "script.evaluate", expression=wanted, target={"context": self._window}, awaitPromise=False
        )  # fmt: skip
        assert told["type"] == "success", told
        return json.loads(told["result"]["value"])[0]

    def drag(self, x: int, y: int, across: int, down: int, steps: int) -> None:
        """Press the mouse button at a place, move by ``across`` and ``down`` pixels, and let go."""
        way = [
            {"type": "pointerMove", "x": x + across * n // steps, "y": y + down * n // steps, "duration": 20}
            for n in range(steps + 1)
        ]
        actions = [way[0], {"type": "pointerDown", "button": 0}, *way[1:], {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
        self.ask("input.performActions", context=self._window, actions=[mouse])

    def picture(self, x: int, y: int, width: int, height: int) -> bytes:
        """A part of what is seen, PNG."""
        clip = {"type": "box", "x": x, "y": y, "width": width, "height": height}
        return base64.b64decode(self.ask("browsingContext.captureScreenshot", context=self._window, clip=clip)["data"])


@contextlib.contextmanager
def firefox(profile: Path) -> Iterator[Firefox]:
    """A headless Firefox with a profile of its own in the new folder ``profile``."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("no Firefox here: tools/system-packages test installs it")
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    command = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    with (profile / "firefox.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(profile)})
    told = profile / "WebDriverBiDiServer.json"

    def listens() -> bool:
        assert process.poll() is None, (profile / "firefox.log").read_text(errors="replace")
        return told.exists() and told.read_text().rstrip().endswith("}")

    try:
        wait_for(listens, "Firefox listens", 60)
        where = json.loads(told.read_text())
        with connect(f"ws://{where['ws_host']}:{where['ws_port']}/session", max_size=None) as socket:
            yield Firefox(socket)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
