"""Ephemerides: heliocentric positions and velocities of the bodies in ICRF axes, metres and metres per second.

Sources: planets plan94 (Simon et al. 1994), Earth epv00 (VSOP2000 fit) and Moon moon98 (ELP2000-82) from ERFA;
Jupiter's moons (L1.2 theory) and Pluto from astronomy-engine; other moons from their rotation
(:mod:`.synchronous_moons`). Against astronomy-engine's VSOP87 the planets stay within 0.04 degrees as seen from the Sun
from year 1000 to 3000, the Earth within 10,400 km and the Moon within 320 km of the Earth (1,600 km and 16 km around
2026). Positions are geometric: no light time, no aberration.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache

import astronomy  # type: ignore[import-untyped,unused-ignore]
import erfa
import numpy as np

from openspace_server.engines.embedded.sky import synchronous_moons
from openspace_server.engines.embedded.sky.bodies import BODIES, INDEX
from openspace_server.engines.embedded.sky.rotation import axes
from openspace_server.engines.embedded.sky.units import AU, DAY, J2000

__all__ = ["AU", "DAY", "J2000", "Ephemeris", "ephemeris_at", "terrestrial_days"]

_SPEED = AU / DAY

# TT - UT in seconds by year (Morrison & Stephenson 2004; since 1972 TT - UTC, which leap seconds keep within 1 s of
# it).
_YEARS = (
    1000,
    1100,
    1200,
    1300,
    1400,
    1500,
    1600,
    1700,
    1750,
    1800,
    1850,
    1900,
    1920,
    1940,
    1950,
    1960,
    1972,
    1980,
    1990,
    1999,
    2006,
    2017,
)
_DELTA = (1570, 1090, 740, 490, 320, 200, 120, 9, 13, 14, 7, -3, 21, 24, 29, 33, 42.2, 50.5, 57.2, 64.2, 65.2, 69.2)

_PLANETS = np.array([1, 2, 4, 5, 6, 7, 8])
_ROWS = [INDEX[name] for name in ("Mercury", "Venus", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune")]
_GALILEAN = ("io", "europa", "ganymede", "callisto")


def terrestrial_days(seconds: float) -> float:
    """TT days since J2000.0 from UTC ``seconds`` since 2000-01-01T12:00; a table of TT - UTC, right to about a
    second."""
    year = 2000.0 + seconds / (365.2425 * DAY)
    return (seconds + float(np.interp(year, _YEARS, _DELTA))) / DAY


@dataclass(frozen=True)
class Ephemeris:
    """All bodies at one moment; rows as in :data:`~openspace_server.engines.embedded.ephemeris.bodies.BODIES`.

    Attributes:
        seconds: UTC seconds since 2000-01-01T12:00.
        days: TT days since J2000.0.
        positions: metres from the Sun's centre ``(n, 3)``.
        velocities: metres per second ``(n, 3)``.
    """

    seconds: float
    days: float
    positions: np.ndarray
    velocities: np.ndarray

    def body_axes(self, index: int) -> np.ndarray:
        """Rotation matrix ``(3, 3)`` from the axes fixed to body ``index`` to ICRF axes."""
        return axes(index, self.days, self.seconds)


def ephemeris_at(seconds: float) -> Ephemeris:
    """The ephemeris at UTC ``seconds`` since 2000-01-01T12:00.

    Computed for whole seconds, on straight lines between them: Mimas, which falls fastest, is 0.14 m off half way.
    Velocities are those of the whole second before.
    """
    tick = math.floor(seconds)
    at = _computed(tick)
    after = seconds - tick
    if after == 0:
        return at
    positions = at.positions + (_computed(tick + 1).positions - at.positions) * after
    return Ephemeris(seconds, at.days + after / DAY, positions, at.velocities)


@lru_cache(maxsize=16)
def _computed(seconds: int) -> Ephemeris:
    days = terrestrial_days(seconds)
    positions, velocities = np.zeros((len(BODIES), 3)), np.zeros((len(BODIES), 3))
    with warnings.catch_warnings():
        # ERFA warns outside 1900-2100; the error grows slowly, see the head of this file.
        warnings.simplefilter("ignore", erfa.ErfaWarning)
        planets = erfa.plan94(J2000, days, _PLANETS)
        earth = erfa.epv00(J2000, days)[0]
        moon = erfa.moon98(J2000, days)
    positions[_ROWS], velocities[_ROWS] = planets["p"] * AU, planets["v"] * _SPEED
    e, m, j = INDEX["Earth"], INDEX["Moon"], INDEX["Jupiter"]
    positions[e], velocities[e] = earth["p"] * AU, earth["v"] * _SPEED
    positions[m], velocities[m] = positions[e] + moon["p"] * AU, velocities[e] + moon["v"] * _SPEED
    # AstroTime(ut, tt) without its own TT - UT: only tt matters to the moons.
    moons = astronomy.JupiterMoons(astronomy.Time(days, days))
    for row, name in enumerate(_GALILEAN, INDEX["Io"]):
        state = getattr(moons, name)
        positions[row] = positions[j] + np.array((state.x, state.y, state.z)) * AU
        velocities[row] = velocities[j] + np.array((state.vx, state.vy, state.vz)) * _SPEED
    _fill_in_pluto(days, positions, velocities)
    synchronous_moons.fill_in(days, positions, velocities)
    for shared in (positions, velocities):
        shared.flags.writeable = False
    return Ephemeris(seconds, days, positions, velocities)


def _fill_in_pluto(days: float, positions: np.ndarray, velocities: np.ndarray) -> None:
    """astronomy-engine integrates Pluto's orbit; at other than whole hours it is followed along its velocity."""
    hour = round(days * 24)
    position, velocity = _pluto(hour)
    after = (days - hour / 24) * DAY
    row = INDEX["Pluto"]
    pull = -1.32712440018e20 * position / float(position @ position) ** 1.5
    positions[row] = position + velocity * after + pull * (after * after / 2)
    velocities[row] = velocity + pull * after


@lru_cache(maxsize=64)
def _pluto(hour: int) -> tuple[np.ndarray, np.ndarray]:
    state = astronomy.HelioState(astronomy.Body.Pluto, astronomy.Time(hour / 24, hour / 24))
    velocity = np.array((state.vx, state.vy, state.vz)) * _SPEED
    return np.array((state.x, state.y, state.z)) * AU, velocity
