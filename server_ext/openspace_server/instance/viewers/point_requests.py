"""What viewers may ask for about points: list, restyle, remove, and which point is under the pointer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import Engine
from openspace_server.instance.viewers.point_clouds import points_of
from openspace_server.protocols.fields import ProtocolError, boolean, describe, number, text

if TYPE_CHECKING:
    from openspace_server.instance.viewers.viewer import Conversation

Arguments = dict[str, Any]
HOW = ("hover", "click")


async def points(who: Conversation, arguments: Arguments, id: int) -> Any:
    return await who.instance.points.listing()


async def style_points(who: Conversation, arguments: Arguments, id: int) -> Any:
    changes = arguments.get("options")
    if not isinstance(changes, dict):
        raise ProtocolError(f"options: expected an object, got {describe(changes)}")
    return await who.instance.points.style(text(arguments, "name", limit=128), changes)


async def remove_points(who: Conversation, arguments: Arguments, id: int) -> Any:
    await who.instance.points.remove(text(arguments, "name", limit=128))
    return {}


async def pick(who: Conversation, arguments: Arguments, id: int) -> Any:
    """The point at ``x``, ``y`` (0 to 1 from the left and the top), null where there is none. Those that watch hear
    of it, too."""
    x, y = number(arguments, "x"), number(arguments, "y")
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ProtocolError(f"x, y: {x:g}, {y:g} is outside the picture, 0 to 1")
    how = text(arguments, "how", limit=8, default="click")
    if how not in HOW:
        raise ProtocolError(f"how: expected hover or click, got {describe(how)}")

    def find(engine: Engine, now: float) -> Any:
        return points_of(engine).pick(x, y)

    if not who.instance.points.names:
        return None
    picked = await who.instance.draw_loop.call(find)
    cloud = who.instance.points.of_identifier(picked.identifier) if picked is not None else None
    if picked is None or cloud is None:
        return None
    told = {
        "name": cloud.name,
        "index": int(picked.index),
        "sequence": cloud.sequence,
        "value": None if picked.value is None else float(picked.value),
        "how": how,
    }
    for other in who.instance.conversations:
        if other.watches_picks:
            other.tell(json.dumps({"type": "picked", "viewer": who.viewer, **told}))
    return told


async def watch_picks(who: Conversation, arguments: Arguments, id: int) -> Any:
    """Hear what others pick (``watch``); views then ask what is under a resting pointer, too."""
    watch = boolean(arguments, "watch", True)
    if watch:
        await who.instance.draw_loop.call(lambda engine, now: points_of(engine).check_picking())
    who.watches_picks = watch
    who.instance.tell_state()
    return {}
