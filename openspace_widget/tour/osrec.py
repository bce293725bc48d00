"""OpenSpace session recordings (``.osrectxt``, ASCII), as OpenSpace up to 0.20 writes them, to tours and back.

A line is ``camera <os> <recorded> <simulation> <x y z> <qx qy qz qw> <scale> <F|-> <focus>`` or
``script <os> <recorded> <simulation> <lines> <script>``; ``time`` lines are left out, since every camera line tells the
simulation time. Times in seconds, simulation time past J2000 (TDB, taken as TT). Position in metres from the focus;
the quaternion turns camera axes (x right, y up, looking along -z) into the axes of the focus (``F``) or of the world.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import erfa
import numpy as np

from openspace_server.geometry import quaternions as quat
from openspace_server.geometry.world import CAMERA
from openspace_widget.errors import ArgumentError
from openspace_widget.lua import literal
from openspace_widget.session import Session
from openspace_widget.tour.places import navigation_state, orientation_of
from openspace_widget.tour.stops import Stop
from openspace_widget.units import iso

if TYPE_CHECKING:
    from openspace_widget.tour.tour import Tour

TITLE = "OpenSpace_record/playback"
VERSION = "01.00"
KEYFRAMES = 30.0
"""Camera lines per second."""
MOST_LINES = 1_000_000
_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)


async def text_of(session: Session, tour: Tour) -> str:
    """``tour`` as a recording. Raises RequestError, ArgumentError."""
    route = await tour.planned(session)
    lines, reached = [f"{TITLE}{VERSION}A"], 0
    for moment in await route.moments(session, route.times(KEYFRAMES)):
        times = f"{moment.seconds:.6f} {moment.seconds:.6f} {_to_tdb(moment.time):.3f}"
        while reached < len(route.stops) and route.schedule.arrive[reached] <= moment.seconds + 1e-9:
            script = _script(route.stops[reached])
            reached += 1
            if script:
                lines.append(f"script {times} {script.count(chr(10)) + 1} {script}")
        turned = quat.from_matrix(quat.matrix(orientation_of(moment.camera)) @ CAMERA)
        w, x, y, z = turned.tolist()
        position = " ".join(f"{each:.7f}" for each in moment.camera["Position"])
        rotation = f"{x:.17g} {y:.17g} {z:.17g} {w:.17g}"
        lines.append(f"camera {times} {position} {rotation} 1.000000e+00 - {moment.anchor}")
    return "\n".join(lines) + "\n"


def _script(stop: Stop) -> str:
    """What a stop does on arrival, as Lua."""
    sets = [f"openspace.setPropertyValue({literal(uri)}, {literal(value)})" for uri, value in stop.properties.items()]
    return "\n".join([*sets, *stop.lua.splitlines()])


def read(text: str, name: str) -> Tour:
    """The tour that a recording shows: a stop for each camera line. Raises ArgumentError naming what is wrong."""
    from openspace_widget.tour.tour import Tour

    rows = text.splitlines()
    if not rows or not rows[0].startswith(TITLE):
        raise ArgumentError(f"not an OpenSpace session recording: it must begin with {TITLE}")
    if rows[0][len(TITLE) + 5 :].strip()[:1] == "B":
        raise ArgumentError("this session recording is binary; save it in OpenSpace with the data mode Ascii")
    if len(rows) > MOST_LINES:
        raise ArgumentError(f"the session recording has more than {MOST_LINES} lines")
    stops: list[dict[str, Any]] = []
    scripts: list[str] = []
    before, at = 0.0, 1
    while at < len(rows):
        row, used = rows[at].strip(), 1
        try:
            kind = row.split(None, 1)[0] if row and not row.startswith("#") else ""
            if kind == "camera":
                when, stop = _camera(row.split()[1:])
                stop["seconds"] = round(max(0.0, when - before), 6)
                if scripts:
                    stop["lua"] = "\n".join(scripts)
                    scripts = []
                before = when
                stops.append(stop)
            elif kind == "script":
                fields = row.split(None, 5)
                used = int(fields[4])
                if not 1 <= used <= len(rows) - at:
                    raise ValueError(f"a script of {used} lines does not fit")
                scripts.append("\n".join([fields[5] if len(fields) > 5 else "", *rows[at + 1 : at + used]]))
            elif kind not in ("", "time"):
                raise ValueError(f"unknown kind of line {kind[:40]!r}: camera, time and script are known")
        except (ValueError, IndexError) as problem:
            raise ArgumentError(f"line {at + 1} of the session recording: {problem}") from None
        at += used
    if not stops:
        raise ArgumentError("the session recording has no camera lines")
    stops[0]["seconds"] = None
    return Tour([Stop(**stop) for stop in stops], name=name)


def _camera(fields: list[str]) -> tuple[float, dict[str, Any]]:
    """Seconds since the recording's start, and the stop. Files of 0.21 have two times, not three."""
    count = len(fields) - 10
    if count not in (2, 3):
        raise ValueError("expected: camera, the times, position, rotation, scale, F or -, focus")
    numbers = [float(each) for each in fields[:-2]]
    if not all(math.isfinite(each) for each in numbers):
        raise ValueError("all numbers must be finite")
    recorded, simulation = numbers[count - 2 : count]
    position, (x, y, z, w) = np.array(numbers[count : count + 3]), numbers[count + 3 : count + 7]
    follows, focus = fields[-2:]
    if follows not in ("F", "-"):
        raise ValueError(f"expected F or - before the focus, got {follows[:40]!r}")
    rotation = np.array((w, x, y, z))
    if float(rotation @ rotation) < 1e-12 or not position.any():
        raise ValueError("the rotation is no quaternion, or the camera is inside of its focus")
    turned = quat.from_matrix(quat.matrix(quat.unit(rotation)) @ CAMERA.T)
    camera = navigation_state(focus, position, turned)
    camera["ReferenceFrame"] = focus if follows == "F" else "Root"
    return recorded, {"camera": camera, "time": iso(_from_tdb(simulation))}


def _to_tdb(time: datetime) -> float:
    return (time - _J2000).total_seconds() + _offset(time)


def _from_tdb(seconds: float) -> datetime:
    try:
        about = _J2000 + timedelta(seconds=seconds)
        exact = _J2000 + timedelta(seconds=seconds - _offset(about - timedelta(seconds=_offset(about))))
    except OverflowError:
        raise ValueError(f"{seconds:g} seconds past J2000 is outside the years 1 to 9999") from None
    return exact.replace(microsecond=round(exact.microsecond, -3) % 1_000_000)


def _offset(time: datetime) -> float:
    """TT - UTC in seconds; before leap seconds as SPICE has it."""
    if time.year < 1972:
        return 41.184
    return 32.184 + float(erfa.dat(min(time.year, 2026), time.month, time.day, 0.0))
