"""Imports run downward only (docs/architecture/index.md): between packages, and between the layers inside them."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WIDGET = ROOT / "openspace_widget"
SERVER = ROOT / "server_ext" / "openspace_server"
PACKAGES = {
    "protocols": set(),
    "geometry": set(),
    "sockets": {"protocols"},
    "engines": {"geometry", "protocols"},
    "instance": {"engines", "protocols", "sockets"},
    "render_host": {"protocols", "sockets"},
    "orchestrator": {"protocols", "sockets"},
    "jupyter": {"orchestrator", "protocols", "sockets"},
}
LAYERS = {
    "openspace_widget": """
        deprecation, errors < typing, units < client < frames, points, scripting, sharing, stats, timeline
        < tour, view < navigation < aio < space < magic, traits, widget
    """,
    "openspace_server/engines": """
        base < ephemeris_time, point_engine, properties, user_files < scene_engine < recording < scripting
        < embedded, openspace
    """,
    "openspace_server/engines/embedded": """
        sky < camera < graphics < scene_graph < points < scene < camera_api < scene_api < engine
    """,
    "openspace_server/engines/openspace": "settings < api, process < points, window < engine",
    "openspace_server/instance": """
        process, streaming < drawing < viewers < instance < transports < api < main < __main__
    """,
    "openspace_server/orchestrator": """
        errors, settings, periodic < store < metrics, migrations < hosts < allocation < sessions < admin < orchestrator
    """,
    "openspace_server/render_host": """
        access, logs, published_signaling, settings < instance_process, offers < slots < gateway, supervisor < host
        < agent
    """,
}
"""From the bottom up. A module or folder may import what stands to its left; those between two commas know nothing of
each other. A package's own ``__init__`` may import everything in it."""
GRABBER = SERVER / "engines" / "openspace" / "window" / "screen_grabber.py"
"""Takes the picture off the screen by PyAV, and is the only module of an engine that may use it."""
FORBIDDEN_LIBRARIES = {
    "protocols": {"aiortc", "asyncio", "av", "panda3d", "socket", "tornado"},
    "geometry": {"aiortc", "asyncio", "av", "cv2", "panda3d", "socket", "tornado"},
    "engines": {"aiortc", "av", "tornado"},
    "orchestrator": {"aiortc", "av", "numpy", "panda3d"},
    "instance/streaming": {"erfa", "panda3d"},
}


@functools.cache
def imported(path: Path, annotations: bool = True) -> frozenset[str]:
    """Full names of the modules that ``path`` imports, at whatever depth; without ``annotations`` not those that only
    a type checker sees."""
    return frozenset(_imports(ast.parse(path.read_text("utf-8")), annotations))


def _imports(node: ast.AST, annotations: bool) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "relative import"
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif annotations or not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _imports(child, annotations)


def folder_of(package: str) -> Path:
    return ROOT / package if package.startswith("openspace_widget") else SERVER.parent / package


@functools.cache
def parts(package: str) -> frozenset[str]:
    """The modules and folders of ``package``."""
    found = folder_of(package).iterdir()
    return frozenset(path.stem for path in found if path.suffix == ".py" or path.is_dir())


def inner(name: str, package: str) -> str:
    """The module or folder of ``package`` that the full ``name`` stands for; empty if it is another package's."""
    start = package.replace("/", ".") + "."
    first = name.removeprefix(start).split(".")[0]
    return first if name.startswith(start) and first in parts(package) else ""


def upward(package: str) -> dict[str, set[str]]:
    """What each file of ``package`` imports from its own layer's neighbours or from above."""
    layers = [{name.strip() for name in layer.split(",")} for layer in LAYERS[package].split("<")]
    height = {name: number for number, layer in enumerate(layers) for name in layer}
    found: dict[str, set[str]] = {}
    for path in sorted(folder_of(package).rglob("*.py")):
        relative = path.relative_to(folder_of(package))
        own = relative.parts[0].removesuffix(".py")
        if own in ("__init__", "data"):
            continue
        assert own in height, f"{package}/{relative} has no layer in LAYERS"
        used = {inner(name, package) for name in imported(path)} - {"", own}
        if above := {name for name in used if height[name] >= height[own]}:
            found[f"{package}/{relative.as_posix()}"] = above
    return found


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_server_package_imports_only_packages_below_it(package: str) -> None:
    files = list((SERVER / package).rglob("*.py"))
    assert files, f"no such package: {package}"
    packages = {folder.name for folder in SERVER.iterdir() if folder.is_dir()}
    for path in files:
        used = {name.split(".")[1] for name in imported(path) if name.startswith("openspace_server.")} & packages
        assert used <= PACKAGES[package] | {package}, path


@pytest.mark.parametrize("package", sorted(LAYERS))
def test_a_layer_imports_only_layers_below_it_not_even_for_annotations(package: str) -> None:
    assert upward(package) == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = dict(_modules())
    graph = {
        name: {_module(used, modules) for used in imported(path, annotations=False)} - {"", name}
        for name, path in modules.items()
    }
    assert circles(graph) == []


def _modules() -> Iterator[tuple[str, Path]]:
    for base, package in ((ROOT, WIDGET), (SERVER.parent, SERVER)):
        for path in package.rglob("*.py"):
            name = ".".join(path.relative_to(base).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def _module(name: str, modules: dict[str, Path]) -> str:
    """The module that a full ``name`` is or stands in; empty for those of others."""
    return name if name in modules else (parent if (parent := name.rpartition(".")[0]) in modules else "")


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Sets of two or more nodes that all reach each other (Tarjan's strongly connected components)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        number[node] = lowest[node] = len(number)
        stack.append(node)
        for following in graph[node]:
            if following not in number:
                visit(following)
            if following in stack:
                lowest[node] = min(lowest[node], lowest[following])
        if lowest[node] == number[node]:
            component = set(stack[stack.index(node) :])
            del stack[stack.index(node) :]
            if len(component) > 1:
                found.append(component)

    for node in graph:
        if node not in number:
            visit(node)
    return found


@pytest.mark.parametrize("package", sorted(FORBIDDEN_LIBRARIES))
def test_a_package_imports_no_library_that_is_not_its_business(package: str) -> None:
    for path in (SERVER / package).rglob("*.py"):
        used = {name.split(".")[0] for name in imported(path)}
        allowed = {"av"} if path == GRABBER else set()
        assert not used & FORBIDDEN_LIBRARIES[package] - allowed, path


def test_the_notebook_side_imports_only_the_protocols_and_the_geometry() -> None:
    for path in WIDGET.rglob("*.py"):
        used = {name for name in imported(path) if name.startswith("openspace_server.")}
        assert all(name.split(".")[1] in ("protocols", "geometry", "__version__") for name in used), path
