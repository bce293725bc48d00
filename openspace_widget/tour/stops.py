"""Stops of a tour: target, camera, time and duration."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openspace_widget.errors import ArgumentError
from openspace_widget.tour.geometry import EASINGS
from openspace_widget.units import iso, metres, moment, seconds


@dataclass(frozen=True)
class Stop:
    """One stop of a tour.

    Lengths are metres or text such as ``"9000 km"`` or ``"1.5 AU"``; durations are seconds or text such as
    ``"1 min"``; angles are degrees; times are ISO 8601 text or datetimes, UTC unless they say otherwise.

    Args:
        target: a name such as ``"Earth"``; not needed with ``camera``.
        altitude: height above the target's surface.
        distance: from the target's centre, in place of ``altitude``; without either the target fills a good part of
            the view.
        latitude, longitude: position above the target, -90 to 90 and -180 to 360 degrees; the camera turns with the
            ground then. Without them it sees the sunlit side from a little north.
        camera: a navigation state, such as ``space.camera`` or a frame's ``camera``, in place of all of these.
        time: simulation time on arrival; the way there sweeps smoothly through the time between.
        rate: simulated seconds per second from the arrival on.
        hold: how long to stay.
        seconds: how long the way here takes; None finds a pleasant time. Of a first stop: ignored.
        easing: ``"smooth"`` (starts and ends at rest), ``"smoother"`` or ``"linear"``. Between stops at one target that
            have no ``hold`` the camera flies through without coming to rest.
        properties: OpenSpace properties to set on arrival, by URI.
        lua: OpenSpace Lua to run on arrival.
        name: for people, in previews.

    Raises:
        ArgumentError: naming what is wrong.

    Example:
        >>> from openspace_widget import Stop
        >>> Stop("Earth", altitude="9000 km", hold=2)
        Stop('Earth', altitude='9000 km', hold=2)
        >>> Stop("Earth", altitude=-1)
        Traceback (most recent call last):
        openspace_widget.errors.ArgumentError: altitude: -1 is not above the surface
    """

    target: str | None = None
    altitude: Any = None
    distance: Any = None
    latitude: float | None = None
    longitude: float | None = None
    camera: Mapping[str, Any] | None = None
    time: Any = None
    rate: float | None = None
    hold: Any = 0
    seconds: Any = None
    easing: str = "smooth"
    properties: Mapping[str, Any] = field(default_factory=dict)
    lua: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if self.camera is not None:
            self._check_camera(self.camera)
        elif not isinstance(self.target, str) or not self.target:
            raise ArgumentError(f"target: expected a name such as 'Earth', got {self.target!r}")
        if self.altitude is not None and self.distance is not None:
            raise ArgumentError("give altitude or distance, not both")
        for name in ("altitude", "distance"):
            value = getattr(self, name)
            if value is not None and metres(value, name) <= 0:
                raise ArgumentError(f"{name}: {value!r} is not above the surface")
        if (self.latitude is None) != (self.longitude is None):
            raise ArgumentError("give latitude and longitude, or neither")
        if self.latitude is not None and not (_finite(self.latitude) and -90 <= self.latitude <= 90):
            raise ArgumentError(f"latitude: expected -90 to 90 degrees, got {self.latitude!r}")
        if self.longitude is not None and not (_finite(self.longitude) and -180 <= self.longitude <= 360):
            raise ArgumentError(f"longitude: expected -180 to 360 degrees, got {self.longitude!r}")
        if self.time is not None:
            moment(self.time)
        if self.rate is not None and not (_finite(self.rate) and abs(self.rate) <= 1e10):
            raise ArgumentError(f"rate: expected simulated seconds per second, got {self.rate!r}")
        if seconds(self.hold, "hold") < 0:
            raise ArgumentError(f"hold: {self.hold!r} is negative")
        if self.seconds is not None and seconds(self.seconds, "seconds") < 0:
            raise ArgumentError(f"seconds: {self.seconds!r} is negative")
        if self.easing not in EASINGS:
            raise ArgumentError(f"easing: expected {', '.join(EASINGS)}, got {self.easing!r}")
        if not isinstance(self.properties, Mapping):
            raise ArgumentError(f"properties: expected a dict of values by URI, got {self.properties!r}")

    def _check_camera(self, camera: Any) -> None:
        others = ("altitude", "distance", "latitude", "longitude")
        superfluous = [name for name in others if getattr(self, name) is not None]
        if superfluous or self.target is not None:
            raise ArgumentError(f"camera says where the camera is: leave out {', '.join(superfluous or ['target'])}")
        if not isinstance(camera, Mapping) or not camera.get("Anchor") or len(camera.get("Position") or ()) != 3:
            raise ArgumentError(f"camera: expected a navigation state with Anchor and Position, got {camera!r}")

    @property
    def anchor(self) -> str:
        """What the stop is about: the target, or the camera's anchor."""
        return str(self.camera["Anchor"]) if self.camera is not None else str(self.target)

    @property
    def title(self) -> str:
        """For people."""
        return self.name or self.anchor

    def as_json(self) -> dict[str, Any]:
        """What differs from a plain stop, as values JSON can hold."""
        fields: dict[str, Any] = {}
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            default = item.default if item.default is not dataclasses.MISSING else {}
            if value != default:
                fields[item.name] = iso(value) if item.name == "time" else _plain(value, item.name)
        return fields

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Stop:
        """The stop that :meth:`as_json` described. Raises ArgumentError."""
        known = {item.name for item in dataclasses.fields(cls)}
        if not set(fields) <= known:
            raise ArgumentError(f"a stop is an object with some of {', '.join(sorted(known))}; got {fields!r}")
        return cls(**fields)

    def __repr__(self) -> str:
        fields = self.as_json()
        first = [repr(fields.pop("target"))] if "target" in fields else []
        return f"Stop({', '.join([*first, *(f'{name}={value!r}' for name, value in fields.items())])})"


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item, name) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, name) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if name in ("altitude", "distance"):
        return metres(value, name)
    if name in ("hold", "seconds"):
        return seconds(value, name)
    return value.item() if hasattr(value, "item") else str(value)
