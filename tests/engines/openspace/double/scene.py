"""Camera and time change as OpenSpace's do: what a script sets in one frame holds from the next one on."""

from __future__ import annotations

import logging
from typing import Any

from openspace_server.engines.base import EngineError
from tests.engines.openspace.double.point_clouds import PointCloudEngine

log = logging.getLogger("openspace.NavigationHandler")


class Scene(PointCloudEngine):
    """The embedded engine's sky, until the next frame with the camera and time of before."""

    def __init__(self) -> None:
        super().__init__()
        self._next_time: str | None = None
        self._next_camera: dict[str, Any] | None = None

    def set_time(self, time: str, now: float) -> None:
        self._next_time = time

    def set_camera(self, state: dict[str, Any], now: float) -> None:
        self._next_camera = state

    def begin_frame(self, now: float) -> bool:
        """Time first, then the camera, which is relative to the bodies then. Whether something changed."""
        time, self._next_time = self._next_time, None
        camera, self._next_camera = self._next_camera, None
        if time is not None:
            super().set_time(time, now)
        if camera is not None:
            try:
                super().set_camera(camera, now)
            except EngineError as problem:
                log.error("%s", problem)
        return time is not None or camera is not None
