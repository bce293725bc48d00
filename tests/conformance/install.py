"""Installs the official clients, each in an environment of its own, in a cache that later runs reuse.

``python -m tests.conformance.install`` does it ahead of the tests; the tests do it themselves otherwise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

CACHE = Path(os.environ.get("OPENSPACE_CONFORMANCE", Path(__file__).parents[2] / ".venv-conformance"))
TIMEOUT = 300


def python_client(version: str) -> Path:
    """The interpreter of an environment with PyPI's openspace-api of that version."""
    folder = CACHE / f"python-{version}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _run(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"openspace-api=={version}"]
        )
        (folder / "complete").touch()
    return python


def node_client() -> Path:
    """A folder whose node_modules hold npm's openspace-api-js 0.1.6, and ws as the WebSocket that node lacks."""
    folder = CACHE / "node"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"private": true}\n')
        _run(["npm", "install", "--no-audit", "--no-fund", "--silent", "openspace-api-js@0.1.6", "ws@8.18.0"], folder)
        (folder / "complete").touch()
    return folder


def _run(command: list[str], folder: Path | None = None) -> None:
    subprocess.run(command, cwd=folder, check=True, timeout=TIMEOUT, stdout=sys.stderr)


if __name__ == "__main__":
    for each in ("0.9.1", "0.1.3"):
        print(python_client(each))
    print(node_client())
