"""Requests of camera tours: future positions of bodies, and the camera set many times a second."""

from __future__ import annotations

from typing import Any

import numpy as np

from openspace_server.instance.viewers.array_reply import ArrayReply
from openspace_server.instance.viewers.instance_access import InstanceAccess
from openspace_server.instance.viewers.viewer import Viewer
from openspace_server.protocols.fields import ProtocolError, boolean, describe, text

MAX_TARGETS, MAX_TIMES = 256, 2000


async def whereabouts(instance: InstanceAccess, viewer: Viewer, arguments: dict[str, Any]) -> ArrayReply:
    """Arrays ``positions`` float64 ``(times, targets, 3)``, metres from the Sun in OpenSpace's world axes, and
    ``rotations`` ``(times, targets, 3, 3)`` from body-fixed axes."""
    if not viewer.transport.carries_arrays:
        raise ProtocolError("whereabouts: only on the bulk socket, where arrays can be sent")
    if not (viewer.is_steering or viewer.is_owner):
        raise ProtocolError("whereabouts: only for the owner and the viewer that steers")
    targets, times = _texts(arguments, "targets", MAX_TARGETS), _texts(arguments, "times", MAX_TIMES)
    positions, rotations = await instance.stills.body_positions(targets, times)
    arrays = [("positions", positions), ("rotations", rotations)]
    return ArrayReply([(kind, np.ascontiguousarray(array, "<f8")) for kind, array in arrays])


async def place(instance: InstanceAccess, viewer: Viewer, arguments: dict[str, Any]) -> dict[str, bool]:
    """Set camera and time; ``undisturbed`` is False, and nothing is done, if something else has moved the camera since
    this viewer's last ``place``, unless this one has ``begin``."""
    camera = arguments.get("camera")
    if not isinstance(camera, dict):
        raise ProtocolError(f"camera: expected a navigation state, got {describe(camera)}")
    moment = text(arguments, "time", limit=64) if arguments.get("time") is not None else None
    before = None if boolean(arguments, "begin", False) else viewer.tour_pose
    pose = await instance.draw_loop.call(lambda engine, now: engine.set_view(camera, moment, before, now), changes=True)
    if pose is not None:
        viewer.tour_pose = pose
    return {"undisturbed": pose is not None}


def _texts(arguments: dict[str, Any], name: str, most: int) -> list[str]:
    texts = arguments.get(name)
    if not isinstance(texts, list) or len(texts) > most or not all(isinstance(each, str) for each in texts):
        raise ProtocolError(f"{name}: expected a list of at most {most} texts, got {describe(texts)}")
    return texts
