"""Cells of Lua in IPython, at a real session."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from openspace_widget import OpenSpace


def test_a_cell_of_lua_runs_in_ipython(space: OpenSpace) -> None:
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "openspace_widget")
    shell.user_ns["mine"] = space
    assert shell.run_cell_magic("openspace_lua", "", "return 'here'") == "here"
    assert shell.run_cell_magic("openspace_lua", "mine", "return 1") == 1
    with pytest.raises(Exception, match="nothing"):
        shell.run_cell_magic("openspace_lua", "nothing", "return 1")
