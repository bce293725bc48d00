"""Markers tell what a test starts; a test that starts something its markers do not name fails."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import PurePath
from typing import Any

import pytest

MARKERS = {
    "process": "starts other processes",
    "browser": "drives a browser (also a process)",
    "postgres": "needs PostgreSQL (also a process)",
    "server": "runs a Jupyter server in the test's own process",
    "drawing": "draws with the embedded engine in the test's own process",
    "slow": "takes a second or more without any of these",
    "fast": "given to every test that has none of these: `make test-fast` runs them",
}
IMPLIED = {"browser": "process", "postgres": "process"}
FOLDERS = {
    "tests/e2e": "browser",
    "tests/hub": "browser",
    "tests/notebooks": "process",
    "tests/conformance": "process",
}
"""Folders whose tests all have a marker."""
FIXTURES = {
    "page": "browser",
    "postgres": "postgres",
    "one_session": "process",
    "opened": "drawing",
    "jp_serverapp": "server",
}
"""Fixtures that give their marker to every test that asks for them, directly or through other fixtures."""
BROWSERS = {"chromium", "chrome", "firefox", "firefox-esr", "geckodriver", "playwright"}
DATABASES = {"initdb", "postgres", "postgresql"}
INQUIRIES = {"cc", "gcc", "git", "ld", "ldconfig", "objdump", "uname"}
"""Programs that libraries ask a question as they load; they end at once."""
EVENTS = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.system"}


def command(event: str, arguments: tuple[Any, ...]) -> list[str]:
    """The command line that an audit event of Python starts; the event's name where there is none, empty if it starts
    nothing."""
    if event not in EVENTS:
        return []
    started = {"subprocess.Popen": arguments[1:2], "os.fork": [], "os.forkpty": []}.get(event, arguments[:1])
    line = started[0] if started else event
    parts = [line] if isinstance(line, str | bytes | PurePath) else line
    return [part.decode(errors="replace") if isinstance(part, bytes) else str(part) for part in parts]


def kind(line: Sequence[str]) -> str:
    """The marker that a command line asks for; empty for a program that only answers a question."""
    if not line or PurePath(line[0]).name in INQUIRIES:
        return ""
    names = {part for each in line for part in PurePath(each).parts}
    return "browser" if names & BROWSERS else "postgres" if names & DATABASES else "process"


def missing(started: Iterable[str], markers: Iterable[str]) -> set[str]:
    """The markers that a test needs for what it ``started``, and does not have."""
    named = set(markers)
    return set(started) - named - {IMPLIED.get(name) for name in named}


def names_of(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()}


class Watch:
    """Listens to Python's audit events while tests run."""

    def __init__(self) -> None:
        self.started: dict[str, str] = {}
        """By marker, a command line that asked for it."""
        self.by_fixture: dict[tuple[str, str], dict[str, str]] = {}
        """What fixtures that outlive a test have started, by folder and name, for later tests that ask for them."""
        sys.addaudithook(self._on_event)
        self._watch_multiprocessing()

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        line = command(event, arguments)
        if marker := kind(line):
            self.started[marker] = " ".join(line)[:200]

    def _watch_multiprocessing(self) -> None:
        """Its processes raise no audit event, unless they are forked."""
        start = BaseProcess.start

        def watched(process: BaseProcess) -> None:
            self.started["process"] = f"multiprocessing, {process.name}"
            start(process)

        BaseProcess.start = watched  # type: ignore[method-assign]

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        before, self.started = self.started, {}
        try:
            return (yield)
        finally:
            if self.started and fixturedef.scope != "function":
                self.by_fixture[fixturedef.baseid, fixturedef.argname] = dict(self.started)
            self.started = before | self.started

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        self.started = {}
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        result = yield
        for (folder, name), started in self.by_fixture.items():
            if name in getattr(item, "fixturenames", ()) and item.nodeid.startswith(folder):
                self.started |= started
        for marker in sorted(missing(self.started, names_of(item))):
            line = self.started[marker]
            pytest.fail(f"add @pytest.mark.{marker} (tests/markers.py): this test starts {line!r}", pytrace=False)
        return result


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.pluginmanager.register(Watch(), "openspace-markers")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        found = {marker for folder, marker in FOLDERS.items() if item.nodeid.startswith(f"{folder}/")}
        found |= {FIXTURES[name] for name in getattr(item, "fixturenames", ()) if name in FIXTURES}
        for name in (found | {IMPLIED[name] for name in (found | names_of(item)) if name in IMPLIED}) - names_of(item):
            item.add_marker(name)
        if not names_of(item) & MARKERS.keys():
            item.add_marker("fast")
