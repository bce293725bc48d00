"""Imports run downward only (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SERVER = ROOT / "server_ext" / "openspace_server"
ALLOWED = {
    "protocols": set(),
    "geometry": set(),
    "sockets": {"protocols"},
    "engines": {"geometry", "protocols"},
    "instance": {"engines", "protocols", "sockets"},
    "render_host": {"protocols", "sockets"},
    "orchestrator": {"protocols", "sockets"},
    "jupyter": {"orchestrator", "protocols", "sockets"},
}
GRABBER = SERVER / "engines" / "openspace" / "window" / "screen_grabber.py"
"""Takes the picture off the screen by PyAV, and is the only module of an engine that may use it."""
FORBIDDEN_LIBRARIES = {
    "protocols": {"aiortc", "asyncio", "av", "panda3d", "socket", "tornado"},
    "geometry": {"aiortc", "asyncio", "av", "cv2", "panda3d", "socket", "tornado"},
    "engines": {"aiortc", "av", "tornado"},
    "orchestrator": {"aiortc", "av", "numpy", "panda3d"},
    "instance/streaming": {"erfa", "panda3d"},
}


def imported(path: Path) -> set[str]:
    """Full names of the modules that ``path`` imports, at whatever depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_server_package_imports_only_what_lies_below_it(package: str) -> None:
    files = list((SERVER / package).rglob("*.py"))
    assert files, f"no such package: {package}"
    for path in files:
        used = {name.split(".")[1] for name in imported(path) if name.startswith("openspace_server.")}
        used &= {folder.name for folder in SERVER.iterdir() if folder.is_dir()}
        assert used <= ALLOWED[package] | {package}, path


@pytest.mark.parametrize("package", sorted(FORBIDDEN_LIBRARIES))
def test_a_package_keeps_away_from_what_is_not_its_business(package: str) -> None:
    for path in (SERVER / package).rglob("*.py"):
        used = {name.split(".")[0] for name in imported(path)}
        allowed = {"av"} if path == GRABBER else set()
        assert not used & FORBIDDEN_LIBRARIES[package] - allowed, path


def test_the_notebook_side_knows_only_the_protocols_and_the_geometry() -> None:
    for path in (ROOT / "openspace_widget").rglob("*.py"):
        used = {name for name in imported(path) if name.startswith("openspace_server.")}
        assert all(name.split(".")[1] in ("protocols", "geometry", "__version__") for name in used), path
