"""Flight control: the sum of the virtual joysticks of all connections.

Values persist until the next message of their connection, and end with it, so that a lost connection cannot leave the
camera drifting.
"""

from __future__ import annotations

from collections.abc import Mapping

from openspace_server.engines.base import EngineError
from openspace_server.engines.scene_engine import JOYSTICK_AXES
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.script_access import ScriptAccess


class FlightControl:
    """Lives on the event loop."""

    def __init__(self, scripts: ScriptAccess) -> None:
        self._scripts = scripts
        self._inputs: dict[object, dict[str, float]] = {}
        self._sent: dict[str, float] = {}

    async def put(self, key: object, axes: Mapping[str, float]) -> None:
        """The present input of ``key``; absent axes are 0. Raises EngineError."""
        self._inputs[key] = {axis: number for axis, number in axes.items() if number}
        await self._send()

    async def remove(self, key: object) -> None:
        """The input of ``key`` has ended. Raises EngineError."""
        if self._inputs.pop(key, None):
            await self._send()

    async def _send(self) -> None:
        total = {
            axis: max(-1.0, min(1.0, sum(axes.get(axis, 0.0) for axes in self._inputs.values())))
            for axis in JOYSTICK_AXES
        }
        total = {axis: number for axis, number in total.items() if number}
        if not total and not self._sent:
            return
        self._sent = total

        def steer(script_host: ScriptHost) -> None:
            try:
                script_host.engine.joystick(total, script_host.now)
            except EngineError as error:
                script_host.log.warning("FlightControllerTopic", str(error))

        await self._scripts.run(steer, changes=True)
