"""Reference frames of positions: bodies' own axes, OpenSpace's world axes, and ICRF, which everything here uses
inside."""

from __future__ import annotations

import erfa
import numpy as np

from openspace_server.engines.base import UnknownTarget
from openspace_server.engines.embedded.bodies import INDEX, find
from openspace_server.engines.embedded.ephemeris import Sky
from openspace_server.engines.embedded.rotation import axes

ROOT = "Root"
"""OpenSpace's world axes: galactic (x to the galactic centre, z to the galactic north pole)."""
ICRF = "ICRF"

GALACTIC: np.ndarray = np.stack([erfa.s2c(*erfa.icrs2g(*erfa.c2s(axis))) for axis in np.eye(3)], axis=1)
"""Matrix from ICRF to galactic axes."""

_ROOTS = ("root", "solarsystem", "solarsystembarycenter", "milkyway")


def frame_axes(name: str, sky: Sky) -> np.ndarray:
    """Rotation matrix from the axes of frame ``name`` (as OpenSpace names nodes; empty for Root) to ICRF axes.

    Raises UnknownTarget.
    """
    folded = name.strip().casefold()
    if not folded or folded in _ROOTS:
        return GALACTIC.T
    if folded == ICRF.casefold():
        return np.eye(3)
    try:
        index = find(name)
    except UnknownTarget:
        raise UnknownTarget(name, [ROOT, ICRF, *INDEX]) from None
    return axes(index, sky.days, sky.seconds)
