"""The parts of `make dev` that need no browser; tests/e2e/test_dev.py tries it in JupyterLab."""

from __future__ import annotations

from pathlib import Path

import pytest

from openspace_widget.view import widget
from tools import dev


def test_kernels_reload_modules_and_watch_the_built_files(tmp_path: Path) -> None:
    environment = dev.environment(tmp_path)
    assert environment["ANYWIDGET_HMR"] == "1"
    configuration = Path(environment["IPYTHONDIR"]) / "profile_default" / "ipython_kernel_config.py"
    assert configuration.read_text() == 'c.IPKernelApp.exec_lines = ["%load_ext autoreload", "%autoreload 2"]\n'


def test_the_view_is_a_path_where_it_is_watched_and_text_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANYWIDGET_HMR", raising=False)
    text = widget._static("widget.js")
    assert isinstance(text, str)
    monkeypatch.setenv("ANYWIDGET_HMR", "1")
    path = widget._static("widget.js")
    assert isinstance(path, Path)
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (["instance/main.py"], "instance/main.py changed: close the session and run the cell again"),
        (["jupyter/app.py"], "jupyter/app.py changed: end `make dev` and start it again"),
        (
            ["protocols/viewer.py", "engines/base.py"],
            "engines/base.py, protocols/viewer.py changed: end `make dev` and start it again",
        ),
        (["jupyter/static/page.js"], ""),
    ],
)
def test_what_does_not_reload_itself_says_what_to_do(changed: list[str], line: str) -> None:
    assert dev.advice([str(dev.SERVER / each) for each in changed]) == line
