"""Flights by `openspace.pathnavigation`, with a fake engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from openspace_server.engines.scripting.sandbox import LuaError
from openspace_server.engines.scripting.script_host import ScriptHost
from tests.engines.fake_engine import FakeSceneEngine


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ScriptHost]:
    engine = FakeSceneEngine()
    engine.open(64, 36)
    host = ScriptHost(engine, tmp_path).at(100.0)
    yield host
    host.close()


@pytest.mark.parametrize(
    "path",
    [
        '{ Target = "Mars" }',
        '{ TargetType = "Node", Target = "Mars", Height = 1000000, Duration = 3 }',
        '{ TargetType = "NavigationState", NavigationState = { Anchor = "Mars", Position = {1e7, 0, 0} } }',
    ],
)
def test_a_path_is_flown_and_ended(host: ScriptHost, path: str) -> None:
    host.run_script(f"openspace.pathnavigation.createPath({path})")
    assert host.engine.flying
    assert host.run_script("return openspace.pathnavigation.isFlying()") == [True]
    host.run_script("openspace.pathnavigation.pausePath() openspace.pathnavigation.continuePath()")
    host.run_script("openspace.pathnavigation.stopPath()")
    assert not host.engine.flying


def test_a_flight_can_be_skipped(host: ScriptHost) -> None:
    host.run_script('openspace.pathnavigation.flyTo("Mars", 30)')
    host.run_script("openspace.pathnavigation.skipToEnd()")
    assert not host.engine.flying


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("createPath({ Target = 5 })", "Target must be the identifier of a node"),
        ('createPath({ Target = "Mars", Height = true })', "Height must be a Number"),
        ('createPath({ Target = "Mars", Duration = "soon" })', "Duration must be a Number"),
        ('createPath({ TargetType = "Star" })', "TargetType must be Node or NavigationState, got 'Star'"),
        ('createPath({ TargetType = "NavigationState" })', "NavigationState must be a Table"),
        ("pausePath()", "no flight is under way"),
        ("continuePath()", "no flight is under way"),
        ("stopPath()", "no flight is under way"),
        ("skipToEnd()", "no flight is under way"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(host: ScriptHost, script: str, message: str) -> None:
    with pytest.raises(LuaError, match=f"{re.escape(message)}$"):
        host.run_script(f"openspace.pathnavigation.{script}")
    assert not host.engine.flying
