"""``camera``: the position of the camera over the focus."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.snapshot import CameraState, Snapshot
from openspace_server.instance.api.topics.base import Subscription
from openspace_server.protocols.units import ASTRONOMICAL_UNIT, LIGHT_YEAR, PARSEC

_UNITS = (("m", 1.0), ("km", 1e3), ("AU", ASTRONOMICAL_UNIT), ("ly", LIGHT_YEAR), ("pc", PARSEC))


class CameraTopic(Subscription):
    """Degrees, and the altitude both in a readable unit and in metres; whenever it changes."""

    names = ("camera",)
    interests = frozenset({"camera"})
    _sent: CameraState | None = None

    async def start(self, payload: dict[str, Any]) -> None:
        state = await self.query(CameraState.of)
        if state is not None:
            self.send(_data(state))
        self._sent = state

    def on_snapshot(self, snapshot: Snapshot) -> None:
        state = snapshot.camera
        if state is None or state == self._sent or self._connection.is_congested:
            return
        self.send_text(snapshot.encoded("camera", lambda: _data(state)))
        self._sent = state


def _data(state: CameraState) -> dict[str, Any]:
    unit, size = next((each for each in reversed(_UNITS) if abs(state.position.altitude) >= each[1]), _UNITS[0])
    data: dict[str, Any] = {
        "latitude": state.position.latitude,
        "longitude": state.position.longitude,
        "altitude": state.position.altitude / size,
        "altitudeUnit": unit,
        "altitudeMeters": state.position.altitude,
    }
    if state.view is not None:
        data |= {
            "viewLatitude": state.view.latitude,
            "viewLongitude": state.view.longitude,
            "viewLength": state.view.altitude,
        }
    if state.subsolar is not None:
        data |= {"subSolarLatitude": state.subsolar.latitude, "subSolarLongitude": state.subsolar.longitude}
    return data
