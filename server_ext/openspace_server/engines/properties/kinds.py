"""Types of property values by OpenSpace's names, each with its check.

Values are kept in one canonical, immutable form: bool, int, float, str, tuples of those, None for a trigger.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

Value = bool | int | float | str | tuple["Value", ...] | None


class WrongValue(ValueError):
    """A value of the wrong type or shape; ``str(error)`` says what was expected and what came."""


@dataclass(frozen=True)
class Kind:
    """One type of property. ``size`` counts the numbers of a vector or matrix, 0 for everything else."""

    name: str
    check: Callable[[object], Value]
    size: int = 0
    numeric: bool = False

    @property
    def interpolates(self) -> bool:
        """Whether a value half way between two others makes sense."""
        return self.numeric and not self.name.startswith(("Int", "Long", "Short", "U", "I"))


def show(value: object) -> str:
    """A short rendering of a value for an error text."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise WrongValue(f"expected true or false, got {show(value)}")
    return value


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WrongValue(f"expected a finite number, got {show(value)}")
    return float(value)


def _single(value: object) -> float:
    number = _float(value)
    if abs(number) > 3.4028235e38:
        raise WrongValue(f"{number:g} does not fit a Float")
    return number


def _int(low: int, high: int, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WrongValue(f"expected a whole number, got {show(value)}")
    if value != int(value):
        raise WrongValue(f"expected a whole number, got {value:g}")
    if not low <= value <= high:
        raise WrongValue(f"{int(value)} is outside {low} to {high}")
    return int(value)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise WrongValue(f"expected a string, got {show(value)}")
    return value


def _items(value: object) -> list[object]:
    """The items of an array, or of an object with the keys "1", "2", … that a Lua array becomes."""
    if isinstance(value, Mapping):
        by_index = {str(key): item for key, item in value.items()}
        keys = [str(index + 1) for index in range(len(by_index))]
        if set(keys) != set(by_index):
            raise WrongValue(f"expected an array, got {show(value)}")
        return [by_index[key] for key in keys]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return list(value)
    raise WrongValue(f"expected an array, got {show(value)}")


def _array(item: Callable[[object], Value], size: int, value: object) -> tuple[Value, ...]:
    items = _items(value)
    if len(items) != size:
        raise WrongValue(f"expected {size} numbers, got {len(items)}")
    return tuple(item(each) for each in items)


def _list(item: Callable[[object], Value], value: object) -> tuple[Value, ...]:
    return tuple(item(each) for each in _items(value))


def _trigger(value: object) -> None:
    return None


_int32 = partial(_int, -(2**31), 2**31 - 1)
_uint32 = partial(_int, 0, 2**32 - 1)


def _all() -> dict[str, Kind]:
    kinds = [
        Kind("Bool", _bool),
        Kind("Double", _float, numeric=True),
        Kind("Float", _single, numeric=True),
        Kind("Int", _int32, numeric=True),
        Kind("Long", partial(_int, -(2**63), 2**63 - 1), numeric=True),
        Kind("Short", partial(_int, -(2**15), 2**15 - 1), numeric=True),
        Kind("UInt", _uint32, numeric=True),
        Kind("ULong", partial(_int, 0, 2**64 - 1), numeric=True),
        Kind("UShort", partial(_int, 0, 2**16 - 1), numeric=True),
        Kind("String", _string),
        Kind("Option", _int32),
        Kind("Selection", partial(_list, _string)),
        Kind("Trigger", _trigger),
        Kind("DoubleList", partial(_list, _float)),
        Kind("IntList", partial(_list, _int32)),
        Kind("StringList", partial(_list, _string)),
    ]
    for prefix, item in (("", _single), ("D", _float), ("I", _int32), ("U", _uint32)):
        kinds += [Kind(f"{prefix}Vec{n}", partial(_array, item, n), size=n, numeric=True) for n in (2, 3, 4)]
    for prefix, item in (("", _single), ("D", _float)):
        kinds += [Kind(f"{prefix}Mat{n}", partial(_array, item, n * n), size=n * n, numeric=True) for n in (2, 3, 4)]
    return {kind.name: kind for kind in kinds}


KINDS = _all()
"""By name without the ending "Property"."""
