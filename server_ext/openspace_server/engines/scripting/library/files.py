"""Paths, screenshots and the program itself, in the root library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from openspace_server.engines.scripting.registry import function

if TYPE_CHECKING:
    from openspace_server.engines.scripting.program import Program

OPENSPACE_VERSION = {"major": 0, "minor": 22, "patch": 0}
"""The OpenSpace whose API and scripting library this follows."""


@function("", "absPath")
def abs_path(program: Program, path: str) -> str:
    """The absolute path of a path with tokens such as ${RECORDINGS}, ${SCREENSHOTS}, ${USER}, ${TEMPORARY}."""
    return program.paths.resolve(path)


@function("", "fileExists")
def file_exists(program: Program, path: str) -> bool:
    """Whether a file exists below the user folder."""
    return program.paths.inside(path).is_file()


@function("", "directoryExists")
def directory_exists(program: Program, path: str) -> bool:
    """Whether a folder exists below the user folder."""
    return program.paths.inside(path).is_dir()


@function("", "takeScreenshot")
def take_screenshot(program: Program) -> int:
    """Write the present picture as OpenSpace_<number, 6 digits>.png to the screenshot folder; returns the number."""
    return program.screenshots.take()


@function("", "setScreenshotFolder")
def set_screenshot_folder(program: Program, new_folder: str) -> None:
    """Write screenshots to this folder, below the user folder, from now on."""
    program.paths.screenshots = Path(program.paths.inside(new_folder))


@function("", "resetScreenshotNumber")
def reset_screenshot_number(program: Program) -> None:
    """Count screenshots from 0 again."""
    program.screenshots.reset_number()


@function("", "version")
def version(program: Program) -> dict[str, Any]:
    """Which OpenSpace this follows: Version with Major, Minor and Patch, and Engine, what draws here."""
    numbers = {name.capitalize(): number for name, number in OPENSPACE_VERSION.items()}
    return {"Version": numbers, "Engine": program.engine.name}


@function("", "guiOrder")
def gui_order(program: Program) -> dict[str, Any]:
    """The order of scene nodes in a user interface; empty, as none is set here."""
    return {}


@function("", "isMaster")
def is_master(program: Program) -> bool:
    """Whether this is the master of a cluster; always true."""
    return True


@function("", "toggleShutdown")
def toggle_shutdown(program: Program) -> None:
    """Ask for the end of the program, or take that back."""
    program.quit_requested = not program.quit_requested
    program.events.publish("ApplicationShutdown", State="Started" if program.quit_requested else "Aborted")
