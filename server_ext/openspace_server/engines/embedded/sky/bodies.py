"""The bodies of the embedded engine: names, sizes, colours and maps, without positions.

Radii (equatorial and polar, metres): Archinal et al. 2018, Report of the IAU Working Group on Cartographic Coordinates
and Rotational Elements 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

from openspace_server.engines.base import Target, UnknownTarget


@dataclass(frozen=True)
class Body:
    """A sphere or spheroid.

    Attributes:
        identifier: the name in scenes and messages, as OpenSpace spells it.
        kind: "star", "planet", "dwarf planet" or "moon".
        parent: identifier of what it orbits; empty for the Sun.
        radius: equatorial, metres.
        polar_radius: metres.
        texture: name of its map below ``data/``, without ending.
        color: RGB 0..1 of the dot it is from afar, of its orbit line and of its label.
        extent: how far what belongs to the body reaches, in radii (Saturn's rings).
    """

    identifier: str
    kind: str
    parent: str
    radius: float
    polar_radius: float
    texture: str
    color: tuple[float, float, float]
    extent: float = 1.0

    @property
    def name(self) -> str:
        return self.identifier

    def target(self) -> Target:
        return Target(self.identifier, self.name, self.kind, self.radius)


BODIES: tuple[Body, ...] = (
    Body("Sun", "star", "", 695_700e3, 695_700e3, "sun", (1.0, 0.87, 0.62)),
    Body("Mercury", "planet", "Sun", 2_440.53e3, 2_438.26e3, "mercury", (0.72, 0.69, 0.66)),
    Body("Venus", "planet", "Sun", 6_051.8e3, 6_051.8e3, "venus", (0.96, 0.86, 0.62)),
    Body("Earth", "planet", "Sun", 6_378.1366e3, 6_356.7519e3, "earth_day", (0.45, 0.66, 1.0)),
    Body("Mars", "planet", "Sun", 3_396.19e3, 3_376.20e3, "mars", (0.95, 0.50, 0.32)),
    Body("Jupiter", "planet", "Sun", 71_492e3, 66_854e3, "jupiter", (0.90, 0.76, 0.60)),
    Body("Saturn", "planet", "Sun", 60_268e3, 54_364e3, "saturn", (0.93, 0.83, 0.58), 136_775 / 60_268),
    Body("Uranus", "planet", "Sun", 25_559e3, 24_973e3, "uranus", (0.62, 0.88, 0.91)),
    Body("Neptune", "planet", "Sun", 24_764e3, 24_341e3, "neptune", (0.38, 0.55, 1.0)),
    Body("Moon", "moon", "Earth", 1_737.4e3, 1_737.4e3, "moon", (0.78, 0.78, 0.80)),
    Body("Io", "moon", "Jupiter", 1_821.49e3, 1_821.49e3, "io", (0.90, 0.82, 0.50)),
    Body("Europa", "moon", "Jupiter", 1_560.8e3, 1_560.8e3, "europa", (0.86, 0.82, 0.76)),
    Body("Ganymede", "moon", "Jupiter", 2_631.2e3, 2_631.2e3, "ganymede", (0.68, 0.64, 0.58)),
    Body("Callisto", "moon", "Jupiter", 2_410.3e3, 2_410.3e3, "callisto", (0.58, 0.53, 0.47)),
    Body("Pluto", "dwarf planet", "Sun", 1_188.3e3, 1_188.3e3, "pluto", (0.85, 0.74, 0.62)),
    Body("Charon", "moon", "Pluto", 606.0e3, 606.0e3, "charon", (0.62, 0.60, 0.58)),
    Body("Mimas", "moon", "Saturn", 198.2e3, 198.2e3, "mimas", (0.74, 0.74, 0.74)),
    Body("Enceladus", "moon", "Saturn", 252.1e3, 252.1e3, "enceladus", (0.92, 0.94, 0.96)),
    Body("Tethys", "moon", "Saturn", 531.0e3, 531.0e3, "tethys", (0.80, 0.79, 0.78)),
    Body("Dione", "moon", "Saturn", 561.4e3, 561.4e3, "dione", (0.78, 0.77, 0.76)),
    Body("Rhea", "moon", "Saturn", 763.5e3, 763.5e3, "rhea", (0.78, 0.76, 0.74)),
    Body("Titan", "moon", "Saturn", 2_575.0e3, 2_575.0e3, "titan", (0.93, 0.70, 0.36)),
    Body("Iapetus", "moon", "Saturn", 734.3e3, 734.3e3, "iapetus", (0.66, 0.60, 0.52)),
    Body("Miranda", "moon", "Uranus", 235.8e3, 235.8e3, "miranda", (0.66, 0.66, 0.67)),
    Body("Ariel", "moon", "Uranus", 578.9e3, 578.9e3, "ariel", (0.70, 0.69, 0.68)),
    Body("Umbriel", "moon", "Uranus", 584.7e3, 584.7e3, "umbriel", (0.48, 0.48, 0.48)),
    Body("Titania", "moon", "Uranus", 788.9e3, 788.9e3, "titania", (0.66, 0.63, 0.60)),
    Body("Oberon", "moon", "Uranus", 761.4e3, 761.4e3, "oberon", (0.60, 0.56, 0.53)),
    Body("Triton", "moon", "Neptune", 1_352.6e3, 1_352.6e3, "triton", (0.82, 0.74, 0.70)),
)
"""In the order that every array of positions, velocities and axes uses."""

INDEX: dict[str, int] = {body.identifier: i for i, body in enumerate(BODIES)}
PARENT: tuple[int, ...] = tuple(INDEX.get(body.parent, -1) for body in BODIES)

_FOLDED = {spelling.casefold(): i for i, body in enumerate(BODIES) for spelling in (body.identifier, body.name)}


def find(name: str) -> int:
    """Index of the body with this identifier or name, in any case. Raises UnknownTarget."""
    index = _FOLDED.get(str(name).strip().casefold())
    if index is None:
        raise UnknownTarget(str(name), INDEX)
    return index
