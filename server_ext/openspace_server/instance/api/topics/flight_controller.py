"""``flightcontroller``: a virtual joystick whose values persist until the next message."""

from __future__ import annotations

import math
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.scene_engine import JOYSTICK_AXES
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.topics.base import Topic
from openspace_server.protocols.fields import ProtocolError, boolean, describe, text

_FRICTIONS = {"roll": "RollFriction", "rotation": "RotationalFriction", "zoom": "ZoomFriction"}


class FlightControllerTopic(Topic):
    """1.0: ``{"event": "connect" | "disconnect" | "inputState", "inputState": {axis: number}}``, no answers. Legacy:
    ``{"type": …}``, the axes in ``inputState.values``, with answers to connect and disconnect, and also ``updateView``,
    ``friction`` and ``lua``."""

    names = ("flightcontroller",)

    async def receive(self, payload: dict[str, Any]) -> None:
        order = payload.get("type" if "type" in payload else "event")
        if order == "inputState":
            await self._connection.context.flight.put(self, _axes(payload.get("inputState")))
        elif order == "connect":
            if self.is_legacy:
                self.send(await self.query(_nodes))
        elif order == "disconnect":
            await self._connection.context.flight.remove(self)
            if self.is_legacy:
                self.send({"type": "disconnect", "disconnect": {"success": True}})
            self.is_done = True
        elif order == "updateView" and self.is_legacy:
            await self._update_view(_part(payload, "updateView"))
        elif order == "friction" and self.is_legacy:
            await self._set_friction(_part(payload, "friction"))
        elif order == "lua" and self.is_legacy:
            script = text(payload, "script" if "script" in payload else "lua", limit=100_000)
            await self.change(lambda script_host: script_host.queue_script(script))
        else:
            raise ProtocolError(f"expected connect, disconnect or inputState, got {describe(order)}")

    async def close(self) -> None:
        await super().close()
        await self._connection.context.flight.remove(self)

    async def _update_view(self, view: dict[str, Any]) -> None:
        focus = view.get("focus") or view.get("anchor")
        if not isinstance(focus, str):
            raise ProtocolError(f"updateView: expected focus or anchor, got {describe(view)}")
        await self.change(lambda script_host: script_host.engine.set_focus(focus))

    async def _set_friction(self, friction: dict[str, Any]) -> None:
        frictions = {uri: boolean(friction, name) for name, uri in _FRICTIONS.items() if name in friction}

        def put(script_host: ScriptHost) -> None:
            for name, on in frictions.items():
                script_host.set_property(f"NavigationHandler.OrbitalNavigator.Friction.{name}", on)

        await self.change(put)


def _part(payload: dict[str, Any], name: str) -> dict[str, Any]:
    part = payload.get(name)
    if not isinstance(part, dict):
        raise ProtocolError(f"{name}: expected an object, got {describe(part)}")
    return part


def _axes(state: Any) -> dict[str, float]:
    """The axes of an input state, in either dialect's form. Raises ProtocolError."""
    if not isinstance(state, dict):
        raise ProtocolError(f"inputState: expected an object, got {describe(state)}")
    axes = state["values"] if isinstance(state.get("values"), dict) else state
    unknown = [axis for axis in axes if axis not in JOYSTICK_AXES]
    if unknown:
        raise ProtocolError(f"inputState: unknown axis {describe(unknown[0])}: there are {', '.join(JOYSTICK_AXES)}")
    for axis, number in axes.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise ProtocolError(f"inputState: {axis}: expected a finite number, got {describe(number)}")
    return {axis: max(-1.0, min(1.0, float(number))) for axis, number in axes.items()}


def _nodes(script_host: ScriptHost) -> dict[str, Any]:
    try:
        focus = script_host.engine.focus
    except EngineError:
        focus = ""
    nodes = {each.name: {"identifier": each.identifier, "enabled": True} for each in script_host.engine.targets()}
    return {
        "type": "connect",
        "connect": {"focusNodes": nodes, "allNodes": nodes, "interestingTimes": {}, "focus": focus},
    }
