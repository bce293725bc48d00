"""Properties outside the scene: the camera's under ``NavigationHandler``, the frame's under ``RenderEngine``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from openspace_server.engines.embedded.camera.orbital_camera import LOWEST
from openspace_server.engines.embedded.sky.bodies import BODIES
from openspace_server.engines.properties import Property, PropertyOwner, PropertyTree
from openspace_server.engines.scene_engine import SceneEngine


class NavigationProperties:
    """``NavigationHandler.OrbitalNavigator``: anchor, aim, friction, and turning with the ground."""

    def __init__(self, tree: PropertyTree, engine: SceneEngine, now: Callable[[], float]) -> None:
        handler, orbital = PropertyOwner("NavigationHandler"), PropertyOwner("OrbitalNavigator")
        self.anchor = Property(
            "Anchor", "String", "Earth", description="The node that the camera orbits.",
            accept=lambda value: engine.set_focus(str(value)),
        )  # fmt: skip
        self.aim = Property(
            "Aim", "String", "", description="The node that is kept in view; empty for the anchor.",
            accept=lambda value: engine.set_aim(str(value)),
        )  # fmt: skip
        orbital.add(self.anchor)
        orbital.add(self.aim)
        for name in ("RetargetAnchor", "RetargetAim"):
            orbital.add(Property(name, "Trigger", accept=lambda value: engine.look_at_focus(now())))
        self.follow = Property("FollowAnchorNodeRotation", "Bool", True, name="Follow anchor node rotation")
        self.follow_radii = Property(
            "FollowAnchorNodeRotationDistance", "Float", 1.3, low=0, high=1000,
            description="Radii from the anchor's centre below which the camera turns with it.",
        )  # fmt: skip
        lowest = Property("MinimumAllowedDistance", "Float", LOWEST, read_only=True, description="Metres.")
        for each in (self.follow, self.follow_radii, lowest):
            orbital.add(each)
        friction = PropertyOwner("Friction")
        self.rotation = Property("RotationalFriction", "Bool", True, name="Rotational friction")
        self.zoom = Property("ZoomFriction", "Bool", True, name="Zoom friction")
        self.roll = Property("RollFriction", "Bool", True, name="Roll friction")
        self.friction = Property("Friction", "Float", 0.5, low=0.01, high=1, step=0.01, name="Friction factor")
        for each in (self.rotation, self.zoom, self.roll, self.friction):
            friction.add(each)
        orbital.add(friction)
        handler.add(orbital)
        tree.root.add(handler)

    def apply(self, navigator: Any) -> None:
        """Apply the settings to the navigator, and read anchor and aim from it."""
        friction = navigator.camera.friction
        friction.rotation, friction.zoom, friction.roll = self.rotation.value, self.zoom.value, self.roll.value
        friction.strength = self.friction.value
        navigator.follow, navigator.follow_radii = self.follow.value, self.follow_radii.value
        self.anchor.update(BODIES[navigator.focus].identifier)
        self.aim.update(BODIES[navigator.aim].identifier if navigator.aim is not None else "")


class RenderProperties:
    """``RenderEngine``: brightness, gamma and exposure of the whole frame."""

    def __init__(self, tree: PropertyTree) -> None:
        owner, blackout = PropertyOwner("RenderEngine"), PropertyOwner("GlobalBlackout")
        self.factor = Property("Factor", "Float", 1.0, low=0, high=1, step=0.01, description="0 makes all black.")
        blackout.add(self.factor)
        self.gamma = Property("Gamma", "Float", 0.95, low=0.01, high=5, step=0.01, description="0.95 changes nothing.")
        self.exposure = Property("HDRExposure", "Float", 3.7, low=0.01, high=10, description="3.7 changes nothing.")
        owner.add(blackout)
        for each in (self.gamma, self.exposure):
            owner.add(each)
        tree.root.add(owner)
        self._made: tuple[Any, ...] = ()
        self._table = np.zeros(0, np.uint8)

    def finish(self, pixels: np.ndarray) -> np.ndarray:
        """The final BGRA pixels: a new array where anything changes."""
        settings = (self.factor.value, self.gamma.value, self.exposure.value)
        if settings == (1.0, 0.95, 3.7):
            return pixels
        if settings != self._made:
            self._made = settings
            factor, gamma, exposure = (float(value) for value in settings)  # type: ignore[arg-type]
            level = np.minimum(np.arange(256) / 255 * (exposure / 3.7), 1.0) ** (0.95 / gamma) * factor
            table = np.repeat((level * 255 + 0.5).astype(np.uint8)[:, None], 4, axis=1)
            table[:, 3] = 255
            self._table = table[None].transpose(1, 0, 2).copy()
        return np.asarray(cv2.LUT(pixels, self._table.reshape(1, 256, 4)))
