"""Built-in assets: groups of scene graph nodes under names like OpenSpace's."""

from __future__ import annotations

from openspace_server.engines.embedded.graphics.shading import ATMOSPHERES
from openspace_server.engines.embedded.sky.bodies import BODIES


def _of_kind(kind: str) -> tuple[str, ...]:
    return tuple(body.identifier for body in BODIES if body.kind == kind)


ASSETS: dict[str, tuple[str, ...]] = {
    "scene/solarsystem/sun/sun.asset": ("Sun",),
    "scene/solarsystem/sun/glare.asset": ("SunGlare",),
    "scene/solarsystem/planets.asset": _of_kind("planet"),
    "scene/solarsystem/moons.asset": _of_kind("moon"),
    "scene/solarsystem/atmospheres.asset": tuple(f"{name}Atmosphere" for name in ATMOSPHERES),
    "scene/solarsystem/trails.asset": tuple(f"{body.identifier}Trail" for body in BODIES if body.parent),
    "scene/solarsystem/labels.asset": tuple(f"{body.identifier}Label" for body in BODIES),
    "scene/digitaluniverse/stars.asset": ("Stars",),
    "scene/digitaluniverse/constellations.asset": ("Constellations",),
    "scene/milkyway/milkyway.asset": ("MilkyWay",),
}
"""Which nodes are drawn when an asset is loaded."""
