"""``openspace.print*``: lines in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openspace_server.engines.scripting.registry import function
from openspace_server.engines.scripting.text import as_text

if TYPE_CHECKING:
    from openspace_server.engines.scripting.program import Program


@function("", "printTrace")
def print_trace(program: Program, message: Any = None) -> None:
    """Log a value at the level Trace."""
    program.log.write("Trace", "print", as_text(message))


@function("", "printDebug")
def print_debug(program: Program, message: Any = None) -> None:
    """Log a value at the level Debug."""
    program.log.write("Debug", "print", as_text(message))


@function("", "printInfo")
def print_info(program: Program, message: Any = None) -> None:
    """Log a value at the level Info."""
    program.log.write("Info", "print", as_text(message))


@function("", "printWarning")
def print_warning(program: Program, message: Any = None) -> None:
    """Log a value at the level Warning."""
    program.log.write("Warning", "print", as_text(message))


@function("", "printError")
def print_error(program: Program, message: Any = None) -> None:
    """Log a value at the level Error."""
    program.log.write("Error", "print", as_text(message))


@function("", "printFatal")
def print_fatal(program: Program, message: Any = None) -> None:
    """Log a value at the level Fatal; the program goes on."""
    program.log.write("Fatal", "print", as_text(message))
