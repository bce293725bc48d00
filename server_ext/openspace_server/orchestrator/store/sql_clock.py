"""The database's clock. Leases and deadlines are compared by it alone: the clocks of several servers may disagree."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, Float, String, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class moment(GenericFunction[str]):  # noqa: N801
    """``moment(seconds)``: the database's time plus ``seconds``, in the form of :func:`models.now`; sorts as text.
    ``seconds`` may be the name of a parameter that is given when the statement is executed."""

    type = String()
    inherit_cache = True
    name = "moment"

    def __init__(self, seconds: float | str = 0.0) -> None:
        named: BindParameter[float] = (
            bindparam(seconds, type_=Float()) if isinstance(seconds, str) else bindparam(None, seconds, Float(), True)
        )
        super().__init__(named)


@compiles(moment, "sqlite")
def _sqlite(element: moment, compiler: Any, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', julianday('now') + ({seconds}) / 86400.0)"


@compiles(moment, "postgresql")
def _postgresql(element: moment, compiler: Any, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    later = f"clock_timestamp() + make_interval(secs => ({seconds})::double precision)"
    return f"to_char(({later}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
