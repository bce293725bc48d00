"""The pages of docs/architecture: what they name exists, and their lines are short."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "architecture"
PAGES = sorted(path.name for path in FOLDER.glob("*.md"))
STARTS = ("", "openspace_widget/", "server_ext/openspace_server/")
"""Where names of files begin."""
ENDINGS = ("py", "ts", "mjs", "yaml", "md", "sql")
COLUMNS = 100
CLASSES = re.compile(r"^(?:export )?(?:default )?(?:abstract )?(?:class|interface) (\w+)", re.M)
MEMBER = r"^    (?:async )?(?:def {0}\(|{0}\b.*[:=])|^  (?:async |readonly |get |static )*#?{0}\b"
FOREIGN = {"HttpOnly", "NumberOfDataPoints"}
"""Names that look like classes of ours."""


def quoted(page: str) -> set[str]:
    """What stands in backquotes, fenced blocks left out."""
    text = re.sub(r"^```.*?^```", "", (FOLDER / page).read_text("utf-8"), flags=re.M | re.S)
    return {re.sub(r"\s+", " ", each) for each in re.findall(r"`([^`]+)`", text)}


@cache
def sources() -> dict[str, str]:
    names = subprocess.check_output(["git", "ls-files", *("openspace_widget", "server_ext", "js")], cwd=ROOT, text=True)
    files = [name for name in names.splitlines() if name.endswith((".py", ".ts")) and (ROOT / name).exists()]
    return {name: (ROOT / name).read_text("utf-8") for name in files}


@cache
def classes() -> dict[str, str]:
    """The text of the file of every class and interface."""
    return {name: text for text in sources().values() for name in CLASSES.findall(text)}


def there(name: str) -> bool:
    return any((ROOT / start / name).exists() for start in STARTS)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_folder_that_a_page_names_is_there(page: str) -> None:
    named = {name for name in quoted(page) if re.fullmatch(rf"[\w./-]+\.(?:{'|'.join(ENDINGS)})|[\w./-]+\w/", name)}
    missing = {name for name in named if not name.startswith("/") and not there(name)}
    if page == "index.md":  # folders within the package that begins the line
        missing -= {name for name in missing if any(Path(each).parent.name == name[:-1] for each in sources())}
        missing -= {name for name in missing if any(each.endswith(f"/{name}") for each in sources())}
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_every_class_that_a_page_names_is_there_and_has_the_member(page: str) -> None:
    for name in quoted(page):
        match = re.fullmatch(r"([A-Z][a-z]\w*[A-Za-z])(?:\.([a-z_]\w*))?(?:\(\))?", name)
        if match is None or match[1] in FOREIGN or match[1].isupper():
            continue
        if not re.search(r"[a-z][A-Z]", match[1]) and match[2] is None and match[1] not in classes():
            continue  # a word such as Origin: a header, no class
        assert match[1] in classes(), f"{page}: {name}"
        if match[2] is not None:
            assert re.search(MEMBER.format(match[2]), classes()[match[1]], re.M), f"{page}: {name}"


@pytest.mark.parametrize("page", PAGES)
def test_lines_are_short(page: str) -> None:
    lines = enumerate((FOLDER / page).read_text("utf-8").splitlines(), 1)
    assert not [number for number, line in lines if len(line) > COLUMNS]


def test_the_map_is_in_the_documentation_and_names_its_pages() -> None:
    index = (FOLDER / "index.md").read_text("utf-8")
    listed = re.search(r"```\{toctree\}\n(?::[^\n]*\n)*\n(.*?)```", index, re.S)
    assert listed is not None
    assert {f"{name}.md" for name in listed[1].split()} | {"index.md"} == set(PAGES)
    assert "architecture/index" in (ROOT / "docs" / "index.md").read_text("utf-8")
