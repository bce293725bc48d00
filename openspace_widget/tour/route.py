"""Route of a tour: simulation time and camera at every second of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from openspace_widget.client.client import Client
from openspace_widget.tour.body_positions import Bodies, BodyPositions, fetch_bodies, fetch_positions
from openspace_widget.tour.path import Glide, Leap, View
from openspace_widget.tour.poses import Pose, navigation_state, pose_of, reanchored
from openspace_widget.tour.schedule import Schedule, schedule
from openspace_widget.tour.stops import Stop
from openspace_widget.units import moment, seconds

Segment = Glide | Leap


@dataclass(frozen=True)
class Moment:
    """One instant of a tour.

    Attributes:
        seconds: since the tour began.
        time: simulation time, UTC.
        camera: navigation state.
        anchor: identifier of the body that the camera is relative to.
        altitude: metres above the surface of that body.
        position: metres from the Sun, galactic axes ``(3,)``.
    """

    seconds: float
    time: datetime
    camera: dict[str, Any]
    anchor: str
    altitude: float
    position: np.ndarray


@dataclass(frozen=True)
class Route:
    """A tour among the bodies of a session: its stops, and when it is where."""

    stops: tuple[Stop, ...]
    schedule: Schedule
    _bodies: Bodies
    _segments: tuple[Segment, ...]

    @property
    def duration(self) -> float:
        """Seconds that it takes."""
        return self.schedule.duration

    def times(self, fps: float) -> list[float]:
        """Seconds of the tour at each of its frames; the last one shows the last stop."""
        return [i / fps for i in range(round(self.duration * fps) + 1)]

    def radius(self, name: str) -> float:
        """Metres, of the body of that name. Raises RequestError if the tour does not know it."""
        return float(self._bodies.radii[self._bodies.find(name)])

    async def moments(self, client: Client, times: Sequence[float]) -> list[Moment]:
        """The tour at ``times``. Raises RequestError for times the engine does not know."""
        simulated = [self.schedule.simulated(time) for time in times]
        positions = await fetch_positions(client, self._bodies, simulated)
        return [self._moment(time, when, at) for time, when, at in zip(times, simulated, positions, strict=True)]

    def _moment(self, time: float, when: datetime, at: BodyPositions) -> Moment:
        view = self._view(time, at)
        name = self._bodies.names[view.anchor]
        altitude = math.sqrt(float(view.position @ view.position)) - float(self._bodies.radii[view.anchor])
        camera = navigation_state(name, view.position, view.orientation)
        return Moment(time, when, camera, name, altitude, at.positions[view.anchor] + view.position)

    def _view(self, time: float, at: BodyPositions) -> View:
        for segment in self._segments:
            if time <= segment.end:
                break
        return segment(time, at)


async def plan(client: Client, stops: Sequence[Stop], start: datetime) -> Route:
    """Plan the route through ``stops``. Raises RequestError, ArgumentError."""
    names = [stop.anchor for stop in stops]
    names += [str(stop.camera[key]) for stop in stops if stop.camera for key in ("Aim",) if stop.camera.get(key)]
    bodies = await fetch_bodies(client, names)
    # How long legs take follows from where bodies are about then; it need not be exact, only always the same.
    known = [moment(stop.time) if stop.time is not None else None for stop in stops]
    begin = next((time for time in known if time is not None), start) if known[0] is None else known[0]
    about = []
    for time in known:
        begin = time or begin
        about.append(begin)
    first = await fetch_positions(client, bodies, about)
    rough = _poses(stops, bodies, first)
    ways = [0.0, *(_pleasant(a, b, at) for a, b, at in zip(rough, rough[1:], first[1:], strict=False))]
    when = schedule(stops, ways, start)
    edges = [when.simulated(time) for pair in zip(when.arrive, when.leave, strict=True) for time in pair]
    positions = await fetch_positions(client, bodies, edges)
    arriving, leaving = positions[::2], positions[1::2]
    return Route(tuple(stops), when, bodies, tuple(_segments(stops, when, bodies, arriving, leaving)))


def _poses(stops: Sequence[Stop], bodies: Bodies, positions: Sequence[BodyPositions]) -> list[Pose]:
    found: list[Pose] = []
    for stop, at in zip(stops, positions, strict=True):
        found.append(pose_of(stop, bodies, at, found[-1].anchor if found else None))
    return found


def _pleasant(a: Pose, b: Pose, at: BodyPositions) -> float:
    """Seconds that a leg should take."""
    if a.anchor != b.anchor:
        apart = at.positions[b.anchor] - at.positions[a.anchor]
        return min(max(0.55 * Leap.length(a, b, math.sqrt(float(apart @ apart))), 2.5), 15.0)
    a, b = a.within(False, at), b.within(False, at)
    angle = math.acos(min(1.0, max(-1.0, float(a.direction @ b.direction))))
    return min(max(0.7 * (abs(math.log(b.altitude / a.altitude)) + angle), 1.5), 12.0)


def _segments(
    stops: Sequence[Stop],
    when: Schedule,
    bodies: Bodies,
    arriving: Sequence[BodyPositions],
    leaving: Sequence[BodyPositions],
) -> list[Segment]:
    at = _poses(stops, bodies, arriving)
    segments: list[Segment] = []
    i = 0
    while i < len(stops):
        # Also of no length: the stop itself.
        segments.append(Glide((when.arrive[i], when.leave[i]), (at[i], at[i]), bodies, "smooth"))
        if i + 1 == len(stops):
            break
        if at[i].anchor != at[i + 1].anchor:
            span, easing = (when.leave[i], when.arrive[i + 1]), stops[i + 1].easing
            if (near := _nearby(at[i], at[i + 1], bodies, arriving[i + 1])) is not None:
                segments.append(Glide(span, (at[i].within(False, leaving[i]), near), bodies, easing))
            else:
                segments.append(Leap(*span, at[i], at[i + 1], bodies, easing))
            i += 1
            continue
        last = i + 1
        while _flows(stops, at, last):
            last += 1
        fixed = any(pose.fixed for pose in at[i : last + 1])
        along = [at[i].within(fixed, leaving[i]), *(at[j].within(fixed, arriving[j]) for j in range(i + 1, last + 1))]
        times = [when.leave[i], *when.arrive[i + 1 : last + 1]]
        segments.append(Glide(times, along, bodies, stops[last].easing))
        i = last
    return segments


def _nearby(a: Pose, b: Pose, bodies: Bodies, at: BodyPositions) -> Pose | None:
    """``b`` relative to the anchor of ``a``, if they are near each other although their anchors differ: there the
    camera only turned to another body."""
    here, _ = a.in_world(at, float(bodies.radii[a.anchor]))
    there = reanchored(b, a.anchor, bodies, at)
    moved = there.direction * (float(bodies.radii[a.anchor]) + there.altitude) - here
    return there if float(moved @ moved) < 0.04 * min(a.altitude, there.altitude) ** 2 else None


def _flows(stops: Sequence[Stop], at: Sequence[Pose], i: int) -> bool:
    """Whether the camera goes through stop ``i`` without coming to rest."""
    return (
        i + 1 < len(stops)
        and at[i].anchor == at[i + 1].anchor
        and seconds(stops[i].hold, "hold") == 0
        and stops[i].easing == stops[i + 1].easing == "smooth"
        and (stops[i + 1].seconds is None or seconds(stops[i + 1].seconds, "seconds") > 0)
    )
