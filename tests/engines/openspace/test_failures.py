"""What cannot work says which part of it, with the last lines of the log, and what to do."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from openspace_server.cli.doctor import _openspace
from openspace_server.engines.base import EngineContext, EngineError
from openspace_server.engines.openspace import OpenSpaceEngine
from openspace_server.engines.openspace.process.instance_folder import remove_orphans
from tests.engines.openspace.conftest import Install, left_over


def refusal(**context: int) -> str:
    engine = OpenSpaceEngine()
    engine.attach(EngineContext(**context))
    with pytest.raises(EngineError) as refused:
        engine.open(320, 180)
    engine.close()
    return str(refused.value)


def test_a_missing_openspace_says_where_was_looked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OPENSPACE_DIR", raising=False)
    assert refusal().startswith("OpenSpace was not found on PATH nor in the usual places")
    assert "set OPENSPACE_DIR" in refusal()
    monkeypatch.setenv("OPENSPACE_DIR", str(tmp_path / "nowhere"))
    assert "nowhere, but there is no OpenSpace: expected the folder that holds openspace.cfg" in refusal()


def test_it_is_found_in_the_usual_folders_and_on_the_path(
    installed: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from openspace_server.engines.openspace.process.installation import find_installation
    from openspace_server.engines.openspace.settings import OpenSpaceSettings

    base = installed("0.21.4", name="OpenSpace-0.21.4")
    monkeypatch.setenv("HOME", str(tmp_path))
    found = find_installation(OpenSpaceSettings())
    assert (found.base, found.version) == (base, "0.21.4")
    monkeypatch.setenv("PATH", str(base / "bin"), prepend=":")
    monkeypatch.setenv("HOME", "/nonexistent")
    assert find_installation(OpenSpaceSettings()).program == base / "bin" / "OpenSpace"


def test_an_unknown_profile_names_those_there_are(installed: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    base = installed()
    (base / "user" / "data" / "profiles" / "mine.profile").write_text("{}")
    monkeypatch.setenv("OPENSPACE_PROFILE", "moon")
    assert "no profile 'moon': there are mine, broken, default" in refusal()
    monkeypatch.setenv("OPENSPACE_PROFILE", "../../etc/passwd")
    assert "expected the name of a profile" in refusal()


@pytest.mark.process
def test_no_display_says_how_to_get_one(installed: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed()
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "OpenSpace needs a display, and there is no Xvfb here: install Xvfb" in refusal()
    assert not left_over(tmp_path / "tmp")


@pytest.mark.process
def test_a_broken_program_s_last_words_are_reported(installed: Install, tmp_path: Path) -> None:
    base = installed()
    program = base / "bin" / "OpenSpace"
    program.write_text("#!/bin/sh\necho 'could not create an OpenGL 4.6 context' >&2\nexit 3\n")
    output = refusal()
    assert "OpenSpace ended while loading profile 'default' (exit code 3); it last said: could not create" in output
    assert "OPENSPACE_LAUNCHER='vglrun -d egl'" in output
    program.write_text("no program")
    assert "OpenSpace" in refusal()
    assert not left_over(tmp_path / "tmp")


@pytest.mark.process
def test_one_that_is_too_old_and_one_that_never_loads_are_named(
    installed: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed("0.18.2")
    assert refusal() == "OpenSpace 0.18.2 is too old: install 0.19 or newer"
    installed(loading=60)
    monkeypatch.setenv("OPENSPACE_LOADING_TIMEOUT", "0.5")
    assert "in time" in refusal()
    assert not left_over(tmp_path / "tmp")


def test_a_taken_port_is_named(installed: Install) -> None:
    installed()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert f"port {port} for OpenSpace's API is in use" in refusal(api_port=port)


@pytest.mark.process
def test_the_doctor_says_what_was_found_and_what_is_missing(
    installed: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    base = installed("0.21.4", name="OpenSpace-0.21.4")
    assert [str(finding) for finding in _openspace("")][:2] == [
        f"✓ OpenSpace 0.21.4 in {base}",
        "✓ OpenSpace's profile default",
    ]
    monkeypatch.setenv("OPENSPACE_PROFILE", "mine")
    monkeypatch.setenv("PATH", "/nonexistent")
    output = "\n".join(map(str, _openspace("")))
    assert "✗ OpenSpace has no profile 'mine'" in output
    assert "✗ Xvfb, OpenSpace's virtual display\n    → apt-get install xvfb" in output
    monkeypatch.setenv("OPENSPACE_DIR", str(tmp_path))
    assert [finding.good for finding in _openspace("")] == [False]


def test_folders_of_instances_killed_with_their_watchdog_are_deleted_at_the_next_start(tmp_path: Path) -> None:
    gone, here, other = (tmp_path / f"openspace-instance-{owner}" for owner in ("4194305-x", f"{os.getpid()}-x", "x"))
    for folder in (gone, here, other):
        folder.mkdir()
    remove_orphans(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([here, other])
