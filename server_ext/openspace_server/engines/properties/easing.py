"""Easing functions by OpenSpace's names: 0..1 to 0..1."""

from __future__ import annotations

import math
from collections.abc import Callable

from openspace_server.engines.properties.property import PropertyError
from openspace_server.protocols.suggestions import suggest

Easing = Callable[[float], float]


def _power(exponent: int) -> Easing:
    return lambda t: math.pow(t, exponent)


def _sine(t: float) -> float:
    return 1 - math.cos(t * math.pi / 2)


def _circular(t: float) -> float:
    return 1 - math.sqrt(max(0.0, 1 - t * t))


def _exponential(t: float) -> float:
    return 0.0 if t <= 0 else math.pow(2, 10 * (t - 1))


def _elastic(t: float) -> float:
    return math.sin(13 * math.pi / 2 * t) * math.pow(2, 10 * (t - 1))


def _bounce_out(t: float) -> float:
    for start, middle, floor in ((0.0, 0.0, 0.0), (1.0, 1.5, 0.75), (2.0, 2.25, 0.9375), (2.5, 2.625, 0.984375)):
        end = {0.0: 1.0, 1.0: 2.0, 2.0: 2.5, 2.5: 2.75}[start]
        if t * 2.75 <= end:
            away = t - middle / 2.75
            return 7.5625 * away * away + floor
    return 1.0


def _bounce(t: float) -> float:
    return 1 - _bounce_out(1 - t)


def _out(ease_in: Easing) -> Easing:
    return lambda t: 1 - ease_in(1 - t)


def _in_out(ease_in: Easing) -> Easing:
    return lambda t: ease_in(2 * t) / 2 if t < 0.5 else 1 - ease_in(2 - 2 * t) / 2


def _all() -> dict[str, Easing]:
    easings: dict[str, Easing] = {"Linear": lambda t: t}
    for name, ease_in in (
        ("Quadratic", _power(2)),
        ("Cubic", _power(3)),
        ("Quartic", _power(4)),
        ("Quintic", _power(5)),
        ("Sine", _sine),
        ("Circular", _circular),
        ("Exponential", _exponential),
        ("Elastic", _elastic),
        ("Bounce", _bounce),
    ):
        easings[f"{name}EaseIn"] = ease_in
        easings[f"{name}EaseOut"] = _out(ease_in)
        easings[f"{name}EaseInOut"] = _in_out(ease_in)
    return easings


EASINGS = _all()


def easing(name: str) -> Easing:
    """The function of that name; Linear for an empty one. Raises PropertyError with near names."""
    found = EASINGS.get(name or "Linear")
    if found is None:
        raise PropertyError(f"unknown easing function {name!r}: {suggest(name, EASINGS, alike=0.4)}")
    return found
