"""Conversion of tours to Python code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from openspace_widget.tour.stops import Stop
from openspace_widget.units import iso

WIDTH = 100


def to_code(stops: Iterable[Stop], start: datetime | None, name: str) -> str:
    """Python that makes the tour of these arguments."""
    lines = ["from openspace_widget import Stop, Tour", "", "tour = Tour(", "    ["]
    for stop in stops:
        fields = stop.as_json()
        first = [_value(fields.pop("target"))] if "target" in fields else []
        arguments = [*first, *(f"{field}={_value(value)}" for field, value in fields.items())]
        line = f"        Stop({', '.join(arguments)}),"
        if len(line) > WIDTH:
            lines += ["        Stop(", *(f"            {argument}," for argument in arguments), "        ),"]
        else:
            lines.append(line)
    lines.append("    ],")
    if start is not None:
        lines.append(f"    start={_value(iso(start))},")
    if name:
        lines.append(f"    name={_value(name)},")
    return "\n".join([*lines, ")"])


def _value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if "\\" not in value else repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(key)}: {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, float):
        return f"{value:.12g}" if float(f"{value:.12g}") == value or abs(value) > 1 else repr(value)
    return repr(value)
