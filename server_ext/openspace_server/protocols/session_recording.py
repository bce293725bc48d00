"""OpenSpace's session recordings: decoding and encoding of ``.osrectxt`` files.

The first line is ``OpenSpace_record/playback``, a five-character version, and ``A`` for ASCII. Then one line per
keyframe, fields separated by blanks::

    camera <os> <recorded> <simulation> <x> <y> <z> <qx> <qy> <qz> <qw> <scale> <F|-> <focus>
    time   <os> <recorded> <simulation> <delta time> <P|R> <J|->
    script <os> <recorded> <simulation> <number of lines> <script, over so many lines>

``os`` is seconds since the program started, ``recorded`` since the recording started, ``simulation`` ephemeris seconds
past J2000. Position in metres relative to the focus node, rotation a unit quaternion: ``F`` when both are in the axes
of the rotating focus, ``-`` when they are in world axes. ``P`` paused, ``R`` running; ``J`` a jump in time. A line that
begins with ``#`` is a comment.

What is certain: the kinds of lines, the header's words, and the order of the camera's fields, as OpenSpace up to 0.20
writes them (version 01.00), which is what we write. Not verified against a file of 0.21 or later: those are said to
have dropped ``time`` lines, so nothing here depends on them; camera lines with two times instead of three are read too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from openspace_server.protocols.fields import ProtocolError

TITLE = "OpenSpace_record/playback"
VERSION = "01.00"
MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_SCRIPT_LINES = 10_000
_CAMERA_FIELDS = 10


@dataclass(frozen=True)
class CameraPose:
    """The camera as session recordings keep it.

    Attributes:
        focus: identifier of the node that ``position`` is relative to.
        position: metres from the focus; in its body-fixed axes if ``follows_rotation``, else in OpenSpace's world
            axes (galactic).
        rotation: unit quaternion ``(x, y, z, w)`` that turns camera axes (looks along -z, y is up) into those axes.
        scale: OpenSpace's scale of the scene, kept only so that it survives a round trip.
    """

    focus: str
    position: tuple[float, float, float]
    rotation: tuple[float, float, float, float]
    follows_rotation: bool = False
    scale: float = 1.0


@dataclass(frozen=True)
class Times:
    """When a keyframe was taken, in seconds: since the program's start, since the recording's start, past J2000."""

    program: float
    recorded: float
    simulation: float


@dataclass(frozen=True)
class CameraLine:
    times: Times
    pose: CameraPose


@dataclass(frozen=True)
class TimeLine:
    times: Times
    rate: float
    paused: bool
    jump: bool


@dataclass(frozen=True)
class ScriptLine:
    times: Times
    script: str


Line = CameraLine | TimeLine | ScriptLine


def write(lines: Iterable[Line]) -> Iterator[str]:
    """The text of a recording, line by line, each with its newline."""
    yield f"{TITLE}{VERSION}A\n"
    for line in lines:
        yield encode(line)


def encode(line: Line) -> str:
    """One keyframe as text."""
    t = line.times
    times = f"{t.program:.6f} {t.recorded:.6f} {t.simulation:.3f}"
    if isinstance(line, CameraLine):
        pose = line.pose
        position = " ".join(f"{x:.7f}" for x in pose.position)
        rotation = " ".join(f"{x:.17g}" for x in pose.rotation)
        follows = "F" if pose.follows_rotation else "-"
        return f"camera {times} {position} {rotation} {pose.scale:.6e} {follows} {pose.focus}\n"
    if isinstance(line, TimeLine):
        return f"time {times} {line.rate:.3f} {'P' if line.paused else 'R'} {'J' if line.jump else '-'}\n"
    script = "\n".join(line.script.splitlines()) or "-- nothing"
    return f"script {times} {script.count(chr(10)) + 1} {script}\n"


def read(text: str) -> list[Line]:
    """All keyframes of a recording. Raises ProtocolError that names the line that is wrong, and never quotes it."""
    rows = text.split("\n")
    head = rows[0].rstrip("\r")
    if not head.startswith(TITLE):
        raise ProtocolError(f"not an OpenSpace session recording: it must begin with {TITLE}")
    if head[len(TITLE) + 5 :].strip()[:1] == "B":
        raise ProtocolError("this session recording is binary; save it in OpenSpace with the data mode Ascii")
    lines: list[Line] = []
    at = 1
    while at < len(rows):
        row = rows[at].rstrip("\r")
        if row.strip() and not row.lstrip().startswith("#"):
            try:
                line, used = _decode(row, rows, at)
            except (ValueError, IndexError) as error:
                raise ProtocolError(f"line {at + 1} of the session recording: {error}") from None
            lines.append(line)
            at += used
        at += 1
    return lines


def _decode(row: str, rows: list[str], at: int) -> tuple[Line, int]:
    """The keyframe that starts with ``row``, and how many further rows belong to it."""
    kind, *fields = row.split()
    if kind == "camera":
        return _camera(fields), 0
    if kind == "time":
        times = _times(fields[:3])
        if len(fields) != 6 or fields[4] not in "PR" or fields[5] not in "J-":
            raise ValueError("expected: time, three times, delta time, P or R, J or -")
        return TimeLine(times, _number(fields[3]), fields[4] == "P", fields[5] == "J"), 0
    if kind == "script":
        times = _times(fields[:3])
        count = int(fields[3]) if fields[3].isdecimal() else 0
        if not 1 <= count <= MAX_SCRIPT_LINES or at + count > len(rows):
            raise ValueError(f"expected the number of lines of a script, 1 to {MAX_SCRIPT_LINES}, and as many lines")
        first = row.split(None, 5)[5] if len(fields) > 4 else ""
        rest = [each.rstrip("\r") for each in rows[at + 1 : at + count]]
        return ScriptLine(times, "\n".join([first, *rest])), count - 1
    raise ValueError("unknown kind of line: camera, time and script are known")


def _camera(fields: list[str]) -> CameraLine:
    count = len(fields) - _CAMERA_FIELDS
    if count not in (2, 3):
        raise ValueError("expected: camera, the times, position, rotation, scale, F or -, focus")
    times = _times(fields[:count] if count == 3 else [fields[0], *fields[:2]])
    x, y, z, qx, qy, qz, qw, scale = (_number(each) for each in fields[count : count + 8])
    follows, focus = fields[count + 8 :]
    if follows not in ("F", "-"):
        raise ValueError("expected F or - before the focus")
    length = math.sqrt(qx * qx + qy * qy + qz * qz + qw * qw)
    if length < 1e-6:
        raise ValueError("the rotation is not a quaternion")
    rotation = (qx / length, qy / length, qz / length, qw / length)
    return CameraLine(times, CameraPose(focus, (x, y, z), rotation, follows == "F", scale))


def _times(fields: list[str]) -> Times:
    program, recorded, simulation = (_number(each) for each in fields)
    return Times(program, recorded, simulation)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("expected a finite number")
    return number
