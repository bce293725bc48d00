"""Every example in the docstrings of the notebook side runs, against a real session called ``space``."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import openspace_widget
from openspace_widget import OpenSpace

MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(openspace_widget.__path__, "openspace_widget.")
]
EXAMPLES = [
    example
    for module in MODULES
    for example in doctest.DocTestFinder(exclude_empty=True).find(module, module.__name__)
    if example.examples
]


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=[example.name.removeprefix("openspace_widget.") for example in EXAMPLES]
)
def test_the_example_gives_what_it_says(
    example: doctest.DocTest, space: OpenSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    example.globs = {"space": space, "OpenSpace": OpenSpace}
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    result = runner.run(example, out=said.append, clear_globs=False)
    assert result.failed == 0, "".join(said)
