"""IPython magic ``%%openspace_lua``: a cell of Lua. ``%load_ext openspace_widget`` loads it."""

from __future__ import annotations

from typing import Any

from openspace_widget.errors import OpenSpaceError
from openspace_widget.space import OpenSpace


def load_ipython_extension(shell: Any) -> None:
    """Called by ``%load_ext openspace_widget``."""

    def openspace_lua(line: str, cell: str) -> Any:
        """Run the cell as OpenSpace Lua; its return value is the cell's.

        The line names the variable that holds the :class:`OpenSpace`; without one it is ``space``, or the only one
        there is.
        """
        return _space(shell.user_ns, line.strip()).lua(cell)

    shell.register_magic_function(openspace_lua, "cell", "openspace_lua")


def _space(names: dict[str, Any], name: str) -> Any:
    if name:
        if not isinstance(names.get(name), OpenSpace):
            raise OpenSpaceError(f"%%openspace_lua: {name!r} is no OpenSpace; write the name of the variable with one")
        return names[name]
    if isinstance(names.get("space"), OpenSpace):
        return names["space"]
    found = [each for each, value in names.items() if isinstance(value, OpenSpace) and not each.startswith("_")]
    if len(found) != 1:
        listed = " or ".join(sorted(found)) if found else "for example `space = OpenSpace()`, first"
        raise OpenSpaceError(f"%%openspace_lua: write which session to use after it: {listed}")
    return names[found[0]]
