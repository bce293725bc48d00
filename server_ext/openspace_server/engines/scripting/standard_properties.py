"""Properties that every scene has, whatever its engine. An engine with its own of the same URI keeps them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from openspace_server.engines.base import EngineError
from openspace_server.engines.properties import Property, PropertyOwner, PropertyTree, Visibility
from openspace_server.engines.properties.kinds import Value
from openspace_server.engines.scene_engine import SceneEngine

ANCHOR = "NavigationHandler.OrbitalNavigator.Anchor"

_VISIBILITIES = {0: "NoviceUser", 1: "User", 2: "AdvancedUser", 3: "Developer", 4: "Hidden"}


def add_standard_properties(engine: SceneEngine, now: Callable[[], float]) -> None:
    """Fill in what ``engine.tree`` lacks; ``now`` returns the wall time of the present step."""
    tree = engine.tree

    def focus(value: Value) -> None:
        engine.set_focus(str(value))

    def aim(value: Value) -> None:
        engine.set_aim(str(value))

    def retarget(value: Value) -> None:
        engine.look_at_focus(now())

    anchor = ""
    with contextlib.suppress(EngineError, NotImplementedError):
        anchor = engine.focus
    _ensure(
        tree,
        "NavigationHandler.OrbitalNavigator",
        Property("Anchor", "String", anchor, description="The node the camera orbits", accept=focus),
        Property("Aim", "String", "", description="The node the camera looks at, if not the anchor", accept=aim),
        Property("RetargetAnchor", "Trigger", name="Retarget anchor", accept=retarget),
        Property("RetargetAim", "Trigger", name="Retarget aim", accept=retarget),
    )
    _ensure(
        tree,
        "OpenSpaceEngine",
        Property(
            "FadeDuration", "Float", 1.0, low=0, high=5, description="Seconds that fadeIn and fadeOut take by default"
        ),
        Property(
            "PropertyVisibility",
            "Option",
            1,
            options=_VISIBILITIES,
            visibility=Visibility.ALWAYS,
            description="From which level on a user interface shows properties",
        ),
        Property("ShowPropertyConfirmation", "Bool", True),
    )


def _ensure(tree: PropertyTree, uri: str, *properties: Property) -> None:
    owner = tree.root
    for name in uri.split("."):
        below = owner.child(name)
        if below is None:
            below = PropertyOwner(name)
            owner.add(below)
        owner = below
    for each in properties:
        if owner.find(each.identifier) is None:
            owner.add(each)
