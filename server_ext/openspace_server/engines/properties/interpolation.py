"""Properties on their way to a value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from openspace_server.engines.base import EngineError
from openspace_server.engines.properties.easing import Easing, easing
from openspace_server.engines.properties.kinds import Value
from openspace_server.engines.properties.property import Property, PropertyError

MAX_DURATION = 1e6


@dataclass
class _Way:
    property: Property
    start: Value
    end: Value
    since: float
    duration: float
    easing: Easing
    arrived: Callable[[Property], None] | None


class Interpolations:
    """All properties that are being interpolated; to be advanced before each drawing. Draw thread only."""

    def __init__(self) -> None:
        self._ways: dict[int, _Way] = {}

    @property
    def running(self) -> bool:
        return bool(self._ways)

    def start(
        self,
        property: Property,
        value: object,
        duration: float,
        now: float,
        easing_name: str = "",
        arrived: Callable[[Property], None] | None = None,
    ) -> None:
        """Bring ``property`` to ``value`` in ``duration`` seconds from ``now``; at once for 0.

        A property that is on its way already goes to the new value from where it is. ``arrived`` is called at the end.

        Raises:
            PropertyError: the value, the duration or the easing is refused; nothing changes.
        """
        if not math.isfinite(duration) or not 0 <= duration <= MAX_DURATION:
            raise PropertyError(f"an interpolation takes 0 to {MAX_DURATION:g} seconds, not {duration:g}")
        function = easing(easing_name)
        end = property.checked(value)
        if duration == 0 or not property.kind.interpolates:
            self._ways.pop(id(property), None)
            property.set(value)
            if arrived is not None and duration > 0:
                arrived(property)
            return
        self._ways[id(property)] = _Way(property, property.value, end, now, duration, function, arrived)

    def stop(self, property: Property) -> None:
        """Leave ``property`` where it is."""
        self._ways.pop(id(property), None)

    def advance(self, now: float) -> list[EngineError]:
        """Move everything to where it is at ``now``; returns what was refused on the way."""
        refused: list[EngineError] = []
        for key, way in list(self._ways.items()):
            share = min(max((now - way.since) / way.duration, 0.0), 1.0)
            done = share >= 1
            if done:
                self._ways.pop(key, None)
            try:
                way.property.set(way.end if done else _between(way, way.easing(share)))
                if done and way.arrived is not None:
                    way.arrived(way.property)
            except EngineError as error:
                self._ways.pop(key, None)
                refused.append(error)
        return refused


def _between(way: _Way, share: float) -> Value:
    def mixed(start: object, end: object) -> float:
        assert isinstance(start, int | float)
        assert isinstance(end, int | float)
        value = start + (end - start) * share
        # Elastic easings overshoot; the limits hold all the same.
        if way.property.low is not None:
            value = max(value, way.property.low)
        return value if way.property.high is None else min(value, way.property.high)

    if isinstance(way.start, tuple) and isinstance(way.end, tuple):
        return tuple(mixed(start, end) for start, end in zip(way.start, way.end, strict=True))
    return mixed(way.start, way.end)
