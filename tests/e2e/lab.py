"""A real JupyterLab or Notebook 7 and a notebook open in a real Chromium, for tests and benchmarks."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
from playwright.sync_api import ConsoleMessage, Page
from playwright.sync_api import Error as PlaywrightError

from tests.helpers import processes_with, wait_for

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Lab:
    """One running server."""

    process: subprocess.Popen[bytes]
    url: str
    token: str
    root: Path
    log: Path
    page_path: str

    def instances(self) -> list[psutil.Process]:
        """The instance processes of this server's sessions, found by the environment they inherit."""
        return processes_with("OPENSPACE_E2E", str(self.root), "openspace_server.instance")

    def notebook(self, name: str, cells: list[str] | None = None) -> str:
        """A notebook of these cells, or a copy of the one in notebooks/ with this name; its path on the server."""
        path = self.root / name
        if cells is None:
            shutil.copy(ROOT / "notebooks" / name, path)
            return name
        kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
        sheet = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells], metadata=kernel)
        nbformat.write(sheet, path)
        return name

    def rest(self, path: str) -> Any:
        request = urllib.request.Request(
            f"{self.url}openspace/api/v1/{path}", headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def sessions(self) -> list[dict[str, Any]]:
        return list(self.rest("sessions")["sessions"])


def start_server(tmp: Path, app: str, page_path: str, expose: str, options: Sequence[str] = ()) -> Lab:
    """Start ``jupyter <app>`` with everything it writes below ``tmp``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    root = tmp / "notebooks"
    root.mkdir(parents=True)
    folders = {"HOME": "home", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data"}
    folders |= {"JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
    environment = {**os.environ, **{name: str(tmp / folder) for name, folder in folders.items()}}
    environment |= {"OPENSPACE_E2E": str(root), "JUPYTER_PREFER_ENV_PATH": "1"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    settings = tmp / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    log = tmp / "server.log"
    command = [sys.executable, "-m", app, "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={token}"]
    command += [f"--{expose}.expose_app_in_browser=True", "--ServerApp.base_url=/user/ada/", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    lab = Lab(process, f"http://127.0.0.1:{port}/user/ada/", token, root, log, page_path)

    def answers() -> bool:
        if process.poll() is not None:
            raise AssertionError(f"jupyter ended: {log.read_text()[-3000:]}")
        try:
            urllib.request.urlopen(f"{lab.url}api?token={token}", timeout=2).close()
        except OSError:
            return False
        return True

    wait_for(answers, "the server answers", 60)
    return lab


def stop_server(lab: Lab) -> None:
    lab.process.send_signal(signal.SIGTERM)
    try:
        lab.process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(lab.process.pid, signal.SIGKILL)
        lab.process.wait()
    for process in lab.instances():
        process.kill()


class Sheet:
    """A notebook open in the browser."""

    def __init__(self, page: Page, lab: Lab, path: str) -> None:
        self.page = page
        self.lab = lab
        self.path = path
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._console)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "openspace" in message.text.lower():
            self.problems.append(message.text)

    def open(self, *, reset: bool = True) -> Sheet:
        query = f"?token={self.lab.token}" + ("&reset" if reset and "lab" in self.lab.page_path else "")
        self.page.goto(f"{self.lab.url}{self.lab.page_path}{self.path}{query}")
        self.ready()
        return self

    def ready(self) -> None:
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
        self.page.wait_for_function(
            """() => { const widget = window.jupyterapp?.shell?.currentWidget;
                       const kernel = widget?.context?.sessionContext?.session?.kernel;
                       return kernel?.status === 'idle'; }""",
            timeout=60_000,
        )

    def run(self, index: int) -> None:
        """Run the code cell number ``index`` and wait for its end."""
        cell = self.page.locator(".jp-CodeCell").nth(index)
        cell.scroll_into_view_if_needed()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        prompt = cell.locator(".jp-InputPrompt")
        self.page.wait_for_function(
            "node => /\\[\\d+\\]/.test(node.textContent)", arg=prompt.element_handle(), timeout=90_000
        )

    def output(self, index: int) -> str:
        outputs = self.page.locator(".jp-CodeCell").nth(index).locator(".jp-OutputArea-output")
        return "\n".join(outputs.all_inner_texts()).strip()

    def view(self, index: int = 0) -> Any:
        return self.page.locator(".osw-view").nth(index)

    def live(self, index: int = 0, timeout: float = 60) -> None:
        """Wait until the view shows the moving picture."""
        view = self.view(index)
        view.wait_for(timeout=timeout * 1000)
        try:
            self.page.wait_for_function(
                "node => node.dataset.state === 'live'", arg=view.element_handle(), timeout=timeout * 1000
            )
        except PlaywrightError:
            state = view.get_attribute("data-state")
            raise AssertionError(f"the view is {state}: {view.inner_text()}") from None

    def frames(self, index: int = 0) -> int:
        return int(self.view(index).get_attribute("data-frames") or 0)

    def save(self) -> None:
        self.page.evaluate("() => { void window.jupyterapp.commands.execute('docmanager:save') }")
        self.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=20_000)
