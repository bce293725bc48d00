"""Requests about points: list, restyle, remove, and pick the point under the pointer."""

from __future__ import annotations

import json
from typing import Any

from openspace_server.engines.base import Engine
from openspace_server.instance.viewers.instance_access import InstanceAccess
from openspace_server.instance.viewers.point_clouds import points_of
from openspace_server.instance.viewers.viewer import Viewer
from openspace_server.protocols.fields import ProtocolError, boolean, describe, number, text

Arguments = dict[str, Any]
HOW = ("hover", "click")


async def points(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    return await instance.points.listing()


async def style_points(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    changes = arguments.get("options")
    if not isinstance(changes, dict):
        raise ProtocolError(f"options: expected an object, got {describe(changes)}")
    return await instance.points.style(text(arguments, "name", limit=128), changes)


async def remove_points(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    await instance.points.remove(text(arguments, "name", limit=128))
    return {}


async def pick(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    """The point at ``x``, ``y`` (0 to 1 from the left and the top), null where there is none. It is also sent to the
    viewers that watch picks."""
    x, y = number(arguments, "x"), number(arguments, "y")
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ProtocolError(f"x, y: {x:g}, {y:g} is outside the frame, 0 to 1")
    how = text(arguments, "how", limit=8, default="click")
    if how not in HOW:
        raise ProtocolError(f"how: expected hover or click, got {describe(how)}")

    def find(engine: Engine, now: float) -> Any:
        return points_of(engine).pick(x, y)

    if not instance.points.names:
        return None
    picked = await instance.draw_loop.call(find)
    cloud = instance.points.of_node(picked.identifier) if picked is not None else None
    if picked is None or cloud is None:
        return None
    result = {
        "name": cloud.name,
        "index": int(picked.index),
        "sequence": cloud.sequence,
        "value": None if picked.value is None else float(picked.value),
        "how": how,
    }
    for other in instance.attached:
        if other.watches_picks:
            other.announce(json.dumps({"type": "picked", "viewer": viewer.name, **result}))
    return result


async def watch_picks(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    """Receive the picks of all viewers (``watch``); views then also pick the point under a resting pointer."""
    watch = boolean(arguments, "watch", True)
    if watch:
        await instance.draw_loop.call(lambda engine, now: points_of(engine).check_picking())
    viewer.watches_picks = watch
    instance.announce_state()
    return {}
