"""Where the camera goes: the requests behind ``fly_to``, ``focus`` and ``home``."""

from __future__ import annotations

from openspace_widget.session import Session

FLIGHT_MARGIN = 30.0
"""Seconds beyond a flight's own duration before a missing answer is an error."""


async def fly_to(session: Session, target: str, duration: float, distance: float | None) -> bool:
    """Fly and wait for the arrival; False if something else took the camera on the way."""
    limit = max(duration, 0.0) + FLIGHT_MARGIN
    result = await session.ask("fly_to", timeout=limit, target=target, duration=duration, distance=distance)
    return bool(result["arrived"])


async def target_names(session: Session) -> list[str]:
    """Everything the camera can fly to, by identifier."""
    return [target["identifier"] for target in await session.ask("targets")]
