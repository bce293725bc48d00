"""Fixtures: one JupyterLab and one Notebook 7 for all browser tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from openspace_widget import OpenSpace
from tests.e2e.lab import CHROMIUM, CHROMIUM_OPTIONS, Lab, Sheet, start_server, stop_server
from tests.e2e.stream import started


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": CHROMIUM_OPTIONS}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    options = ["--OpenSpaceExtension.share_without_login=True"]
    server = start_server(tmp_path_factory.mktemp("lab"), "jupyterlab", "lab/tree/", "LabApp", options)
    yield server
    stop_server(server)


@pytest.fixture(scope="session")
def notebook7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    server = start_server(tmp_path_factory.mktemp("nb7"), "notebook", "notebooks/", "JupyterNotebookApp")
    yield server
    stop_server(server)


@pytest.fixture
def space(lab: Lab) -> Iterator[OpenSpace]:
    """A session of its own on the JupyterLab, its time paused."""
    with started(lab) as space:
        yield space


@pytest.fixture
def open_sheet(page: Page) -> Callable[[Lab, str], Sheet]:
    page.set_viewport_size({"width": 1400, "height": 1000})
    return lambda server, path: Sheet(page, server, path).open()
