"""What pyproject.toml promises, and what repeats it elsewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from trove_classifiers import classifiers

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
FOR_DEVELOPERS = {"dev", "docs"}


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


@pytest.mark.parametrize("extra", ["", *PROJECT["optional-dependencies"]])
def test_what_is_required_is_pinned_within_its_bounds(extra: str) -> None:
    texts = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    for requirement in map(Requirement, texts):
        if requirement.name != PROJECT["name"]:
            version = pinned().get(canonicalize_name(requirement.name))
            assert version, f"constraints.txt has no {requirement.name}: run `make constraints`"
            assert requirement.specifier.contains(version), f"{requirement} and {version} in constraints.txt"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "tests/README.md", "docs/development/releasing.md"])
def test_every_make_target_that_a_page_names_is_there(page: str) -> None:
    named = set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)(?=[`  ])", (ROOT / page).read_text("utf-8")))
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert named
    assert named <= there


def test_the_classifiers_are_known_and_name_the_versions_of_python_that_make_takes() -> None:
    assert set(PROJECT["classifiers"]) <= classifiers
    named = {each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", each)}
    script = (ROOT / "tools" / "find-python").read_text("utf-8")
    assert named == {f"3.{minor}" for minor in range(11, 15)}
    assert "(3, 11) <= sys.version_info[:2] < (3, 15)" in script


def test_the_hooks_before_a_commit_download_nothing() -> None:
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]:
        assert repository["repo"] == "local"
        assert {hook["language"] for hook in repository["hooks"]} == {"system"}


def test_the_install_page_lists_the_extras() -> None:
    page = (ROOT / "docs" / "install.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)` \| ", page, re.M)
    assert listed == [name for name in PROJECT["optional-dependencies"] if name not in FOR_DEVELOPERS]


def test_the_install_page_names_what_each_extra_brings() -> None:
    page = (ROOT / "docs" / "install.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, re.M))
    words = {"ipykernel": "python kernel"}
    for extra, brings in rows.items():
        for requirement in map(Requirement, PROJECT["optional-dependencies"][extra]):
            assert words.get(requirement.name, requirement.name) in brings.casefold(), (extra, requirement.name)
