"""What camera tours need of an instance: where bodies will be, and the camera put somewhere many times a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from openspace_server.instance.viewers.array_reply import ArrayReply
from openspace_server.protocols.fields import ProtocolError, boolean, describe, text

if TYPE_CHECKING:
    from openspace_server.instance.viewers.viewer import Conversation

MOST_TARGETS, MOST_TIMES = 256, 2000


async def whereabouts(who: Conversation, arguments: dict[str, Any], id: int) -> Iterator[bytes]:
    """Array messages ``positions`` float64 ``(times, targets, 3)``, metres from the Sun in OpenSpace's world axes, and
    ``rotations`` ``(times, targets, 3, 3)`` from body-fixed axes."""
    if not who.carrier.arrays:
        raise ProtocolError("whereabouts: only on the bulk socket, where arrays can be sent")
    if not (who.steers or who.owner):
        raise ProtocolError("whereabouts: only for who steers")
    targets, times = _texts(arguments, "targets", MOST_TARGETS), _texts(arguments, "times", MOST_TIMES)
    positions, rotations = await who.instance.stills.body_positions(targets, times)
    arrays = [("positions", positions), ("rotations", rotations)]
    return ArrayReply([(kind, np.ascontiguousarray(array, "<f8")) for kind, array in arrays]).messages(id)


async def place(who: Conversation, arguments: dict[str, Any], id: int) -> dict[str, bool]:
    """Put camera and time somewhere; ``undisturbed`` is False, and nothing done, if something else has moved the camera
    since this viewer's last ``place``, unless this one says ``begin``."""
    camera = arguments.get("camera")
    if not isinstance(camera, dict):
        raise ProtocolError(f"camera: expected a navigation state, got {describe(camera)}")
    moment = text(arguments, "time", limit=64) if arguments.get("time") is not None else None
    mark = None if boolean(arguments, "begin", False) else who.placed
    placed = await who.instance.draw_loop.call(
        lambda engine, now: engine.set_view(camera, moment, mark, now), changes=True
    )
    if placed is not None:
        who.placed = placed
    return {"undisturbed": placed is not None}


def _texts(arguments: dict[str, Any], name: str, most: int) -> list[str]:
    given = arguments.get(name)
    if not isinstance(given, list) or len(given) > most or not all(isinstance(each, str) for each in given):
        raise ProtocolError(f"{name}: expected a list of at most {most} texts, got {describe(given)}")
    return given
