"""The environment of an instance process, and the description of its exit."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from openspace_server.render_host.instance_process import InstanceProcess
from openspace_server.render_host.logs import last_line
from openspace_server.render_host.settings import SECRET_VARIABLE

TELL = "import json, os; print(json.dumps(dict(os.environ)), flush=True)"


def environment(folder: Path) -> dict[str, str]:
    async def spawn() -> dict[str, str]:
        process = await InstanceProcess.spawn([sys.executable, "-c", TELL], folder / "log")
        found = [event async for event in process.events()]
        await process.end(0)
        return found[0]

    return asyncio.run(spawn())


@pytest.mark.process
def test_products_of_points_and_matrices_use_one_thread_unless_the_host_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert environment(tmp_path)["OPENBLAS_NUM_THREADS"] == "1"
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "3")
            assert {key: value for key, value in environment(tmp_path).items() if "NUM_THREADS" in key} == {name: "3"}


@pytest.mark.process
def test_the_hosts_secret_stays_with_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "s" * 32)
    assert SECRET_VARIABLE not in environment(tmp_path)


def test_what_went_fine_is_not_told_as_the_cause_of_an_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    fine = "2026-11-21 21:55:21,279 INFO openspace_server.instance: viewer ended\n\n"
    log.write_text(fine)
    assert last_line(log) == ""
    log.write_text(f"Segmentation fault\n{fine}")
    assert last_line(log) == "Segmentation fault"
