"""Deprecated names: they still work, with a warning that names the new one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def deprecated_names(module: str, new_names: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a ``module`` whose names are deprecated: old name → full new name."""

    def get(name: str) -> Any:
        if name not in new_names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        new = new_names[name]
        warnings.warn(f"{module}.{name} is deprecated; use {new}", DeprecationWarning, stacklevel=2)
        owner, _, attribute = new.rpartition(".")
        return getattr(import_module(owner), attribute)

    return get
