"""Markers tell what a test starts; a test that starts something its markers do not name fails."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
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
FOLDERS = {"tests/e2e": "browser", "tests/hub": "browser", "tests/notebooks": "process", "tests/conformance": "process"}
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
INQUIRIES = {"git", "uname"}
"""Programs that libraries ask a question as they load; they end at once."""
EVENTS = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.system"}


def kind(event: str, arguments: tuple[Any, ...]) -> str:
    """The marker that an audit event of Python asks for; empty if it starts nothing."""
    if event not in EVENTS:
        return ""
    command = arguments[1] if event == "subprocess.Popen" else arguments[:1]
    texts = [command] if isinstance(command, str | bytes | PurePath) else list(command)
    if texts and _text(texts[0]) in INQUIRIES:
        return ""
    names = {part for text in texts for part in PurePath(_text(text)).parts}
    return "browser" if names & BROWSERS else "postgres" if names & DATABASES else "process"


def _text(argument: object) -> str:
    return argument.decode(errors="replace") if isinstance(argument, bytes) else str(argument)


def missing(started: Iterable[str], markers: Iterable[str]) -> set[str]:
    """The markers that a test needs for what it ``started``, and does not have."""
    named = set(markers)
    return {each for each in started if each not in named and each not in {IMPLIED.get(name) for name in named}}


def names_of(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()}


class Watch:
    """Listens to Python's audit events while tests run."""

    def __init__(self) -> None:
        self.started: set[str] = set()
        self.by_fixture: dict[tuple[str, str], set[str]] = {}
        """What fixtures that outlive a test have started, by folder and name, for later tests that ask for them."""
        sys.addaudithook(self._on_event)
        self._watch_multiprocessing()

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if found := kind(event, arguments):
            self.started.add(found)

    def _watch_multiprocessing(self) -> None:
        """Its processes raise no audit event, unless they are forked."""
        start = BaseProcess.start

        def watched(process: BaseProcess) -> None:
            self.started.add("process")
            start(process)

        BaseProcess.start = watched  # type: ignore[method-assign]

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        before, self.started = self.started, set()
        try:
            return (yield)
        finally:
            if self.started and fixturedef.scope != "function":
                self.by_fixture[fixturedef.baseid, fixturedef.argname] = set(self.started)
            self.started |= before

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        self.started = set()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        result = yield
        for (folder, name), started in self.by_fixture.items():
            if name in getattr(item, "fixturenames", ()) and item.nodeid.startswith(folder):
                self.started |= started
        if lacking := missing(self.started, names_of(item)):
            marks = " and ".join(f"@pytest.mark.{name}" for name in sorted(lacking))
            pytest.fail(f"this test starts what its markers do not name: add {marks} (tests/markers.py)", pytrace=False)
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
