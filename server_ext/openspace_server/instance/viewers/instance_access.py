"""The contract of the instance: what requests and metrics need of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from openspace_server.instance.drawing.draw_loop import DrawLoop
from openspace_server.instance.drawing.frame_grabs import FrameGrabs
from openspace_server.instance.drawing.stills import Stills
from openspace_server.instance.streaming.director import Director
from openspace_server.instance.streaming.stream_settings import StreamSettings
from openspace_server.instance.viewers.point_clouds import PointClouds
from openspace_server.instance.viewers.steering_control import SteeringControl
from openspace_server.instance.viewers.viewer import Viewer

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost


class InstanceAccess(Protocol):
    """The parts of an instance, and the changes that viewers may request of it."""

    draw_loop: DrawLoop
    director: Director
    frame_grabs: FrameGrabs
    stills: Stills
    points: PointClouds
    steering: SteeringControl
    settings: StreamSettings
    script_host: asyncio.Future[ScriptHost | None]
    """Scripts and properties, some time after the first frame; None if the engine has no scene."""

    @property
    def attached(self) -> Sequence[Viewer]:
        """All viewers, the orchestrator's included, in the order they came."""

    @property
    def viewers(self) -> Sequence[Viewer]:
        """The viewers that watch, in the order they came."""

    async def hello(self) -> dict[str, Any]:
        """The fields of ``hello`` that are the same for all viewers."""

    def state_message(self) -> dict[str, Any]:
        """The state as of the last drawing or change."""

    async def fresh_state(self) -> dict[str, Any]:
        """The state as of now."""

    def announce_state(self) -> None:
        """Send the state to all viewers, soon and not too often."""

    async def change_settings(self, change: Callable[[StreamSettings], StreamSettings]) -> None:
        """Apply ``change`` to the settings. Raises EngineError, changing nothing, if the engine refuses the size."""

    def dismiss(self, share: str) -> int:
        """Disconnect the guests of the link ``share``, now and from now on; the number of them."""
