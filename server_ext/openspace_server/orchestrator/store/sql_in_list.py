"""``column IN (…)`` with its values in one parameter.

Otherwise the statement differs with their number: it is then compiled, and planned by PostgreSQL, over and over.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class among(GenericFunction[bool]):  # noqa: N801
    """``among(column, name)``: whether it is one of the texts in the parameter ``name``, packed by :func:`pack`."""

    type = Boolean()
    inherit_cache = True
    name = "among"

    def __init__(self, column: ColumnElement[str], parameter: str) -> None:
        super().__init__(column, bindparam(parameter, type_=String()))


@compiles(among, "sqlite")
def _sqlite(element: among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(among, "postgresql")
def _postgresql(element: among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY (ARRAY (SELECT json_array_elements_text(CAST({values} AS json))))"


def pack(values: Sequence[str]) -> str:
    """The value of such a parameter."""
    return json.dumps(list(values))
