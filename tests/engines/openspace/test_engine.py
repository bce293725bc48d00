"""The openspace engine against the double, of each dialect: the contract of every engine, by OpenSpace's own means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from openspace_server.engines.base import EngineContext, EngineError, Frame, Motion, UnknownTarget
from openspace_server.engines.openspace import OpenSpaceEngine
from tests.engines.openspace.conftest import Install, left_over

pytestmark = pytest.mark.process

RELEASES = ("0.22.0", "0.21.4", "0.20.1")
PATIENCE = 15.0


@contextmanager
def opened(size: tuple[int, int] = (320, 180), **context: Any) -> Iterator[OpenSpaceEngine]:
    engine = OpenSpaceEngine()
    engine.attach(EngineContext(**context))
    try:
        engine.open(*size)
        yield engine
    finally:
        engine.close()


def now() -> float:
    return time.monotonic()


def draw_until(engine: OpenSpaceEngine, condition: Callable[[Frame], bool], what: str) -> Frame:
    end = now() + PATIENCE
    while True:
        frame = engine.draw(now())
        if condition(frame):
            return frame
        assert now() < end, what
        time.sleep(0.01)


def distance(engine: OpenSpaceEngine) -> float:
    return float(np.linalg.norm(engine.camera()["Position"]))


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_shows_and_does_the_same(release: str, installed: Install, tmp_path: Path) -> None:
    installed(release)
    with opened() as engine:
        assert engine.describe()["renderer"] == f"OpenSpace {release}"
        assert engine.describe()["api"] == ("1.0" if release == "0.22.0" else "legacy")
        first = engine.draw(now())
        assert first.pixels.shape == (180, 320, 4)
        assert first.pixels[..., :3].max() > 60, "there is something to see"
        assert (engine.focus, engine.rate, engine.paused, engine.flying) == ("Earth", 1.0, False, False)

        engine.set_paused(True, now())
        engine.set_time("2026-08-12T19:45:00+02:00", now())
        second = engine.draw(now())
        assert second.time.startswith("2026-08-12T17:45:00")
        assert np.mean(second.pixels != first.pixels) > 0.01, "the next frame shows what was set"
        draw_until(engine, lambda _: engine.paused and engine.time.startswith("2026-08-12T17:45:00"), "it is so")
        assert engine.draw(now()) is engine.draw(now()), "an unchanged picture is the same frame"
        engine.set_rate(-60, now())
        assert engine.rate == -60

        engine.fly_to("Mars", 0.3, None, now())
        assert engine.flying
        draw_until(engine, lambda _: not engine.flying, "it arrives")
        assert engine.focus == engine.camera()["Anchor"] == "Mars"
        engine.fly_to("Mars", 0, 5e7, now())
        draw_until(engine, lambda _: not engine.flying, "it arrives")
        assert distance(engine) == pytest.approx(5e7, rel=1e-3)
        kept = engine.camera()
        engine.set_focus("Moon")
        assert engine.focus == "Moon"
        engine.set_camera(kept, now())
        assert engine.focus == "Mars"
        assert engine.camera()["Position"] == pytest.approx(kept["Position"], rel=1e-6)

        with pytest.raises(UnknownTarget, match="did you mean Mars"):
            engine.fly_to("Marz", 1, None, now())
        with pytest.raises(EngineError, match="2026-13"):
            engine.set_time("2026-13-01", now())
        with pytest.raises(EngineError, match=r"Scene\.Nothing\.Fade' not found"):
            engine._navigation._scripts.call("setPropertyValueSingle", "Scene.Nothing.Fade", 1)
        with pytest.raises(EngineError, match="syntax error near 'is'"):
            engine._navigation._scripts.run("this is no Lua")
        assert "Earth" in [target.identifier for target in engine.targets()]

        drag_and_zoom(engine)
        engine.resize(400, 226)
        draw_until(engine, lambda frame: frame.pixels.shape == (226, 400, 4), "the new size")
        with pytest.raises(EngineError, match="5000 x 300 does not fit on OpenSpace's display"):
            engine.resize(5000, 300)
    assert not left_over(tmp_path / "tmp")


def drag_and_zoom(engine: OpenSpaceEngine) -> None:
    """A drag turns and does not drift, even when nothing is heard of its end."""
    before, far = engine.camera()["Position"], distance(engine)
    engine.move(Motion({"orbitX": 0.1}, is_held=True), now())

    def rests() -> bool:
        one = engine.camera()["Position"]
        time.sleep(0.05)
        return bool(one == engine.camera()["Position"] != before)

    draw_until(engine, lambda _: rests(), "the camera has turned and stands still")
    after = engine.camera()["Position"]
    cosine = np.dot(before, after) / np.linalg.norm(before) / np.linalg.norm(after)
    assert 0.5 < np.degrees(np.arccos(cosine)) < 45
    assert distance(engine) == pytest.approx(far, rel=1e-3)
    engine.move(Motion({"zoom": 0.1}), now())
    draw_until(engine, lambda _: distance(engine) < far * 0.99, "the wheel brings it nearer")
    engine.fly_to("Saturn", 20, None, now())
    engine.move(Motion({"orbitX": 0.05}, is_held=True), now())
    assert not engine.flying, "who steers takes the camera from a flight"


def test_it_says_how_far_the_start_is_and_gives_it_up_on_request(installed: Install, tmp_path: Path) -> None:
    installed(loading=60)
    progress: list[str] = []

    with (
        pytest.raises(EngineError, match="stopped while OpenSpace was loading"),
        opened(on_progress=progress.append, is_ending=lambda: bool(progress)),
    ):
        pass
    assert progress[0].startswith("OpenSpace is loading")
    assert not left_over(tmp_path / "tmp")


def test_changes_of_the_window_are_reported_at_once_and_nothing_while_there_are_none(installed: Install) -> None:
    installed()
    changes: list[float] = []
    with opened(on_changed=lambda: changes.append(now())) as engine:
        engine.set_paused(True, now())
        last = draw_until(engine, lambda frame: engine.draw(now()) is frame, "it stands still")
        assert engine.next_change(now()) == float("inf")
        changes.clear()
        engine._navigation._scripts.call("time.setTime", "2026-01-01")
        end = now() + PATIENCE
        while engine.draw(now()) is last:
            assert now() < end, "the picture changes"
            time.sleep(0.01)
        assert changes


def test_its_files_and_ports_are_its_own(installed: Install, tmp_path: Path) -> None:
    base = installed()
    (base / "openspace.cfg.override").write_text('Profile = "somebody\'s own"\n')
    before = {file: file.stat().st_mtime_ns for file in base.rglob("*")}
    with opened() as one, opened() as other:
        assert one.api_port != other.api_port
        folders = [engine._folder for engine in (one, other)]
        assert all(folder is not None and (folder.base / "settings.json").is_file() for folder in folders)
        assert folders[0] is not None
        assert "somebody's own" in (folders[0].base / "openspace.cfg.override").read_text()
        assert folders[0].root.stat().st_mode & 0o077 == 0, "nobody else looks in"
    (base / "sync").rmdir()  # made empty at the first start, shared by all
    assert {file: file.stat().st_mtime_ns for file in base.rglob("*")}.keys() == before.keys()
    assert not left_over(tmp_path / "tmp")
