"""The check of the markers: what counts as starting something, and a test that does so without its marker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.markers import command, kind, missing

ROOT = Path(__file__).parents[1]
UNMARKED = """
import subprocess, sys
import pytest

def run():
    subprocess.run([sys.executable, "-c", ""], check=True)

@pytest.fixture(scope="module")
def server():
    run()

def test_itself(): run()
@pytest.mark.process
def test_marked(): run()
@pytest.mark.process
def test_first_by_fixture(server): pass
def test_second_by_fixture(server): pass
def test_nothing(): pass
"""


@pytest.mark.parametrize(
    ("event", "arguments", "marker"),
    [
        ("subprocess.Popen", ("python", ["python", "-m", "openspace_server.cli"], None, None), "process"),
        ("subprocess.Popen", ("/bin/sh", "sleep 1", None, None), "process"),
        ("subprocess.Popen", ("x", [b"/usr/bin/firefox-esr", "-headless"], None, None), "browser"),
        ("subprocess.Popen", ("x", ["/v/site-packages/playwright/driver/node", "cli.js"], None, None), "browser"),
        (
            "subprocess.Popen",
            ("x", ["setpriv", "/usr/lib/postgresql/15/bin/initdb"], None, None),
            "postgres",
        ),
        ("subprocess.Popen", ("x", ["/sbin/ldconfig", "-p"], None, None), ""),
        ("os.posix_spawn", ("/usr/bin/coturn", ["coturn"], {}), "process"),
        ("os.system", ("sleep 1",), "process"),
        ("os.fork", (), "process"),
        ("open", ("/etc/hosts", "r", 0), ""),
    ],
)
def test_what_starts_something(event: str, arguments: tuple[object, ...], marker: str) -> None:
    assert kind(command(event, arguments)) == marker


def test_a_browser_and_postgres_are_processes_too() -> None:
    assert missing(["process", "browser"], ["browser", "parametrize"]) == set()
    assert missing(["process", "browser"], ["process"]) == {"browser"}
    assert missing(["postgres"], []) == {"postgres"}


@pytest.mark.process
def test_a_test_that_starts_a_process_without_the_marker_fails(tmp_path: Path) -> None:
    (tmp_path / "test_unmarked.py").write_text(UNMARKED)
    arguments = ["-p", "tests.markers", "-p", "no:cacheprovider", "-p", "no:playwright", "-q", "-c", "/dev/null"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    failed = {line.split("::")[1].split(" ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED")}
    assert failed == {"test_itself", "test_second_by_fixture"}, done.stdout
    assert f"add @pytest.mark.process (tests/markers.py): this test starts '{sys.executable} -c '" in done.stdout
    assert "2 failed, 3 passed" in done.stdout
