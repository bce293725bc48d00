"""Preview of a tour as a figure: path, altitude, speed, and a contact sheet of stills."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from openspace_server.geometry.quaternions import perpendicular
from openspace_widget.client.client import Client
from openspace_widget.errors import ArgumentError
from openspace_widget.frames.frame import Frame, grab_frame
from openspace_widget.frames.requests import frame_request
from openspace_widget.tour.geometry import NORTH
from openspace_widget.tour.route import Moment, Route
from openspace_widget.units import LENGTHS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLES = 400
STILL_SIZE = (320, 180)
WIDTH, PLOTS_HEIGHT = 11.0, 4.5
"""Inches."""
MOST_COLUMNS = 7


def check_stills(stills: int) -> None:
    """Raises ArgumentError, and ImportError without Matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError("tour.preview draws with Matplotlib: pip install matplotlib") from None
    if stills not in range(25):
        raise ArgumentError(f"stills: expected a number from 0 to 24, got {stills!r}")


Sheet = list[tuple[float, Frame]]
"""Seconds of the tour, and the still then."""


def draw(route: Route, name: str, moments: list[Moment], sheet: Sheet) -> Figure:
    """The figure of :meth:`Tour.preview`, from what :func:`gather` found."""
    from matplotlib import pyplot

    stills = len(sheet)
    columns = max(1, math.ceil(stills / math.ceil(stills / MOST_COLUMNS))) if stills else 1
    lines = math.ceil(stills / columns)
    sheet_height = lines * (WIDTH / columns * STILL_SIZE[1] / STILL_SIZE[0] + 0.25)
    drawn = pyplot.figure(figsize=(WIDTH, PLOTS_HEIGHT + sheet_height), layout="constrained")
    pyplot.close(drawn)  # or it would be shown twice
    rows = drawn.add_gridspec(2, 1, height_ratios=(PLOTS_HEIGHT, max(sheet_height, 0.01)))
    plots = rows[0].subgridspec(1, 2)
    right = plots[1].subgridspec(2, 1)
    _path(drawn.add_subplot(plots[0]), route, moments)
    altitude = drawn.add_subplot(right[0])
    speed = drawn.add_subplot(right[1], sharex=altitude)
    seconds = [each.seconds for each in moments]
    altitude.semilogy(seconds, [each.altitude / 1e3 for each in moments])
    altitude.set_ylabel("altitude, km")
    altitude.tick_params(labelbottom=False)
    middles, speeds = _speeds(moments)
    speed.semilogy(middles, [max(each / 1e3, 1e-3) for each in speeds])
    speed.set_ylabel("speed, km/s")
    speed.set_xlabel("seconds of the tour")
    for stop, at in zip(route.stops, route.schedule.arrive, strict=True):
        altitude.axvline(at, color="0.8", zorder=0)
        speed.axvline(at, color="0.8", zorder=0)
        altitude.annotate(
            stop.title, (at, 1), xycoords=("data", "axes fraction"), xytext=(3, -3), textcoords="offset points",
            va="top", fontsize=8, color="0.4",
        )  # fmt: skip
    if stills:
        below = rows[1].subgridspec(lines, columns)
        for i, (at, still) in enumerate(sheet):
            shown = drawn.add_subplot(below[divmod(i, columns)])
            shown.imshow(np.asarray(still))
            shown.set_title(f"{at:.1f} s", fontsize=8)
            shown.set_axis_off()
    if name:
        drawn.suptitle(name)
    return drawn


async def gather(client: Client, route: Route, stills: int) -> tuple[list[Moment], Sheet]:
    """Moments along the route, and a still at each of ``stills`` of them."""
    times = np.linspace(0, route.duration, SAMPLES if route.duration > 0 else 1)
    moments = await route.moments(client, times.tolist())
    sheet = []
    for at in await route.moments(client, np.linspace(0, route.duration, stills).tolist() if stills else []):
        sheet.append((at.seconds, await grab_frame(client, frame_request(STILL_SIZE, 4, at.time, at.camera))))  # noqa: PERF401
    return moments, sheet


def _path(plot: Any, route: Route, moments: list[Moment]) -> None:
    """The path seen from ecliptic north: around its one body, or through the solar system."""
    right = perpendicular(NORTH)
    up = np.cross(NORTH, right)
    anchors = {each.anchor for each in moments}
    if len(anchors) == 1:
        name = anchors.pop()
        radius = route.radius(name) or 1e6
        axes = [np.array([each.camera["Position"] for each in moments]) / radius @ axis for axis in (right, up)]
        plot.add_patch(_disc(1.0))
        unit = f"radii of {name}"
    else:
        axes = [np.array([each.position for each in moments]) / LENGTHS["AU"] @ axis for axis in (right, up)]
        plot.plot([0], [0], "o", color="tab:orange", markersize=5)
        unit = "AU"
    plot.plot(*axes)
    for stop, at in zip(route.stops, route.schedule.arrive, strict=True):
        nearest = min(range(len(moments)), key=lambda i: abs(moments[i].seconds - at))
        plot.plot(axes[0][nearest], axes[1][nearest], "o", color="tab:blue", markersize=4)
        plot.annotate(
            stop.title, (axes[0][nearest], axes[1][nearest]), xytext=(4, 4), textcoords="offset points", fontsize=8
        )
    plot.set_aspect("equal", "datalim")
    plot.set_xlabel(f"{unit}, seen from ecliptic north")


def _disc(radius: float) -> Any:
    from matplotlib.patches import Circle

    return Circle((0, 0), radius, color="0.85", zorder=0)


def _speeds(moments: list[Moment]) -> tuple[list[float], list[float]]:
    """Metres per second relative to the body the camera is near."""
    middles: list[float] = []
    speeds: list[float] = []
    for a, b in pairwise(moments):
        if a.anchor == b.anchor and b.seconds > a.seconds:
            moved = np.subtract(b.camera["Position"], a.camera["Position"])
            middles.append((a.seconds + b.seconds) / 2)
            speeds.append(math.sqrt(float(moved @ moved)) / (b.seconds - a.seconds))
    return middles, speeds
