"""Requests of viewers: one function for each verb, and the table of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import Engine, EngineError
from openspace_server.engines.scripting.changes import apply_changes, read_changes
from openspace_server.instance.viewers import point_requests, tour_requests
from openspace_server.instance.viewers.array_reply import ArrayReply, Delivery
from openspace_server.instance.viewers.instance_access import InstanceAccess
from openspace_server.instance.viewers.metrics import prometheus, stats_message
from openspace_server.instance.viewers.viewer import GRABS, Viewer
from openspace_server.protocols.fields import ProtocolError, boolean, describe, integer, number, text
from openspace_server.protocols.frame_request import FrameRequest
from openspace_server.protocols.limits import check_bit_rate, check_frame_rate, check_size
from openspace_server.protocols.shared_memory import OfferedMemory, SharedMemoryUnavailable
from openspace_server.protocols.viewer import Request

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost

Arguments = dict[str, Any]
MAX_DURATION = 3600.0
"""Seconds a flight may take."""


@dataclass(frozen=True)
class RequestHandler:
    """``run(instance, viewer, arguments)`` gives the reply's result, or an :class:`ArrayReply`."""

    run: Callable[[InstanceAccess, Viewer, Arguments], Awaitable[Any]]
    needs_steering: bool = False


async def answer(instance: InstanceAccess, viewer: Viewer, request: Request) -> Any:
    """Carry out one request.

    Raises:
        ProtocolError, EngineError: with the reason to send back.
    """
    handler = HANDLERS.get(request.verb)
    if handler is None:
        raise ProtocolError(f"verb: expected one of {', '.join(HANDLERS)}, got {describe(request.verb)}")
    if handler.needs_steering and not viewer.is_steering:
        raise ProtocolError(f"{request.verb}: {viewer.refusal()}")
    return await handler.run(instance, viewer, request.arguments)


# -- the engine --------------------------------------------------------------------------------------------------------


async def state(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    return await instance.fresh_state()


async def targets(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    found = await instance.draw_loop.call(lambda engine, now: engine.targets())
    return [{"identifier": t.identifier, "name": t.name, "kind": t.kind, "radius": t.radius} for t in found]


async def camera(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    return await instance.draw_loop.call(lambda engine, now: engine.camera(), fresh=True)


async def set_camera(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    state = arguments.get("camera")
    if not isinstance(state, dict):
        raise ProtocolError(f"camera: expected a navigation state, got {describe(state)}")

    def command(engine: Engine, now: float) -> dict[str, Any]:
        engine.set_camera(state, now)
        return engine.camera()

    return await instance.draw_loop.call(command, changes=True)


async def fly_to(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    target = text(arguments, "target", limit=256)
    duration = number(arguments, "duration", 4.0)
    if not 0 <= duration <= MAX_DURATION:
        raise ProtocolError(f"duration: {duration:g} is outside 0 to {MAX_DURATION:g} seconds")
    distance = None if arguments.get("distance") is None else number(arguments, "distance")
    if distance is not None and distance <= 0:
        raise ProtocolError(f"distance: {distance:g} metres is not in front of the target")
    has_arrived = await instance.draw_loop.fly(
        lambda engine, now: engine.fly_to(target, duration, distance, now), duration
    )
    return {"arrived": has_arrived}


async def set_focus(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    target = text(arguments, "target", limit=256)
    return await _changed(instance, lambda engine, now: engine.set_focus(target))


async def home(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    return await _changed(instance, lambda engine, now: engine.home(now))


async def set_time(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    moment = text(arguments, "time", limit=64)
    return await _changed(instance, lambda engine, now: engine.set_time(moment, now))


async def set_rate(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    rate = number(arguments, "rate")
    return await _changed(instance, lambda engine, now: engine.set_rate(rate, now))


async def set_paused(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    paused = boolean(arguments, "paused")
    return await _changed(instance, lambda engine, now: engine.set_paused(paused, now))


async def _changed(instance: InstanceAccess, command: Callable[[Engine, float], None]) -> dict[str, Any]:
    """The state after ``command``."""
    await instance.draw_loop.call(command, changes=True)
    return instance.state_message()


async def properties(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    if not (viewer.is_steering or viewer.is_trusted):
        raise ProtocolError("properties: only for the owner and the viewer that steers")
    script_host = await _script_host(instance)
    return await instance.draw_loop.call(lambda engine, now: read_changes(script_host.at(now)))


async def set_properties(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    if not (viewer.is_observer and viewer.is_owner):
        raise ProtocolError("set_properties: only the orchestrator may, for an instance that is started again")
    script_host = await _script_host(instance)
    changes = arguments.get("properties")
    refused = await instance.draw_loop.call(
        lambda engine, now: apply_changes(script_host.at(now), changes), changes=True
    )
    return {"refused": refused}


async def _script_host(instance: InstanceAccess) -> ScriptHost:
    script_host = await asyncio.shield(instance.script_host)
    if script_host is None:
        raise EngineError("this engine has no properties")
    return script_host


# -- frames ------------------------------------------------------------------------------------------------------------


async def resolution(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    width, height = check_size(arguments)
    is_following = boolean(arguments, "follow", False)
    await instance.change_settings(lambda settings: settings.sized(width, height, follow=is_following))
    return await instance.fresh_state()


async def follow(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    await instance.change_settings(lambda settings: replace(settings, is_following=True))
    return await instance.fresh_state()


async def quality(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    changes: dict[str, Any] = {}
    if "bit_rate" in arguments:
        follows_size = arguments["bit_rate"] is None
        changes["chosen_bit_rate"] = None if follows_size else check_bit_rate(arguments)
    if "frame_rate" in arguments:
        is_automatic = arguments["frame_rate"] is None
        changes["chosen_frame_rate"] = None if is_automatic else check_frame_rate(arguments)
    await instance.change_settings(lambda settings: replace(settings, **changes))
    return await instance.fresh_state()


async def frame(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    if not viewer.transport.carries_arrays:
        raise ProtocolError("frame: only on the bulk socket, where arrays can be sent")
    is_privileged = viewer.is_steering or viewer.is_owner
    if not (is_privileged or viewer.grab_limit.allows(time.monotonic())):
        raise ProtocolError(f"frame: a viewer that does not steer gets at most {GRABS:g} per second")
    request = FrameRequest.read(arguments)
    if not (request.is_live or is_privileged):
        raise ProtocolError(
            "frame: another size, time or camera, and depth and ids, are only for the owner and the viewer that steers"
        )
    delivery = Delivery.read(arguments, viewer.memory)
    size = (instance.settings.width, instance.settings.height)
    grabbed = await instance.frame_grabs.grab(request, size)
    return ArrayReply(grabbed.arrays, grabbed.fields, delivery)


async def share_memory(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    if not (viewer.transport.carries_arrays and viewer.is_trusted):
        raise ProtocolError("share_memory: only for the owner, on the bulk socket")
    if arguments.get("proof") is not None:
        proof = text(arguments, "proof", limit=128)
        return {"shared": viewer.memory is not None and viewer.memory.prove(proof)}
    viewer.forget_memory()
    try:
        viewer.memory = OfferedMemory()
    except SharedMemoryUnavailable:
        return {"path": None}
    return {"path": str(viewer.memory.path)}


async def drawn(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    grabbed = instance.frame_grabs.find(integer(arguments, "frame", 1, 2**53))
    if grabbed is None:
        known = instance.frame_grabs.known()
        raise EngineError(f"frame {arguments['frame']} is not one of the last grabbed: {known}")
    return asdict(await asyncio.to_thread(grabbed.digest))


async def key_frame(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    viewer.request_key_frame()
    return {}


# -- viewers -----------------------------------------------------------------------------------------------------------


async def who(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    return {
        "you": viewer.name,
        "viewers": [
            {
                "viewer": other.name,
                "role": other.role,
                "owner": other.is_owner,
                "steers": other.is_steering,
                "asks": instance.steering.has_requested(other),
                "transport": other.transport.transport_name,
            }
            for other in instance.viewers
        ],
    }


async def request_control(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    return {"granted": instance.steering.request(viewer)}


async def release_control(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    instance.steering.release(viewer)
    return instance.steering.message()


async def give_control(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    instance.steering.give(viewer, text(arguments, "viewer", limit=80))
    return instance.steering.message()


async def take_control(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    instance.steering.take(viewer)
    return instance.steering.message()


async def dismiss(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    share = text(arguments, "share", limit=64)
    if not viewer.is_owner:
        raise ProtocolError("dismiss: only the owner may")
    if not share:
        raise ProtocolError("share: expected the id of a link")
    return {"dismissed": instance.dismiss(share)}


async def stats(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    if arguments.get("watch") is not None:
        viewer.watches_stats = boolean(arguments, "watch")
    return stats_message(instance)


async def metrics(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    return {"text": prometheus(instance)}


async def ping(instance: InstanceAccess, viewer: Viewer, arguments: Arguments) -> Any:
    return {}


HANDLERS: dict[str, RequestHandler] = {
    "state": RequestHandler(state),
    "targets": RequestHandler(targets),
    "camera": RequestHandler(camera),
    "set_camera": RequestHandler(set_camera, needs_steering=True),
    "fly_to": RequestHandler(fly_to, needs_steering=True),
    "set_focus": RequestHandler(set_focus, needs_steering=True),
    "home": RequestHandler(home, needs_steering=True),
    "set_time": RequestHandler(set_time, needs_steering=True),
    "set_rate": RequestHandler(set_rate, needs_steering=True),
    "set_paused": RequestHandler(set_paused, needs_steering=True),
    "properties": RequestHandler(properties),
    "set_properties": RequestHandler(set_properties),
    "resolution": RequestHandler(resolution, needs_steering=True),
    "follow": RequestHandler(follow, needs_steering=True),
    "quality": RequestHandler(quality, needs_steering=True),
    "frame": RequestHandler(frame),
    "share_memory": RequestHandler(share_memory),
    "drawn": RequestHandler(drawn),
    "place": RequestHandler(tour_requests.place, needs_steering=True),
    "whereabouts": RequestHandler(tour_requests.whereabouts),
    "stats": RequestHandler(stats),
    "metrics": RequestHandler(metrics),
    "key_frame": RequestHandler(key_frame),
    "who": RequestHandler(who),
    "request_control": RequestHandler(request_control),
    "release_control": RequestHandler(release_control),
    "give_control": RequestHandler(give_control),
    "take_control": RequestHandler(take_control),
    "dismiss": RequestHandler(dismiss),
    "ping": RequestHandler(ping),
    "points": RequestHandler(point_requests.points),
    "style_points": RequestHandler(point_requests.style_points, needs_steering=True),
    "remove_points": RequestHandler(point_requests.remove_points, needs_steering=True),
    "pick": RequestHandler(point_requests.pick),
    "watch_picks": RequestHandler(point_requests.watch_picks),
}
