"""`make dev`: a change of TypeScript shows in the view of a running notebook, a change of Python in the next cell."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

from tests.e2e.lab import ROOT, Lab, Sheet
from tests.helpers import wait_for

CELLS = ["from openspace_widget import OpenSpace\nspace = OpenSpace()\nspace", "space.new_word"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The sources, copied, so that the test may change them."""
    folder = tmp_path / "checkout"
    skip = shutil.ignore_patterns("node_modules", "static", "__pycache__")
    for name in ("js", "openspace_widget", "server_ext", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    (folder / "js" / "node_modules").symlink_to(ROOT / "js" / "node_modules")
    sheet = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    sheet.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    (folder / "notebooks").mkdir()
    nbformat.write(sheet, folder / "notebooks" / "dev.ipynb")
    return folder


@pytest.fixture
def dev(checkout: Path, tmp_path: Path) -> Iterator[Lab]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    names = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "XDG_CACHE_HOME")
    environment = {**os.environ, **{name: str(tmp_path / name.lower()) for name in names}}
    environment |= {"OPENSPACE_E2E": str(checkout), "JUPYTER_PREFER_ENV_PATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    environment["PYTHONPATH"] = os.pathsep.join([str(checkout), str(checkout / "server_ext")])
    command = [sys.executable, "tools/dev.py", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", "--IdentityProvider.token=t", "--LabApp.expose_app_in_browser=True"]
    process = subprocess.Popen(
        command, cwd=checkout, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    said: list[str] = []
    assert process.stdout is not None
    threading.Thread(target=lambda: said.extend(process.stdout or []), daemon=True).start()
    lab = Lab(process, f"http://127.0.0.1:{port}/", "t", checkout, tmp_path / "log", "lab/tree/")  # type: ignore[arg-type]
    try:
        wait_for(lambda: any("is running at" in line for line in said), lambda: "".join(said), 90)
        yield lab
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        for left in lab.instances():
            left.kill()


def test_a_change_of_the_sources_shows_in_a_running_notebook(dev: Lab, checkout: Path, page: Page) -> None:
    sheet = Sheet(page, dev, "dev.ipynb").open()
    sheet.run(0)
    sheet.live()
    edit(
        checkout / "js" / "widget.ts",
        "  const view = new View(",
        '  el.dataset.changed = "yes";\n  const view = new View(',
    )
    page.locator("[data-changed=yes] .osw-view[data-state=live]").wait_for(timeout=30_000)
    edit(checkout / "openspace_widget" / "space.py", "    def close(", '    new_word = "reloaded"\n\n    def close(')
    sheet.run(1)
    assert sheet.output(1) == "'reloaded'"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
