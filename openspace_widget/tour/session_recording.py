"""Conversion between tours and OpenSpace session recordings (:mod:`openspace_server.protocols.session_recording`).

``time`` lines are left out, since every camera line has the simulation time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from openspace_server.geometry import quaternions as quat
from openspace_server.geometry.world import CAMERA
from openspace_server.protocols import j2000, session_recording
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.session_recording import CameraLine, CameraPose, Line, ScriptLine, Times
from openspace_widget.client.client import Client
from openspace_widget.client.lua import literal
from openspace_widget.errors import ArgumentError
from openspace_widget.tour.poses import navigation_state, orientation_of
from openspace_widget.tour.route import Route
from openspace_widget.tour.stops import Stop
from openspace_widget.units import iso

KEYFRAMES = 30.0
"""Camera lines per second."""
MOST_LINES = 1_000_000


async def write(client: Client, route: Route) -> str:
    """``route`` as the text of a recording. Raises RequestError, ArgumentError."""
    lines: list[Line] = []
    reached = 0
    for moment in await route.moments(client, route.times(KEYFRAMES)):
        times = Times(moment.seconds, moment.seconds, j2000.to_seconds(moment.time))
        while reached < len(route.stops) and route.schedule.arrive[reached] <= moment.seconds + 1e-9:
            script = _script(route.stops[reached])
            reached += 1
            if script:
                lines.append(ScriptLine(times, script))
        w, i, j, k = quat.from_matrix(quat.matrix(orientation_of(moment.camera)) @ CAMERA).tolist()
        x, y, z = moment.camera["Position"]
        lines.append(CameraLine(times, CameraPose(moment.anchor, (x, y, z), (i, j, k, w))))
    return "".join(session_recording.write(lines))


def _script(stop: Stop) -> str:
    """What a stop does on arrival, as Lua."""
    sets = [f"openspace.setPropertyValue({literal(uri)}, {literal(value)})" for uri, value in stop.properties.items()]
    return "\n".join([*sets, *stop.lua.splitlines()])


def read(text: str) -> list[Stop]:
    """The stops of a recording, one for each camera line. Raises ArgumentError naming what is wrong."""
    stops: list[dict[str, Any]] = []
    scripts: list[str] = []
    before = 0.0
    try:
        lines = session_recording.read(text)
        if len(lines) > MOST_LINES:
            raise ArgumentError(f"the session recording has more than {MOST_LINES} lines")
        for line in lines:
            if isinstance(line, ScriptLine):
                scripts.append(line.script)
            elif isinstance(line, CameraLine):
                stops.append(_stop(line) | {"seconds": round(max(0.0, line.times.recorded - before), 6)})
                if scripts:
                    stops[-1]["lua"] = "\n".join(scripts)
                    scripts = []
                before = line.times.recorded
    except ProtocolError as problem:
        raise ArgumentError(str(problem)) from None
    if not stops:
        raise ArgumentError("the session recording has no camera lines")
    stops[0]["seconds"] = None
    return [Stop(**stop) for stop in stops]


def _stop(line: CameraLine) -> dict[str, Any]:
    """Camera and time. Raises ArgumentError, ProtocolError."""
    pose, position = line.pose, np.array(line.pose.position)
    if not position.any():
        raise ArgumentError(f"a camera of the session recording is inside of its focus, {pose.focus}")
    i, j, k, w = pose.rotation
    turned = quat.from_matrix(quat.matrix(np.array((w, i, j, k))) @ CAMERA.T)
    camera = navigation_state(pose.focus, position, turned)
    camera["ReferenceFrame"] = pose.focus if pose.follows_rotation else "Root"
    rounded = j2000.from_seconds(line.times.simulation) + timedelta(microseconds=500)
    return {"camera": camera, "time": iso(rounded.replace(microsecond=rounded.microsecond // 1000 * 1000))}
