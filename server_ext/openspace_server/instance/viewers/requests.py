"""What viewers may ask for: one function per verb, and the table that names them (docs/architecture/wire.md)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import Engine, EngineError
from openspace_server.engines.scripting.changes import apply_changes, read_changes
from openspace_server.instance.viewers import point_requests as point_verbs
from openspace_server.instance.viewers import tour_requests as touring
from openspace_server.instance.viewers.array_reply import ArrayReply, Delivery
from openspace_server.instance.viewers.metrics import prometheus
from openspace_server.protocols.fields import ProtocolError, boolean, describe, integer, number, text
from openspace_server.protocols.frame_request import FrameRequest
from openspace_server.protocols.limits import check_bit_rate, check_frame_rate, check_size
from openspace_server.protocols.shared_memory import OfferedMemory, SharedMemoryUnavailable
from openspace_server.protocols.viewer import Request

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost
    from openspace_server.instance.viewers.viewer import Conversation

Arguments = dict[str, Any]
MAX_DURATION = 3600.0
"""Seconds a flight may take."""


@dataclass(frozen=True)
class Verb:
    """``run(who, arguments, id)`` gives the reply's result, or an iterator of binary messages sent in its place."""

    run: Callable[[Conversation, Arguments, int], Awaitable[Any]]
    steers: bool = False


async def answer(who: Conversation, request: Request) -> Any:
    """Carry out one request.

    Raises:
        ProtocolError, EngineError: with the reason to send back.
    """
    verb = VERBS.get(request.verb)
    if verb is None:
        raise ProtocolError(f"verb: expected one of {', '.join(VERBS)}, got {describe(request.verb)}")
    if verb.steers and not who.steers:
        raise ProtocolError(f"{request.verb}: {who.instance.control.refusal(who)}")
    return await verb.run(who, request.arguments, request.id)


async def _state(who: Conversation, arguments: Arguments, id: int) -> Any:
    return await who.instance.fresh_state()


async def _targets(who: Conversation, arguments: Arguments, id: int) -> Any:
    targets = await who.instance.draw_loop.call(lambda engine, now: engine.targets())
    return [{"identifier": t.identifier, "name": t.name, "kind": t.kind, "radius": t.radius} for t in targets]


async def _camera(who: Conversation, arguments: Arguments, id: int) -> Any:
    return await who.instance.draw_loop.call(lambda engine, now: engine.camera(), fresh=True)


async def _set_camera(who: Conversation, arguments: Arguments, id: int) -> Any:
    camera = arguments.get("camera")
    if not isinstance(camera, dict):
        raise ProtocolError(f"camera: expected a navigation state, got {describe(camera)}")

    def place(engine: Engine, now: float) -> dict[str, Any]:
        engine.set_camera(camera, now)
        return engine.camera()

    return await who.instance.draw_loop.call(place, changes=True)


async def _fly_to(who: Conversation, arguments: Arguments, id: int) -> Any:
    target = text(arguments, "target", limit=256)
    duration = number(arguments, "duration", 4.0)
    if not 0 <= duration <= MAX_DURATION:
        raise ProtocolError(f"duration: {duration:g} is outside 0 to {MAX_DURATION:g} seconds")
    distance = None if arguments.get("distance") is None else number(arguments, "distance")
    if distance is not None and distance <= 0:
        raise ProtocolError(f"distance: {distance:g} metres is not in front of the target")
    arrived = await who.instance.draw_loop.fly(
        lambda engine, now: engine.fly_to(target, duration, distance, now), duration
    )
    return {"arrived": arrived}


def _changing(change: Callable[[Arguments], Callable[[Engine, float], None]]) -> Verb:
    """A verb that changes the engine and replies with the state; ``change`` checks the arguments first."""

    async def run(who: Conversation, arguments: Arguments, id: int) -> Any:
        await who.instance.draw_loop.call(change(arguments), changes=True)
        return who.instance.state_message()

    return Verb(run, steers=True)


def _set_focus(arguments: Arguments) -> Callable[[Engine, float], None]:
    target = text(arguments, "target", limit=256)
    return lambda engine, now: engine.set_focus(target)


def _home(arguments: Arguments) -> Callable[[Engine, float], None]:
    return lambda engine, now: engine.home(now)


def _set_time(arguments: Arguments) -> Callable[[Engine, float], None]:
    moment = text(arguments, "time", limit=64)
    return lambda engine, now: engine.set_time(moment, now)


def _set_rate(arguments: Arguments) -> Callable[[Engine, float], None]:
    rate = number(arguments, "rate")
    return lambda engine, now: engine.set_rate(rate, now)


def _set_paused(arguments: Arguments) -> Callable[[Engine, float], None]:
    paused = boolean(arguments, "paused")
    return lambda engine, now: engine.set_paused(paused, now)


async def _resolution(who: Conversation, arguments: Arguments, id: int) -> Any:
    width, height = check_size(arguments)
    follow = boolean(arguments, "follow", False)
    await who.instance.change_picture(lambda settings: settings.sized(width, height, follow=follow))
    return await who.instance.fresh_state()


async def _follow(who: Conversation, arguments: Arguments, id: int) -> Any:
    await who.instance.change_picture(lambda settings: replace(settings, is_following=True))
    return await who.instance.fresh_state()


async def _quality(who: Conversation, arguments: Arguments, id: int) -> Any:
    changes: dict[str, Any] = {}
    if "bit_rate" in arguments:
        follows_size = arguments["bit_rate"] is None
        changes["chosen_bit_rate"] = None if follows_size else check_bit_rate(arguments)
    if "frame_rate" in arguments:
        automatic = arguments["frame_rate"] is None
        changes["chosen_frame_rate"] = None if automatic else check_frame_rate(arguments)
    await who.instance.change_picture(lambda settings: replace(settings, **changes))
    return await who.instance.fresh_state()


async def _frame(who: Conversation, arguments: Arguments, id: int) -> Any:
    if not who.carrier.arrays:
        raise ProtocolError("frame: only on the bulk socket, where arrays can be sent")
    if not (who.steers or who.owner or who.grabs.allows(time.monotonic())):
        raise ProtocolError("frame: too many for somebody who does not steer")
    settings, request = who.instance.settings, FrameRequest.read(arguments)
    if not (request.is_live or who.steers or who.owner):
        raise ProtocolError("frame: only who steers may ask for another size, time or camera, or for depth and ids")
    delivery = Delivery.read(arguments, who.memory)
    grabbed = await who.instance.grabs.grab(request, (settings.width, settings.height))
    return ArrayReply(grabbed.arrays, grabbed.fields, delivery).messages(id)


async def _share_memory(who: Conversation, arguments: Arguments, id: int) -> Any:
    if not (who.carrier.arrays and who.of_owner):
        raise ProtocolError("share_memory: only for the owner, on the bulk socket")
    if arguments.get("proof") is not None:
        proof = text(arguments, "proof", limit=128)
        return {"shared": who.memory is not None and who.memory.prove(proof)}
    who.forget_memory()
    try:
        who.memory = OfferedMemory()
    except SharedMemoryUnavailable:
        return {"path": None}
    return {"path": str(who.memory.path)}


async def _drawn(who: Conversation, arguments: Arguments, id: int) -> Any:
    frame = who.instance.grabs.find(integer(arguments, "frame", 1, 2**53))
    if frame is None:
        raise EngineError(f"frame {arguments['frame']} is not one of the last grabbed: {who.instance.grabs.known()}")
    return asdict(await asyncio.to_thread(frame.digest))


async def _who(who: Conversation, arguments: Arguments, id: int) -> Any:
    control = who.instance.control
    present = who.instance.viewers
    return {
        "you": who.viewer,
        "viewers": [
            {
                "viewer": other.viewer,
                "role": other.role,
                "owner": other.owner,
                "steers": other.steers,
                "asks": control.asks(other),
                "transport": other.carrier.transport,
            }
            for other in present
        ],
    }


async def _request_control(who: Conversation, arguments: Arguments, id: int) -> Any:
    return {"granted": who.instance.control.request(who)}


async def _release_control(who: Conversation, arguments: Arguments, id: int) -> Any:
    who.instance.control.release(who)
    return who.instance.control.message()


async def _give_control(who: Conversation, arguments: Arguments, id: int) -> Any:
    who.instance.control.give(who, text(arguments, "viewer", limit=80))
    return who.instance.control.message()


async def _take_control(who: Conversation, arguments: Arguments, id: int) -> Any:
    who.instance.control.take(who)
    return who.instance.control.message()


async def _dismiss(who: Conversation, arguments: Arguments, id: int) -> Any:
    share = text(arguments, "share", limit=64)
    if not who.owner:
        raise ProtocolError("dismiss: only the owner may")
    if not share:
        raise ProtocolError("share: expected the id of a link")
    return {"dismissed": who.instance.dismiss(share)}


async def _stats(who: Conversation, arguments: Arguments, id: int) -> Any:
    if arguments.get("watch") is not None:
        who.watches_stats = boolean(arguments, "watch")
    return who.instance.stats_message()


async def _metrics(who: Conversation, arguments: Arguments, id: int) -> Any:
    return {"text": prometheus(who.instance)}


async def _key_frame(who: Conversation, arguments: Arguments, id: int) -> Any:
    who.want_key()
    return {}


async def _ping(who: Conversation, arguments: Arguments, id: int) -> Any:
    return {}


async def _properties(who: Conversation, arguments: Arguments, id: int) -> Any:
    if not (who.steers or who.of_owner):
        raise ProtocolError("properties: only for the owner and who steers")
    program = await _program(who)
    return await who.instance.draw_loop.call(lambda engine, now: read_changes(program.at(now)))


async def _set_properties(who: Conversation, arguments: Arguments, id: int) -> Any:
    if not (who.observer and who.owner):
        raise ProtocolError("set_properties: only the orchestrator may, for an instance that is started again")
    program = await _program(who)
    told = arguments.get("properties")
    return {
        "refused": await who.instance.draw_loop.call(
            lambda engine, now: apply_changes(program.at(now), told), changes=True
        )
    }


async def _program(who: Conversation) -> ScriptHost:
    program = await asyncio.shield(who.instance.program)
    if program is None:
        raise EngineError("this engine has no properties")
    return program


VERBS: dict[str, Verb] = {
    "state": Verb(_state),
    "targets": Verb(_targets),
    "camera": Verb(_camera),
    "set_camera": Verb(_set_camera, steers=True),
    "fly_to": Verb(_fly_to, steers=True),
    "set_focus": _changing(_set_focus),
    "home": _changing(_home),
    "set_time": _changing(_set_time),
    "set_rate": _changing(_set_rate),
    "set_paused": _changing(_set_paused),
    "properties": Verb(_properties),
    "set_properties": Verb(_set_properties),
    "resolution": Verb(_resolution, steers=True),
    "follow": Verb(_follow, steers=True),
    "quality": Verb(_quality, steers=True),
    "frame": Verb(_frame),
    "share_memory": Verb(_share_memory),
    "drawn": Verb(_drawn),
    "place": Verb(touring.place, steers=True),
    "whereabouts": Verb(touring.whereabouts),
    "stats": Verb(_stats),
    "metrics": Verb(_metrics),
    "key_frame": Verb(_key_frame),
    "who": Verb(_who),
    "request_control": Verb(_request_control),
    "release_control": Verb(_release_control),
    "give_control": Verb(_give_control),
    "take_control": Verb(_take_control),
    "dismiss": Verb(_dismiss),
    "ping": Verb(_ping),
    "points": Verb(point_verbs.points),
    "style_points": Verb(point_verbs.style_points, steers=True),
    "remove_points": Verb(point_verbs.remove_points, steers=True),
    "pick": Verb(point_verbs.pick),
    "watch_picks": Verb(point_verbs.watch_picks),
}
