"""``openspace.time``: simulation time. Seconds are ephemeris seconds past J2000; delta times are seconds per second."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting import ephemeris_time
from openspace_server.engines.scripting.registry import function

if TYPE_CHECKING:
    from openspace_server.engines.scripting.program import Program


def _seconds(time: float | str) -> float:
    return ephemeris_time.to_seconds(time) if isinstance(time, str) else time


@function("time", "setTime")
def set_time(program: Program, time: float | str) -> None:
    """Set the time: seconds past J2000, ISO 8601 (UTC), or "2026 AUG 12 17:45:00"."""
    program.time.set(_seconds(time), program.now)


@function("time", "interpolateTime")
def interpolate_time(program: Program, time: str | float, interpolation_duration: float | None = None) -> None:
    """Go smoothly to a time, in so many seconds."""
    program.time.move_to(_seconds(time), interpolation_duration, program.now)


@function("time", "interpolateTimeRelative")
def interpolate_time_relative(program: Program, delta: float, interpolation_duration: float | None = None) -> None:
    """Go smoothly so many simulated seconds ahead."""
    program.time.move_to(program.time.seconds + delta, interpolation_duration, program.now)


@function("time", "currentTime")
def current_time(program: Program) -> float:
    """The time in seconds past J2000."""
    return program.time.seconds


@function("time", "UTC")
def utc(program: Program) -> str:
    """The time as 2026-08-12T17:45:00.000."""
    return program.time.iso


@function("time", "SPICE")
def spice(program: Program) -> str:
    """The time as 2026 AUG 12 17:45:00.000."""
    return ephemeris_time.spice(ephemeris_time.parse_time(program.engine.time))


@function("time", "currentWallTime")
def current_wall_time(program: Program) -> str:
    """The real UTC time in ISO 8601."""
    return ephemeris_time.iso(datetime.now(UTC))


@function("time", "currentApplicationTime")
def current_application_time(program: Program) -> float:
    """Seconds since the program started."""
    return program.now - (program.now if program.started is None else program.started)


@function("time", "advancedTime")
def advanced_time(program: Program, base: str | float, change: str | float) -> str | float:
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
def convert_time(program: Program, value: str | float) -> float | str:
    """Seconds past J2000 of an ISO 8601 time, or the other way round."""
    return _seconds(value) if isinstance(value, str) else ephemeris_time.iso(ephemeris_time.from_seconds(value))


@function("time", "duration")
def duration(program: Program, start: str | float, end: str | float) -> float:
    """Seconds from one time to another."""
    return _seconds(end) - _seconds(start)


@function("time", "setDeltaTime")
def set_delta_time(program: Program, delta_time: float) -> None:
    """Set how many simulated seconds pass per second."""
    program.time.set_rate(delta_time, program.now)


@function("time", "deltaTime")
def delta_time(program: Program) -> float:
    """How many simulated seconds pass per second."""
    return program.time.rate


@function("time", "interpolateDeltaTime")
def interpolate_delta_time(program: Program, delta_time: float, interpolation_duration: float | None = None) -> None:
    """Go smoothly to a delta time, in so many seconds."""
    program.time.move_rate(delta_time, interpolation_duration, program.now)


@function("time", "setDeltaTimeSteps")
def set_delta_time_steps(program: Program, delta_time: list[Any]) -> None:
    """Set the positive delta time steps; negative ones mirror them."""
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in delta_time):
        raise EngineError("delta time steps must be numbers")
    program.time.set_steps([float(each) for each in delta_time])


def _step(step: float | None) -> float:
    if step is None:
        raise EngineError("there is no further delta time step")
    return step


@function("time", "setNextDeltaTimeStep")
def set_next_delta_time_step(program: Program) -> None:
    """Go to the next greater delta time step."""
    program.time.set_rate(_step(program.time.next_step), program.now)


@function("time", "setPreviousDeltaTimeStep")
def set_previous_delta_time_step(program: Program) -> None:
    """Go to the next smaller delta time step."""
    program.time.set_rate(_step(program.time.previous_step), program.now)


@function("time", "interpolateNextDeltaTimeStep")
def interpolate_next_delta_time_step(program: Program, interpolation_duration: float | None = None) -> None:
    """Go smoothly to the next greater delta time step."""
    program.time.move_rate(_step(program.time.next_step), interpolation_duration, program.now)


@function("time", "interpolatePreviousDeltaTimeStep")
def interpolate_previous_delta_time_step(program: Program, interpolation_duration: float | None = None) -> None:
    """Go smoothly to the next smaller delta time step."""
    program.time.move_rate(_step(program.time.previous_step), interpolation_duration, program.now)


@function("time", "setPause")
def set_pause(program: Program, is_paused: bool) -> None:
    """Hold simulation time, or let it run."""
    program.time.set_paused(is_paused, program.now)


@function("time", "togglePause")
def toggle_pause(program: Program) -> None:
    """Hold simulation time if it runs, let it run if it is held."""
    program.time.set_paused(not program.engine.paused, program.now)


@function("time", "interpolatePause")
def interpolate_pause(program: Program, is_paused: bool, interpolation_duration: float | None = None) -> None:
    """Slow down to a pause, or start from rest."""
    program.time.move_pause(is_paused, interpolation_duration, program.now)


@function("time", "interpolateTogglePause", "pauseToggleViaKeyboard")
def interpolate_toggle_pause(program: Program, interpolation_duration: float | None = None) -> None:
    """Slow down to a pause if time runs, start from rest if it is held."""
    program.time.move_pause(not program.engine.paused, interpolation_duration, program.now)


@function("time", "isPaused")
def is_paused(program: Program) -> bool:
    """Whether simulation time is held."""
    return program.engine.paused
