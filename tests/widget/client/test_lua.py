"""Values and scripts between Python and Lua."""

from __future__ import annotations

import pytest

from openspace_widget import ArgumentError, OpenSpace
from openspace_widget.client.lua import guarded, literal, plain


@pytest.mark.parametrize("script", ["return [[a]]", "return [==[ ]=] ]==]", "return 'x]'--]", "-- nothing"])
def test_any_script_can_be_guarded(space: OpenSpace, script: str) -> None:
    space.lua(script)
    assert script in guarded(script)


def test_values_cross_both_ways(space: OpenSpace) -> None:
    assert space.lua(f"return {literal([1, 'two', {'three': True}])}") == [1, "two", {"three": True}]
    assert plain({"1": 2, "2": {"a": {"1": 3}}}) == [2, {"a": [3]}]
    with pytest.raises(ArgumentError):
        literal(float("nan"))
