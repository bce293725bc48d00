"""Units of length in metres: the only definition of the astronomical ones for the server and the kernel side."""

from __future__ import annotations

ASTRONOMICAL_UNIT = 149_597_870_700.0
LIGHT_YEAR = 9.4607304725808e15
PARSEC = 3.0856775814913673e16
POINT_UNITS = {
    "m": 1.0,
    "km": 1e3,
    "au": ASTRONOMICAL_UNIT,
    "ly": LIGHT_YEAR,
    "pc": PARSEC,
    "kpc": 3.0856775814913673e19,
    "Mpc": 3.0856775814913673e22,
    "Gpc": 3.0856775814913673e25,
    "Gly": 9.4607304725808e24,
}
"""The units that positions of points may be given in."""
