"""``openspace.print*``: lines in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openspace_server.engines.scripting.registry import function
from openspace_server.engines.scripting.text import as_text

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost


@function("", "printTrace")
def print_trace(script_host: ScriptHost, message: Any = None) -> None:
    """Log a value at the level Trace."""
    script_host.log.write("Trace", "print", as_text(message))


@function("", "printDebug")
def print_debug(script_host: ScriptHost, message: Any = None) -> None:
    """Log a value at the level Debug."""
    script_host.log.write("Debug", "print", as_text(message))


@function("", "printInfo")
def print_info(script_host: ScriptHost, message: Any = None) -> None:
    """Log a value at the level Info."""
    script_host.log.write("Info", "print", as_text(message))


@function("", "printWarning")
def print_warning(script_host: ScriptHost, message: Any = None) -> None:
    """Log a value at the level Warning."""
    script_host.log.write("Warning", "print", as_text(message))


@function("", "printError")
def print_error(script_host: ScriptHost, message: Any = None) -> None:
    """Log a value at the level Error."""
    script_host.log.write("Error", "print", as_text(message))


@function("", "printFatal")
def print_fatal(script_host: ScriptHost, message: Any = None) -> None:
    """Log a value at the level Fatal; the program continues."""
    script_host.log.write("Fatal", "print", as_text(message))
