"""Paths, screenshots, version and shutdown, in the root library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from openspace_server.engines.scripting.registry import function

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost

OPENSPACE_VERSION = {"major": 0, "minor": 22, "patch": 0}
"""The OpenSpace whose API and scripting library this follows."""


@function("", "absPath")
def abs_path(script_host: ScriptHost, path: str) -> str:
    """The absolute path of a path with tokens such as ${RECORDINGS}, ${SCREENSHOTS}, ${USER}, ${TEMPORARY}."""
    return script_host.paths.resolve(path)


@function("", "fileExists")
def file_exists(script_host: ScriptHost, path: str) -> bool:
    """Whether a file exists below the user folder."""
    return script_host.paths.inside(path).is_file()


@function("", "directoryExists")
def directory_exists(script_host: ScriptHost, path: str) -> bool:
    """Whether a folder exists below the user folder."""
    return script_host.paths.inside(path).is_dir()


@function("", "takeScreenshot")
def take_screenshot(script_host: ScriptHost) -> int:
    """Write the frame drawn last as OpenSpace_<number, 6 digits>.png to the screenshot folder; returns the number."""
    return script_host.screenshots.take()


@function("", "setScreenshotFolder")
def set_screenshot_folder(script_host: ScriptHost, new_folder: str) -> None:
    """Write screenshots to this folder, below the user folder, from now on."""
    script_host.paths.screenshots = Path(script_host.paths.inside(new_folder))


@function("", "resetScreenshotNumber")
def reset_screenshot_number(script_host: ScriptHost) -> None:
    """Count screenshots from 0 again."""
    script_host.screenshots.reset_number()


@function("", "version")
def version(script_host: ScriptHost) -> dict[str, Any]:
    """Which OpenSpace this follows: Version with Major, Minor and Patch, and Engine, what draws here."""
    numbers = {name.capitalize(): number for name, number in OPENSPACE_VERSION.items()}
    return {"Version": numbers, "Engine": script_host.engine.name}


@function("", "guiOrder")
def gui_order(script_host: ScriptHost) -> dict[str, Any]:
    """The order of scene nodes in a user interface; empty, as none is set here."""
    return {}


@function("", "isMaster")
def is_master(script_host: ScriptHost) -> bool:
    """Whether this is the master of a cluster; always true."""
    return True


@function("", "toggleShutdown")
def toggle_shutdown(script_host: ScriptHost) -> None:
    """Request the end of the program, or withdraw the request."""
    script_host.quit_requested = not script_host.quit_requested
    script_host.events.publish("ApplicationShutdown", State="Started" if script_host.quit_requested else "Aborted")
