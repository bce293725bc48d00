"""The database's clock, to which all leases and deadlines are compared: the servers' clocks may differ."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, Float, String, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class db_time(GenericFunction[str]):  # noqa: N801
    """``db_time(seconds)``: the database's time plus ``seconds``, in the format of :func:`models.now`; sorts as text.
    ``seconds`` may be the name of a parameter that is given when the statement is executed."""

    type = String()
    inherit_cache = True
    name = "db_time"

    def __init__(self, seconds: float | str = 0.0) -> None:
        parameter: BindParameter[float] = (
            bindparam(seconds, type_=Float()) if isinstance(seconds, str) else bindparam(None, seconds, Float(), True)
        )
        super().__init__(parameter)


@compiles(db_time, "sqlite")
def _sqlite(element: db_time, compiler: Any, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', julianday('now') + ({seconds}) / 86400.0)"


@compiles(db_time, "postgresql")
def _postgresql(element: db_time, compiler: Any, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    time = f"clock_timestamp() + make_interval(secs => ({seconds})::double precision)"
    return f"to_char(({time}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
