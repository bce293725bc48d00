"""``openspace.time``: simulation time. Seconds are ephemeris seconds past J2000; delta times are seconds per second."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from openspace_server.engines import ephemeris_time
from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting.registry import function

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost


def _seconds(time: float | str) -> float:
    return ephemeris_time.to_seconds(time) if isinstance(time, str) else time


@function("time", "setTime")
def set_time(script_host: ScriptHost, time: float | str) -> None:
    """Set the time: seconds past J2000, ISO 8601 (UTC), or "2026 AUG 12 17:45:00"."""
    script_host.time.set(_seconds(time), script_host.now)


@function("time", "interpolateTime")
def interpolate_time(script_host: ScriptHost, time: str | float, interpolation_duration: float | None = None) -> None:
    """Go smoothly to a time, in so many seconds."""
    script_host.time.move_to(_seconds(time), interpolation_duration, script_host.now)


@function("time", "interpolateTimeRelative")
def interpolate_time_relative(
    script_host: ScriptHost, delta: float, interpolation_duration: float | None = None
) -> None:
    """Go smoothly so many simulated seconds ahead."""
    script_host.time.move_to(script_host.time.seconds + delta, interpolation_duration, script_host.now)


@function("time", "currentTime")
def current_time(script_host: ScriptHost) -> float:
    """The time in seconds past J2000."""
    return script_host.time.seconds


@function("time", "UTC")
def utc(script_host: ScriptHost) -> str:
    """The time as 2026-08-12T17:45:00.000."""
    return script_host.time.iso


@function("time", "SPICE")
def spice(script_host: ScriptHost) -> str:
    """The time as 2026 AUG 12 17:45:00.000."""
    return ephemeris_time.spice(ephemeris_time.parse_time(script_host.engine.time))


@function("time", "currentWallTime")
def current_wall_time(script_host: ScriptHost) -> str:
    """The real UTC time in ISO 8601."""
    return ephemeris_time.iso(datetime.now(UTC))


@function("time", "currentApplicationTime")
def current_application_time(script_host: ScriptHost) -> float:
    """Seconds since the program started."""
    return script_host.now - (script_host.now if script_host.started is None else script_host.started)


@function("time", "advancedTime")
def advanced_time(script_host: ScriptHost, base: str | float, change: str | float) -> str | float:
    """A time plus so many seconds (or days, hours, minutes or seconds as "1d", "2h", "3m", "4s"); in the form of the
    first argument."""
    if isinstance(change, str):
        units = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31557600.0}
        number, unit = change.strip()[:-1], change.strip()[-1:]
        try:
            delta = float(number) * units[unit]
        except (ValueError, KeyError):
            raise EngineError(f"not a span of time: {change[:40]!r}; write for example 90s, 3h or 1d") from None
    else:
        delta = change
    result = _seconds(base) + delta
    return ephemeris_time.iso(ephemeris_time.from_seconds(result)) if isinstance(base, str) else result


@function("time", "convertTime")
def convert_time(script_host: ScriptHost, value: str | float) -> float | str:
    """Seconds past J2000 of an ISO 8601 time, or the other way round."""
    return _seconds(value) if isinstance(value, str) else ephemeris_time.iso(ephemeris_time.from_seconds(value))


@function("time", "duration")
def duration(script_host: ScriptHost, start: str | float, end: str | float) -> float:
    """Seconds from one time to another."""
    return _seconds(end) - _seconds(start)


@function("time", "setDeltaTime")
def set_delta_time(script_host: ScriptHost, delta_time: float) -> None:
    """Set how many simulated seconds pass per second."""
    script_host.time.set_rate(delta_time, script_host.now)


@function("time", "deltaTime")
def delta_time(script_host: ScriptHost) -> float:
    """How many simulated seconds pass per second."""
    return script_host.time.rate


@function("time", "interpolateDeltaTime")
def interpolate_delta_time(
    script_host: ScriptHost, delta_time: float, interpolation_duration: float | None = None
) -> None:
    """Go smoothly to a delta time, in so many seconds."""
    script_host.time.move_rate(delta_time, interpolation_duration, script_host.now)


@function("time", "setDeltaTimeSteps")
def set_delta_time_steps(script_host: ScriptHost, delta_time: list[Any]) -> None:
    """Set the positive delta time steps; negative ones mirror them."""
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in delta_time):
        raise EngineError("delta time steps must be numbers")
    script_host.time.set_steps([float(each) for each in delta_time])


def _step(step: float | None) -> float:
    if step is None:
        raise EngineError("there is no further delta time step")
    return step


@function("time", "setNextDeltaTimeStep")
def set_next_delta_time_step(script_host: ScriptHost) -> None:
    """Go to the next greater delta time step."""
    script_host.time.set_rate(_step(script_host.time.next_step), script_host.now)


@function("time", "setPreviousDeltaTimeStep")
def set_previous_delta_time_step(script_host: ScriptHost) -> None:
    """Go to the next smaller delta time step."""
    script_host.time.set_rate(_step(script_host.time.previous_step), script_host.now)


@function("time", "interpolateNextDeltaTimeStep")
def interpolate_next_delta_time_step(script_host: ScriptHost, interpolation_duration: float | None = None) -> None:
    """Go smoothly to the next greater delta time step."""
    script_host.time.move_rate(_step(script_host.time.next_step), interpolation_duration, script_host.now)


@function("time", "interpolatePreviousDeltaTimeStep")
def interpolate_previous_delta_time_step(script_host: ScriptHost, interpolation_duration: float | None = None) -> None:
    """Go smoothly to the next smaller delta time step."""
    script_host.time.move_rate(_step(script_host.time.previous_step), interpolation_duration, script_host.now)


@function("time", "setPause")
def set_pause(script_host: ScriptHost, is_paused: bool) -> None:
    """Pause or continue simulation time."""
    script_host.time.set_paused(is_paused, script_host.now)


@function("time", "togglePause")
def toggle_pause(script_host: ScriptHost) -> None:
    """Pause simulation time if it runs, continue it if it is paused."""
    script_host.time.set_paused(not script_host.engine.paused, script_host.now)


@function("time", "interpolatePause")
def interpolate_pause(script_host: ScriptHost, is_paused: bool, interpolation_duration: float | None = None) -> None:
    """Slow down to a pause, or start from rest."""
    script_host.time.move_pause(is_paused, interpolation_duration, script_host.now)


@function("time", "interpolateTogglePause", "pauseToggleViaKeyboard")
def interpolate_toggle_pause(script_host: ScriptHost, interpolation_duration: float | None = None) -> None:
    """Slow down to a pause if time runs, start from rest if it is paused."""
    script_host.time.move_pause(not script_host.engine.paused, interpolation_duration, script_host.now)


@function("time", "isPaused")
def is_paused(script_host: ScriptHost) -> bool:
    """Whether simulation time is paused."""
    return script_host.engine.paused
