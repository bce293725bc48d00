"""What camera tours need of an instance: where bodies will be, and the camera put somewhere many times a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from openspace_server.engines.base import Engine, EngineError
from openspace_server.engines.scene_engine import SceneEngine
from openspace_server.protocols import arrays, pieces
from openspace_server.protocols.fields import ProtocolError, boolean, describe, text

if TYPE_CHECKING:
    from openspace_server.instance.control import Conversation

MOST_TARGETS, MOST_TIMES = 256, 2000
AT_ONCE = 16
"""Moments looked up between two drawings, so that the live picture goes on."""


async def whereabouts(who: Conversation, arguments: dict[str, Any], id: int) -> Iterator[bytes]:
    """Array messages ``positions`` float64 ``(times, targets, 3)``, metres from the Sun in OpenSpace's world axes, and
    ``rotations`` ``(times, targets, 3, 3)`` from body-fixed axes."""
    if not who.carrier.arrays:
        raise ProtocolError("whereabouts: only on the bulk socket, where arrays can be sent")
    if not (who.steers or who.owner):
        raise ProtocolError("whereabouts: only for who steers")
    targets, times = _texts(arguments, "targets", MOST_TARGETS), _texts(arguments, "times", MOST_TIMES)

    def look(engine: Engine, some: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        if not isinstance(engine, SceneEngine):
            raise EngineError(f"the {engine.name} engine does not tell where bodies are")
        return [engine.whereabouts(targets, moment) for moment in some]

    found: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, len(times), AT_ONCE):
        some = times[start : start + AT_ONCE]
        found += await who.instance.draw_loop.call(lambda engine, now, some=some: look(engine, some))  # type: ignore[misc]
    positions = np.array([each[0] for each in found], "<f8").reshape(len(times), len(targets), 3)
    rotations = np.array([each[1] for each in found], "<f8").reshape(len(times), len(targets), 3, 3)
    return _sent(id, positions, rotations)


def _sent(id: int, positions: np.ndarray, rotations: np.ndarray) -> Iterator[bytes]:
    for more, kind, array in ((1, "positions", positions), (0, "rotations", rotations)):
        header = arrays.encode_header(array, kind, request=id, more=more)
        yield from pieces.split(id, header, array.reshape(-1).view(np.uint8).data)


async def place(who: Conversation, arguments: dict[str, Any], id: int) -> dict[str, bool]:
    """Put camera and time somewhere; ``undisturbed`` is False, and nothing done, if something else has moved the camera
    since this viewer's last ``place``, unless this one says ``begin``."""
    camera = arguments.get("camera")
    if not isinstance(camera, dict):
        raise ProtocolError(f"camera: expected a navigation state, got {describe(camera)}")
    moment = text(arguments, "time", limit=64) if arguments.get("time") is not None else None
    begin = boolean(arguments, "begin", False)

    def put(engine: Engine, now: float) -> bool:
        if not begin and (engine.flying or _where(engine) != who.placed):
            return False
        if moment is not None:
            engine.set_time(moment, now)
        engine.set_camera(camera, now)
        who.placed = _where(engine)
        return True

    return {"undisturbed": await who.instance.draw_loop.call(put, changes=True)}


def _where(engine: Engine) -> Any:
    camera = engine.camera()
    return {name: value for name, value in camera.items() if name != "Timestamp"}


def _texts(arguments: dict[str, Any], name: str, most: int) -> list[str]:
    given = arguments.get(name)
    if not isinstance(given, list) or len(given) > most or not all(isinstance(each, str) for each in given):
        raise ProtocolError(f"{name}: expected a list of at most {most} texts, got {describe(given)}")
    return given
