"""What to say of a name that is not known: the near ones that are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 200
"""Characters of a name that are looked at: comparing takes long for long ones."""
NEARLY = 0.15
"""By how much less alike than the nearest a name may be."""


def near(name: str, known: Iterable[str], *, alike: float = 0.5, count: int = 3) -> list[str]:
    """The names among ``known`` that ``name`` was probably meant to be, nearest first, whatever their case.

    Args:
        alike: how alike they must be at least, 0 to 1, as ``difflib`` measures it.
        count: how many at most.
    """
    folded = {each.casefold(): each for each in known}
    wanted = name[:LONGEST].casefold()
    found = difflib.get_close_matches(wanted, list(folded), n=count, cutoff=alike)
    likeness = [difflib.SequenceMatcher(None, each, wanted).ratio() for each in found]
    return [folded[each] for each, ratio in zip(found, likeness, strict=True) if ratio >= likeness[0] - NEARLY]


def did_you_mean(names: list[str], otherwise: str = "", before: str = "") -> str:
    """``did you mean A, B or C?``, after ``before``; ``otherwise`` without names."""
    if not names:
        return otherwise
    *others, last = names
    listed = f"{', '.join(others)} or {last}" if others else last
    return f"{before}did you mean {listed}?"


def suggest(name: str, known: Iterable[str], *, alike: float = 0.5) -> str:
    """``did you mean …?``, or all that there are when none is near."""
    known = list(known)
    return did_you_mean(near(name, known, alike=alike), f"there are {', '.join(known) or 'none'}")
