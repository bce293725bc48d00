"""Reference frames of positions: bodies' own axes, OpenSpace's world axes, and ICRF, which the engine uses
internally."""

from __future__ import annotations

import numpy as np

from openspace_server.engines.base import UnknownTarget
from openspace_server.engines.embedded.sky.bodies import INDEX, find
from openspace_server.engines.embedded.sky.ephemeris import Ephemeris
from openspace_server.geometry.world import GALACTIC

ROOT = "Root"
"""OpenSpace's world axes (:mod:`openspace_server.geometry.world`)."""
ICRF = "ICRF"

_ROOTS = ("root", "solarsystem", "solarsystembarycenter", "milkyway")


def frame_axes(name: str, ephemeris: Ephemeris) -> np.ndarray:
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
    return ephemeris.body_axes(index)
