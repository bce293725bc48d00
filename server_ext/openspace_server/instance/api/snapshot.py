"""Snapshots of the script host for topics, collected in one go on the draw thread."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.scene_engine import Flight, GeoPosition
from openspace_server.engines.scripting.events import Event
from openspace_server.engines.scripting.logbook import LogEntry
from openspace_server.engines.scripting.script_host import ScriptHost


@dataclass(frozen=True)
class TimeState:
    """``time`` as OpenSpace writes it; rates in simulated seconds per second."""

    time: str
    rate: float
    target_rate: float
    paused: bool
    next_step: float | None
    previous_step: float | None
    steps: tuple[float, ...]

    @classmethod
    def of(cls, script_host: ScriptHost) -> TimeState:
        control = script_host.time
        return cls(
            control.iso,
            control.rate,
            control.target_rate,
            script_host.engine.paused,
            control.next_step,
            control.previous_step,
            tuple(control.steps),
        )


@dataclass(frozen=True)
class CameraState:
    """Positions over the focus: the camera's, that of the point it looks at, and that with the Sun in the zenith."""

    position: GeoPosition
    view: GeoPosition | None
    subsolar: GeoPosition | None

    @classmethod
    def of(cls, script_host: ScriptHost) -> CameraState | None:
        try:
            engine = script_host.engine
            return cls(engine.camera_position(), engine.view_position(), engine.subsolar_position())
        except EngineError:
            return None


@dataclass(frozen=True)
class PropertyChange:
    """A changed property as plain data, made on the draw thread."""

    uri: str
    value: Any
    metadata: dict[str, Any]
    description: dict[str, Any]
    metadata_changed: bool = False


@dataclass(frozen=True)
class Snapshot:
    """The present state, and what happened since the last snapshot."""

    time: TimeState | None = None
    camera: CameraState | None = None
    flight: Flight | None = None
    mode: str = "user_control"
    recording: str = "idle"
    properties: tuple[PropertyChange, ...] = ()
    events: tuple[Event, ...] = ()
    log: tuple[LogEntry, ...] = ()
    is_busy: bool = False
    _encoded: dict[Any, str] = field(default_factory=dict, compare=False)

    def encoded(self, key: Any, build: Callable[[], Any]) -> str:
        """``build()`` as JSON, made once for all connections that ask with the same ``key``."""
        text = self._encoded.get(key)
        if text is None:
            text = self._encoded[key] = dumps(build())
        return text


def dumps(value: Any) -> str:
    """ASCII JSON, since clients decode chunks of bytes one by one; numbers that JSON lacks become null."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
