"""The view of one frame: camera and bodies as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from openspace_server.engines.embedded.camera.orbital_camera import VIEW_HEIGHT
from openspace_server.engines.embedded.sky.bodies import BODIES, PARENT
from openspace_server.engines.embedded.sky.ephemeris import Ephemeris
from openspace_server.geometry import quaternions as quat

_PARENTS = np.array(PARENT)
_EXTENTS = np.array([body.extent for body in BODIES])


@dataclass(frozen=True)
class View:
    """Camera and bodies of one frame.

    View axes are x right, y forward, z up with the camera at the origin. Scaling a point of view space changes
    nothing in the frame, so all drawing scales to numbers near 1. There is no depth buffer: what is drawn later
    covers.

    Attributes:
        ephemeris: the bodies' positions.
        camera: metres from the Sun's centre.
        orientation: camera quaternion.
        width, height: pixels.
    """

    ephemeris: Ephemeris
    camera: np.ndarray
    orientation: np.ndarray
    width: int
    height: int
    offsets: np.ndarray
    """Bodies minus camera, metres in ICRF axes ``(n, 3)``; found relative to the focus, so exact close up."""
    radii: np.ndarray
    """Of the bodies as drawn, metres ``(n,)``."""
    exact: bool = False
    """Whether nothing in the frame may depend on what was drawn before."""

    @cached_property
    def axes(self) -> np.ndarray:
        """Matrix from ICRF to view axes."""
        return quat.matrix(self.orientation).T

    @cached_property
    def dot(self) -> float:
        """Pixels that the smallest dots are wide, so that they do not vanish in large frames."""
        return max(1.0, float(round(self.height / 900)))

    @cached_property
    def focal(self) -> float:
        """Pixels per unit of slope."""
        return self.height / VIEW_HEIGHT

    @cached_property
    def seen(self) -> np.ndarray:
        """Bodies in view axes, metres ``(n, 3)``."""
        return self.offsets @ self.axes.T

    @cached_property
    def distances(self) -> np.ndarray:
        """Metres to the centres ``(n,)``."""
        return np.linalg.norm(self.offsets, axis=1)

    @cached_property
    def radius_pixels(self) -> np.ndarray:
        """Apparent radii in the middle of the frame, pixels ``(n,)``."""
        d = np.maximum(self.distances, 1.0000001 * self.radii)
        return self.focal * self.radii / np.sqrt((d - self.radii) * (d + self.radii))

    @cached_property
    def pixels(self) -> np.ndarray:
        """Pixel offsets of the centres from the middle of the frame, right and up ``(n, 2)``; far away when
        behind."""
        y = np.where(self.seen[:, 1] > 1e-9 * self.distances, self.seen[:, 1], np.nan)
        return np.nan_to_num(self.seen[:, [0, 2]] / y[:, None] * self.focal, nan=1e9)

    @cached_property
    def on_screen(self) -> np.ndarray:
        """Whether any part of each body (with what belongs to it) may be in the frame ``(n,)``."""
        reach = np.arctan(self.radius_pixels * _EXTENTS / self.focal) + 0.02
        corner = np.arctan(np.hypot(self.width, self.height) / 2 / self.focal)
        angle = np.arccos(np.clip(self.seen[:, 1] / self.distances, -1, 1))
        return angle < corner + reach

    @cached_property
    def apart(self) -> np.ndarray:
        """False for moons so near to their planet, and planets so near to the Sun, in the frame, that they cannot be
        distinguished from it ``(n,)``."""
        gaps = np.linalg.norm(self.ephemeris.positions - self.ephemeris.positions[_PARENTS], axis=1)
        return (_PARENTS < 0) | (self.focal * gaps > np.where(_PARENTS > 0, 8, 3) * self.distances[_PARENTS])

    def is_hidden(self, index: int) -> bool:
        """Whether a nearer body covers the centre of body ``index``."""
        direction, distance = self.offsets[index] / self.distances[index], self.distances[index]
        along = self.offsets @ direction
        off = np.sqrt(np.maximum(self.distances**2 - along**2, 0))
        cover = (off < self.radii) & (along > 0) & (self.distances < distance) & (self.radius_pixels > 1)
        cover[index] = False
        return bool(cover.any())
