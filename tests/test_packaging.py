"""The wheel: complete, and enough without Node."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(target.glob("*.whl"))


def test_the_wheel_contains_the_built_javascript_the_data_and_the_migrations(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in (
        "openspace_widget/view/static/widget.js",
        "openspace_widget/view/static/widget.css",
        "openspace_widget/py.typed",
        "openspace_server/jupyter/static/page.js",
        "openspace_server/jupyter/static/page.css",
        "openspace_server/jupyter/static/pages/admin.js",
        "openspace_server/jupyter/static/pages/door.js",
        "openspace_server/jupyter/static/pages/home.js",
        "openspace_server/jupyter/static/pages/wait.js",
        "openspace_server/jupyter/static/pages/pages.css",
        "openspace_server/orchestrator/migrations/env.py",
        "etc/jupyter/jupyter_server_config.d/openspace_server.json",
        "licenses/NOTICE",
    ):
        assert any(name.endswith(part) for name in names), part
    assert any(name.startswith("openspace_server/engines/embedded/data/") for name in names)
    assert not any("node_modules" in name or name.startswith(("tests/", "js/")) for name in names)


def test_an_installed_wheel_enables_the_server_extension_without_node(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "fresh"
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    packages = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    # Our dependencies come from the environment of the tests; our own code from the wheel alone.
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (Path(packages) / "borrowed.pth").write_text("\n".join(borrowed))
    environment = {**os.environ, "PATH": f"{python.parent}{os.pathsep}/usr/bin{os.pathsep}/bin", "HOME": str(tmp_path)}
    environment.pop("PYTHONPATH", None)
    install = [python, "-m", "pip", "install", "--no-deps", "--ignore-installed", "--quiet", str(wheel)]
    subprocess.run(install, env=environment, check=True)
    # What `jupyter server extension list` runs; the command itself belongs to the borrowed packages.
    code = "from jupyter_server.extension.serverextension import main; main()"
    listed = subprocess.run([python, "-c", code, "list"], env=environment, capture_output=True, text=True)
    text = re.sub(r"\x1b\[\d+m", "", listed.stdout + listed.stderr)
    assert re.search(r"openspace_server\s+enabled", text), text
    assert re.search(r"openspace_server \S+ OK", text), text
    where = subprocess.check_output(
        [python, "-c", "import openspace_widget, openspace_server; print(openspace_widget.__file__)"],
        env=environment,
        text=True,
        cwd=tmp_path,
    )
    assert str(place) in where
