"""``%%openspace_lua``: a cell of Lua. ``%load_ext openspace_widget`` brings it."""

from __future__ import annotations

from typing import Any

from openspace_widget.errors import OpenSpaceError


def load_ipython_extension(shell: Any) -> None:
    """Called by ``%load_ext openspace_widget``."""

    def openspace_lua(line: str, cell: str) -> Any:
        """Run the cell as OpenSpace Lua; its return value is the cell's.

        The line names the variable that holds the :class:`OpenSpace`; without one it is ``space``, or the only one
        there is.
        """
        return _space(shell.user_ns, line.strip()).lua(cell)

    shell.register_magic_function(openspace_lua, "cell", "openspace_lua")


def _space(names: dict[str, Any], wanted: str) -> Any:
    from openspace_widget.space import OpenSpace

    if wanted:
        if not isinstance(names.get(wanted), OpenSpace):
            raise OpenSpaceError(
                f"%%openspace_lua: {wanted!r} is no OpenSpace; write the name of the variable with one"
            )
        return names[wanted]
    if isinstance(names.get("space"), OpenSpace):
        return names["space"]
    found = [name for name, value in names.items() if isinstance(value, OpenSpace) and not name.startswith("_")]
    if len(found) != 1:
        listed = " or ".join(sorted(found)) if found else "for example `space = OpenSpace()`, first"
        raise OpenSpaceError(f"%%openspace_lua: write which session to use after it: {listed}")
    return names[found[0]]
