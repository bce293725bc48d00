"""Pins: ``constraints.txt`` from what is installed here, for everything that the extra ``dev`` needs.

``python tools/constraints.py`` prints them; ``make constraints`` installs the newest of everything into a fresh
environment first and writes the file.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = "openspace-widget"
HEADER = f"""\
# The versions that the tests last passed with (Python {sys.version_info.major}.{sys.version_info.minor}).
# `make` and CI install from them; users do not. Renew with `make constraints`, then `make test-all`.
"""


def pins(root: str, extras: frozenset[str]) -> dict[str, str]:
    """Name and installed version of everything that ``root`` with ``extras`` requires, and what that requires.
    Raises PackageNotFoundError if something is not installed."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(canonicalize_name(root), extras)]
    while waiting:
        name, asked = waiting.pop()
        if (name, asked) in seen:
            continue
        seen.add((name, asked))
        found[name] = importlib.metadata.version(name)
        waiting += [(canonicalize_name(each.name), frozenset(each.extras)) for each in _requirements(str(name), asked)]
    return found


def _requirements(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    for text in importlib.metadata.requires(name) or []:
        requirement = Requirement(text)
        environments = ({**default_environment(), "extra": extra} for extra in (*extras, ""))
        if requirement.marker is None or any(map(requirement.marker.evaluate, environments)):
            yield requirement


def text() -> str:
    lines = [f"{name}=={version}\n" for name, version in sorted(pins(OURS, frozenset({"dev"})).items()) if name != OURS]
    return HEADER + "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(text())
