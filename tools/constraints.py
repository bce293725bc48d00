"""Pins: the versions installed here of everything that the extra ``dev`` of pyproject.toml needs.

``python tools/constraints.py`` prints them as a constraints file; ``make constraints`` does so in a fresh environment
with the newest of everything.
"""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
HEADER = f"""\
# The versions that the tests last passed with, on Python {sys.version_info.major}.{sys.version_info.minor}. `make` and CI install from them, users do not.
# Renewed by `make constraints`; see docs/development/releasing.md.
"""  # noqa: E501


def pins(extra: str) -> dict[str, str]:
    """Name and installed version of all that the project with ``extra`` requires, and what that requires in turn.
    Raises PackageNotFoundError for one that is not installed."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(f"{PROJECT['name']}[{extra}]")]
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        if name == PROJECT["name"]:
            waiting += own(extras)
        else:
            found[name] = importlib.metadata.version(name)
            waiting += applicable(importlib.metadata.requires(name) or [], extras)
    return found


def own(extras: Iterable[str]) -> Iterator[Requirement]:
    """What pyproject.toml asks for here."""
    more = PROJECT["optional-dependencies"]
    yield from applicable([*PROJECT["dependencies"], *(each for extra in extras for each in more[extra])], ())


def applicable(texts: Iterable[str], extras: Iterable[str]) -> Iterator[Requirement]:
    """The requirements whose condition is met in this environment, with these extras asked for."""
    environments = [{**default_environment(), "extra": extra} for extra in (*extras, "")]
    for requirement in map(Requirement, texts):
        if requirement.marker is None or any(map(requirement.marker.evaluate, environments)):
            yield requirement


if __name__ == "__main__":
    sys.stdout.write(HEADER + "".join(f"{name}=={version}\n" for name, version in sorted(pins("dev").items())))
