"""Suggestions of similar names for an unknown name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 200
"""Characters of a name that are compared: long names take long."""
TOLERANCE = 0.15
"""By how much less similar than the nearest name a suggestion may be."""


def near(name: str, known: Iterable[str], *, alike: float = 0.5, count: int = 3) -> list[str]:
    """The names among ``known`` that are similar to ``name``, nearest first, ignoring case.

    Args:
        alike: minimum similarity, 0 to 1, as ``difflib`` measures it.
        count: maximum number.
    """
    folded = {each.casefold(): each for each in known}
    searched = name[:LONGEST].casefold()
    found = difflib.get_close_matches(searched, list(folded), n=count, cutoff=alike)
    likeness = [difflib.SequenceMatcher(None, each, searched).ratio() for each in found]
    return [folded[each] for each, ratio in zip(found, likeness, strict=True) if ratio >= likeness[0] - TOLERANCE]


def did_you_mean(names: list[str], otherwise: str = "", before: str = "") -> str:
    """``did you mean A, B or C?``, after ``before``; ``otherwise`` without names."""
    if not names:
        return otherwise
    *others, last = names
    listed = f"{', '.join(others)} or {last}" if others else last
    return f"{before}did you mean {listed}?"


def suggest(name: str, known: Iterable[str], *, alike: float = 0.5) -> str:
    """``did you mean …?``, or all known names when none is similar."""
    known = list(known)
    return did_you_mean(near(name, known, alike=alike), f"there are {', '.join(known) or 'none'}")
