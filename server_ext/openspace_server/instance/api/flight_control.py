"""The virtual joysticks of all connections, added up.

Values persist until the next message of their connection, and end with it: a lost connection cannot leave the camera
drifting.
"""

from __future__ import annotations

from collections.abc import Mapping

from openspace_server.engines.base import EngineError
from openspace_server.engines.scene_engine import JOYSTICK_AXES
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.program_access import ProgramPort


class FlightControl:
    """Lives on the event loop."""

    def __init__(self, port: ProgramPort) -> None:
        self._port = port
        self._inputs: dict[object, dict[str, float]] = {}
        self._sent: dict[str, float] = {}

    async def put(self, key: object, axes: Mapping[str, float]) -> None:
        """The present input of ``key``; absent axes are 0. Raises EngineError."""
        self._inputs[key] = {axis: number for axis, number in axes.items() if number}
        await self._send()

    async def remove(self, key: object) -> None:
        """``key`` has let go, or is gone. Raises EngineError."""
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

        def steer(program: ScriptHost) -> None:
            try:
                program.engine.joystick(total, program.now)
            except EngineError as error:
                program.log.warning("FlightControllerTopic", str(error))

        await self._port.run(steer, changes=True)
