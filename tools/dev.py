"""JupyterLab for work on the project: ``make dev``.

A change below ``js/`` is built at once and shown by the views of running notebooks; the stream page and the other pages
show it when they are loaded again. A change of ``openspace_widget`` holds from the next cell on (IPython's autoreload).
What runs in the server or in an instance is started again by hand, and a line says so.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
STAMP = ROOT / "openspace_widget" / "view" / "static" / ".sources"
SERVER = ROOT / "server_ext" / "openspace_server"
NEW_SESSION = {"engines", "instance", "geometry"}
"""Packages of the instance process, which every new session starts."""
KERNEL = """\
c.IPKernelApp.exec_lines = ["%load_ext autoreload", "%autoreload 2"]
"""
LAB = ["--ServerApp.root_dir=notebooks", "--LabApp.default_url=/lab/tree/quickstart.ipynb"]


def environment(folder: Path) -> dict[str, str]:
    """What kernels inherit: anywidget watches the built files, and IPython reads again the modules that changed."""
    profile = folder / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(KERNEL, "utf-8")
    return {**os.environ, "ANYWIDGET_HMR": "1", "IPYTHONDIR": str(folder / "ipython")}


def advice(paths: Iterable[str]) -> str:
    """What to do so that a change of these files of the server's side is used; empty if there is none."""
    changed = [Path(path).relative_to(SERVER) for path in paths if path.endswith(".py")]
    if not changed:
        return ""
    instance = all(path.parts[0] in NEW_SESSION for path in changed)
    what = "close the session and run the cell again" if instance else "end `make dev` and start it again"
    return f"{', '.join(sorted(map(str, changed)))} changed: {what}"


def watch_server() -> None:
    from watchfiles import watch

    for changes in watch(SERVER):
        if line := advice(path for _, path in changes):
            print(line, flush=True)


def main(options: list[str]) -> int:
    if importlib.util.find_spec("watchfiles") is None:
        print("make dev needs the Python package watchfiles: remove .venv/dev and call it again", file=sys.stderr)
        return 1
    STAMP.unlink(missing_ok=True)  # what is built now is not what a wheel should carry
    command = ["node", "build.mjs", "--watch"]
    with subprocess.Popen(command, cwd=ROOT / "js", stdout=subprocess.PIPE, text=True) as bundler:
        try:
            if not built(bundler):
                return bundler.wait() or 1
            threading.Thread(target=built, args=(bundler,), daemon=True).start()
            threading.Thread(target=watch_server, daemon=True).start()
            lab = [sys.executable, "-m", "jupyterlab", *LAB, *options]
            return subprocess.run(lab, cwd=ROOT, env=environment(ROOT / "dist" / "dev"), check=False).returncode
        except KeyboardInterrupt:
            return 0
        finally:
            bundler.terminate()


def built(bundler: subprocess.Popen[str]) -> bool:
    """Show what the bundler says, until it has built everything (then True) or ends."""
    assert bundler.stdout is not None
    for line in bundler.stdout:
        print(line, end="", flush=True)
        if line.startswith("watching"):
            return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
