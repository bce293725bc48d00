"""A tour as a cell of Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from openspace_widget.units import iso

if TYPE_CHECKING:
    from openspace_widget.tour.tour import Tour

WIDTH = 100


def text(tour: Tour) -> str:
    """Python that makes ``tour``."""
    lines = ["from openspace_widget import Stop, Tour", "", "tour = Tour(", "    ["]
    for stop in tour.stops:
        told = stop.as_json()
        first = [_value(told.pop("target"))] if "target" in told else []
        arguments = [*first, *(f"{name}={_value(value)}" for name, value in told.items())]
        line = f"        Stop({', '.join(arguments)}),"
        if len(line) > WIDTH:
            lines += ["        Stop(", *(f"            {argument}," for argument in arguments), "        ),"]
        else:
            lines.append(line)
    lines.append("    ],")
    if tour.start is not None:
        lines.append(f"    start={_value(iso(tour.start))},")
    if tour.name:
        lines.append(f"    name={_value(tour.name)},")
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
