"""OpenSpace's world and camera axes.

World axes are galactic: x to the galactic centre, z to the galactic north pole.
"""

from __future__ import annotations

import erfa
import numpy as np

GALACTIC: np.ndarray = np.stack([erfa.s2c(*erfa.icrs2g(*erfa.c2s(axis))) for axis in np.eye(3)], axis=1)
"""Rotation matrix from ICRF to galactic axes."""
NORTH = np.array([0.0, -0.3977771559, 0.9174820621])
"""North of the ecliptic (J2000) in ICRF axes."""
CAMERA = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""OpenSpace's camera axes (right, up, back) in ours (right, forward, up)."""
