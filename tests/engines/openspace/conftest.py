"""OpenSpace as an engine needs a display; where there is none, these tests cannot run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines.openspace.installed import install
from tests.helpers import processes_with

Install = Callable[..., Path]


@pytest.fixture(autouse=True)
def xvfb() -> None:
    if shutil.which("Xvfb") is None:
        pytest.fail("Xvfb is missing: run tools/system-packages test")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs the double; everything started and made by the test is to be gone in the end."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)

    def make(version: str = "0.22.0", loading: float = 0.1, name: str = "OpenSpace") -> Path:
        folder = install(tmp_path / name, version, loading)
        monkeypatch.setenv("OPENSPACE_DIR", str(folder))
        return folder

    yield make
    monkeypatch.setattr("tempfile.tempdir", None)


def left_over(temporary: Path) -> list[str]:
    """Processes that had ``temporary`` as folder for temporary files, and what they left in it."""
    running = [each for each in processes_with("TMPDIR", str(temporary)) if each.pid != os.getpid()]
    return [str(each) for each in (*temporary.glob("openspace-instance-*"), *running)]
