"""Scripting of a real session: properties, Lua, the library and events."""

from __future__ import annotations

import asyncio
import inspect
import queue
from typing import Any

import pytest

from openspace_widget import ArgumentError, LuaError, OpenSpace, UnknownPropertyError


def test_a_property_is_read_and_set(space: OpenSpace) -> None:
    uri = "Scene.Mars.Renderable.Enabled"
    space[uri] = False
    assert space[uri] is False
    space[uri] = True
    assert space[uri] is True
    assert uri in space
    assert uri in space._ipython_key_completions_()


def test_a_pattern_sets_all_that_match(space: OpenSpace) -> None:
    space["Scene.*Trail.Renderable.Enabled"] = False
    found = space.find("Scene.*Trail.Renderable.Enabled")
    assert len(found) > 5
    assert not any(each.value for each in found)
    space["Scene.*Trail.Renderable.Enabled"] = True


def test_an_unknown_property_is_a_key_error_with_near_names(space: OpenSpace) -> None:
    with pytest.raises(KeyError, match=r"did you mean.*Scene\.Earth\.Renderable\.Enabled"):
        space["Scene.Eart.Renderable.Enabled"]
    with pytest.raises(UnknownPropertyError):
        space["Scene.Eart.Renderable.Enabled"] = True
    with pytest.raises(LuaError):
        space["Scene.Earth.Renderable.Enabled"] = "perhaps"


def test_find_looks_at_uris_ends_and_names_in_any_case(space: OpenSpace) -> None:
    found = space.find("earth.renderable.*")
    assert any(each.uri == "Scene.Earth.Renderable.Enabled" for each in found)
    assert "Scene.Earth.Renderable.Enabled" in found._repr_html_()


def test_lua_errors_name_the_line_and_show_it(space: OpenSpace) -> None:
    with pytest.raises(LuaError) as failed:
        space.lua("local x = 1\n\nopenspace.time.setDeltaTime('fast')\n")
    assert failed.value.line == 3
    assert "setDeltaTime('fast')" in str(failed.value)
    with pytest.raises(LuaError) as unfinished:
        space.lua("return (")
    assert unfinished.value.line == 1
    with pytest.raises(LuaError, match=r"instructions|too long"):
        space.lua("while true do end")


def test_the_library_is_made_from_the_instances_documentation(space: OpenSpace) -> None:
    assert "setDeltaTime" in dir(space.api.time)
    assert "deltaTime" in inspect.signature(space.api.time.setDeltaTime).parameters
    assert "openspace.time.setDeltaTime" in space.api.time.setDeltaTime.__doc__
    space.api.time.setDeltaTime(deltaTime=60)
    assert space.time.rate == 60
    with pytest.raises(TypeError, match="deltaTime"):
        space.api.time.setDeltaTime()
    with pytest.raises(AttributeError, match=r"did you mean.*setDeltaTime"):
        space.api.time.setDeltaTim(1)


def test_an_event_calls_back_on_a_thread_that_may_use_the_session(space: OpenSpace) -> None:
    seen: queue.Queue[Any] = queue.Queue()
    subscription = space.on("FocusNodeChanged", lambda event: seen.put((event["NewNode"], space.focus)))
    space.focus = "Mars"
    assert seen.get(timeout=20) == ("Mars", "Mars")
    subscription.cancel()
    with pytest.raises(ArgumentError, match="FocusNodeChanged"):
        space.on("FocusChanged", print)


def test_events_can_be_iterated_over(space: OpenSpace) -> None:
    async def one() -> dict[str, Any]:
        async def turn() -> None:
            while True:
                await space.aio.set_focus("Moon")
                await space.aio.set_focus("Earth")

        turning = asyncio.create_task(turn())
        try:
            async for event in space.aio.events("FocusNodeChanged"):
                return event
        finally:
            turning.cancel()
        raise AssertionError

    assert asyncio.run(one())["event"] == "FocusNodeChanged"
