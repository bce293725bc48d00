"""Scene graph nodes as properties under OpenSpace's names, and the look that they describe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from openspace_server.engines.embedded.graphics.shading import ATMOSPHERES
from openspace_server.engines.embedded.sky.bodies import BODIES
from openspace_server.engines.properties import Property, PropertyOwner, PropertyTree, Visibility

_COUNT = len(BODIES)
_NIGHT = "Earth.Renderable.Layers.NightLayers.Earth_at_Night_2012"
_CLOUDS = "Earth.Renderable.Layers.ColorLayers.Clouds"
_RINGS = "Saturn.Renderable.Rings"


@dataclass
class Look:
    """What is drawn, and how clearly (0..1, 0 for not at all). Arrays have a row per body.

    Attributes:
        scales: how many times larger than real.
        colors: of the trails, RGB 0..1.
        widths: of the trails, pixels at a height of 900.
    """

    bodies: np.ndarray = field(default_factory=lambda: np.ones(_COUNT))
    scales: np.ndarray = field(default_factory=lambda: np.ones(_COUNT))
    air: np.ndarray = field(default_factory=lambda: np.ones(_COUNT))
    labels: np.ndarray = field(default_factory=lambda: np.ones(_COUNT))
    trails: np.ndarray = field(default_factory=lambda: np.ones(_COUNT))
    colors: np.ndarray = field(default_factory=lambda: np.array([body.color for body in BODIES]))
    widths: np.ndarray = field(default_factory=lambda: np.full(_COUNT, 2.0))
    night: float = 1.0
    clouds: float = 1.0
    rings: float = 1.0
    glare: float = 1.0
    stars: float = 1.0
    constellations: float = 0.0
    constellation_names: float = 0.0
    milky_way: float = 1.0


def add_switches(owner: PropertyOwner, enabled: bool = True) -> None:
    """Give ``owner`` the properties Enabled, Opacity and Fade."""
    owner.add(Property("Enabled", "Bool", enabled, description="Whether it is drawn."))
    owner.add(Property("Opacity", "Float", 1.0, low=0, high=1, step=0.01, description="How clearly it is drawn."))
    owner.add(
        Property(
            "Fade",
            "Float",
            1.0,
            low=0,
            high=1,
            step=0.01,
            visibility=Visibility.DEVELOPER,
            description="A second factor on the opacity, for fading in and out.",
        )
    )


def strength(owner: PropertyOwner | None) -> float:
    """The product of Enabled, Opacity and Fade of ``owner``."""
    if owner is None:
        return 0.0
    enabled, opacity, fade = (owner.find(name) for name in ("Enabled", "Opacity", "Fade"))
    assert isinstance(enabled, Property)
    assert isinstance(opacity, Property)
    assert isinstance(fade, Property)
    return float(opacity.value) * float(fade.value) if enabled.value else 0.0  # type: ignore[arg-type]


def make_node(
    identifier: str, name: str = "", tags: tuple[str, ...] = (), enabled: bool = True, kind: str = ""
) -> PropertyOwner:
    """A scene graph node with a renderable; ``kind`` is OpenSpace's name of the renderable."""
    owner = PropertyOwner(identifier, name or identifier, tags=tags)
    renderable = PropertyOwner("Renderable", kind or "Renderable")
    add_switches(renderable, enabled)
    if kind:
        renderable.add(
            Property(
                "Type", "String", kind, read_only=True, visibility=Visibility.ADVANCED_USER, name="Renderable Type"
            )
        )
    owner.add(renderable)
    return owner


class Nodes:
    """The owner ``Scene`` with its built-in nodes.

    Args:
        on_changed: called after any change below ``Scene``.

    Attributes:
        fixed: identifiers of the built-in nodes.
    """

    def __init__(self, tree: PropertyTree, on_changed: Callable[[], None]) -> None:
        self.scene = PropertyOwner("Scene", "Scene", "All scene graph nodes.")
        tree.root.add(self.scene)
        self.scene.add(PropertyOwner("Root"))
        for body in BODIES:
            self._add_body(body)
        for identifier, name, enabled, kind in (
            ("SunGlare", "Sun Glare", True, "RenderablePlaneImageLocal"),
            ("Stars", "Stars", True, "RenderableStars"),
            ("MilkyWay", "Milky Way Sphere", True, "RenderableSphereImageLocal"),
            ("Constellations", "Constellations", False, "RenderableConstellationLines"),
        ):
            self.scene.add(make_node(identifier, name, enabled=enabled, kind=kind))
        names = PropertyOwner("Labels", "Labels")
        add_switches(names)
        self.owner_at("Constellations.Renderable").add(names)
        self.fixed = frozenset(owner.identifier for owner in self.scene.owners)
        self._look: Look | None = None
        self._on_changed = on_changed
        tree.watch(self._tree_changed)

    def owner_at(self, path: str) -> PropertyOwner:
        """The owner at ``path`` below the scene."""
        found = self.scene.find(path)
        assert isinstance(found, PropertyOwner), path
        return found

    @property
    def look(self) -> Look:
        """The present look."""
        if self._look is None:
            self._look = self._read()
        return self._look

    def set(self, path: str, value: Any) -> None:
        """Set the property at ``path`` below the scene."""
        found = self.scene.find(path)
        assert isinstance(found, Property), path
        found.set(value)

    def enabled(self, identifier: str) -> bool:
        """Whether a node is switched on."""
        found = self.scene.find(f"{identifier}.Renderable.Enabled")
        return isinstance(found, Property) and bool(found.value)

    def _tree_changed(self, change: Any) -> None:
        if change.uri.startswith("Scene."):
            self._look = None
            self._on_changed()

    def _add_body(self, body: Any) -> None:
        name = body.identifier
        owner = make_node(name, body.name, (f"{body.kind}_solarSystem",), kind="RenderableGlobe")
        scale = PropertyOwner("Scale", "StaticScale")
        scale.add(
            Property("Scale", "Float", 1.0, low=0.01, high=100.0, exponent=3.0, description="Times its real size.")
        )
        owner.add(scale)
        self.scene.add(owner)
        if name == "Earth":
            self._add_layers()
        if name == "Saturn":
            rings = PropertyOwner("Rings", "Rings")
            add_switches(rings)
            self.owner_at("Saturn.Renderable").add(rings)
        if name in ATMOSPHERES:
            self.scene.add(make_node(f"{name}Atmosphere", f"{body.name} Atmosphere", kind="RenderableAtmosphere"))
        self.scene.add(make_node(f"{name}Label", f"{body.name} Label", ("solarsystem_labels",), kind="RenderableLabel"))
        if body.parent:
            kind = f"{body.kind}Trail_solarSystem"
            trail = make_node(f"{name}Trail", f"{body.name} Trail", (kind,), kind="RenderableTrailOrbit")
            looks = PropertyOwner("Appearance", "Appearance")
            looks.add(Property("Color", "Vec3", body.color, low=0, high=1, view_options={"Color": True}))
            looks.add(Property("LineWidth", "Float", 2.0, low=1, high=20, step=0.5))
            owner_of = trail.child("Renderable")
            assert owner_of is not None
            owner_of.add(looks)
            self.scene.add(trail)

    def _add_layers(self) -> None:
        layers = PropertyOwner("Layers", "Layers")
        for group, identifier, name in (
            ("ColorLayers", "Clouds", "Clouds"),
            ("NightLayers", "Earth_at_Night_2012", "Earth at Night 2012"),
        ):
            owner, layer = PropertyOwner(group), PropertyOwner(identifier, name)
            add_switches(layer)
            owner.add(layer)
            layers.add(owner)
        self.owner_at("Earth.Renderable").add(layers)

    def _read(self) -> Look:
        look = Look()
        for i, body in enumerate(BODIES):
            name = body.identifier
            look.bodies[i] = self._strength(name)
            look.scales[i] = self._value(f"{name}.Scale.Scale")
            look.labels[i] = self._strength(f"{name}Label")
            look.air[i] = self._strength(f"{name}Atmosphere") if name in ATMOSPHERES else 0.0
            if body.parent:
                look.trails[i] = self._strength(f"{name}Trail")
                look.colors[i] = self._value(f"{name}Trail.Renderable.Appearance.Color")
                look.widths[i] = self._value(f"{name}Trail.Renderable.Appearance.LineWidth")
        look.night, look.clouds = strength(self.owner_at(_NIGHT)), strength(self.owner_at(_CLOUDS))
        look.rings, look.glare = strength(self.owner_at(_RINGS)), self._strength("SunGlare")
        look.stars, look.milky_way = self._strength("Stars"), self._strength("MilkyWay")
        look.constellations = self._strength("Constellations")
        look.constellation_names = look.constellations * strength(self.owner_at("Constellations.Renderable.Labels"))
        return look

    def _strength(self, identifier: str) -> float:
        """0 also for a node that was removed."""
        found = self.scene.find(f"{identifier}.Renderable")
        return strength(found if isinstance(found, PropertyOwner) else None)

    def _value(self, path: str) -> Any:
        found = self.scene.find(path)
        return found.value if isinstance(found, Property) else 1.0
