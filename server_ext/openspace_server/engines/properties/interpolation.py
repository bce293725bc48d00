"""Interpolation of properties over time."""

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
class _Transition:
    """One property's interpolation from ``start`` to ``end``."""

    property: Property
    start: Value
    end: Value
    since: float
    duration: float
    easing: Easing
    on_finished: Callable[[Property], None] | None


class Interpolations:
    """All properties that are being interpolated; to be advanced before each drawing. Draw thread only."""

    def __init__(self) -> None:
        self._transitions: dict[int, _Transition] = {}

    @property
    def running(self) -> bool:
        return bool(self._transitions)

    def start(
        self,
        property: Property,
        value: object,
        duration: float,
        now: float,
        easing_name: str = "",
        on_finished: Callable[[Property], None] | None = None,
    ) -> None:
        """Bring ``property`` to ``value`` in ``duration`` seconds from ``now``; at once for 0.

        A property that is being interpolated goes to the new value from where it is. ``on_finished`` is called at the
        end.

        Raises:
            PropertyError: the value, the duration or the easing is refused; nothing changes.
        """
        if not math.isfinite(duration) or not 0 <= duration <= MAX_DURATION:
            raise PropertyError(f"an interpolation takes 0 to {MAX_DURATION:g} seconds, not {duration:g}")
        function = easing(easing_name)
        end = property.checked(value)
        if duration == 0 or not property.kind.interpolates:
            self._transitions.pop(id(property), None)
            property.set(value)
            if on_finished is not None and duration > 0:
                on_finished(property)
            return
        self._transitions[id(property)] = _Transition(
            property, property.value, end, now, duration, function, on_finished
        )

    def stop(self, property: Property) -> None:
        """Leave ``property`` where it is."""
        self._transitions.pop(id(property), None)

    def advance(self, now: float) -> list[EngineError]:
        """Move everything to where it is at ``now``; returns what was refused on the way."""
        refused: list[EngineError] = []
        for key, transition in list(self._transitions.items()):
            share = min(max((now - transition.since) / transition.duration, 0.0), 1.0)
            done = share >= 1
            if done:
                self._transitions.pop(key, None)
            try:
                transition.property.set(transition.end if done else _between(transition, transition.easing(share)))
                if done and transition.on_finished is not None:
                    transition.on_finished(transition.property)
            except EngineError as error:
                self._transitions.pop(key, None)
                refused.append(error)
        return refused


def _between(transition: _Transition, share: float) -> Value:
    def mixed(start: object, end: object) -> float:
        assert isinstance(start, int | float)
        assert isinstance(end, int | float)
        value = start + (end - start) * share
        # Elastic easings overshoot; the limits hold all the same.
        if transition.property.low is not None:
            value = max(value, transition.property.low)
        return value if transition.property.high is None else min(value, transition.property.high)

    if isinstance(transition.start, tuple) and isinstance(transition.end, tuple):
        return tuple(mixed(start, end) for start, end in zip(transition.start, transition.end, strict=True))
    return mixed(transition.start, transition.end)
