"""SQL ``column IN (…)`` with all values in one parameter.

With one parameter per value, the statement changes with their number, and is compiled and planned again each time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class in_list(GenericFunction[bool]):  # noqa: N801
    """``in_list(column, name)``: whether it is one of the strings in the parameter ``name``, packed by :func:`pack`."""

    type = Boolean()
    inherit_cache = True
    name = "in_list"

    def __init__(self, column: ColumnElement[str], parameter: str) -> None:
        super().__init__(column, bindparam(parameter, type_=String()))


@compiles(in_list, "sqlite")
def _sqlite(element: in_list, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(in_list, "postgresql")
def _postgresql(element: in_list, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY (ARRAY (SELECT json_array_elements_text(CAST({values} AS json))))"


def pack(values: Sequence[str]) -> str:
    """The value of the parameter of :class:`in_list`."""
    return json.dumps(list(values))
