"""Positions of bodies during a tour, as its instance computes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from openspace_server.protocols.suggestions import did_you_mean, near
from openspace_widget.client.client import Client
from openspace_widget.errors import RequestError
from openspace_widget.units import iso

AT_ONCE = 1000
"""Moments in one request."""
MOST = 200
"""Bodies that the camera keeps clear of, at most; the largest ones."""


@dataclass(frozen=True)
class BodyPositions:
    """All bodies at one moment, in galactic axes: ``positions`` ``(n, 3)`` metres from the Sun and ``rotations``
    ``(n, 3, 3)`` from body-fixed axes."""

    positions: np.ndarray
    rotations: np.ndarray


@dataclass(frozen=True)
class Bodies:
    """Identifiers (``names``), ``radii`` in metres ``(n,)`` and ``titles``; rows as in :class:`BodyPositions`."""

    names: tuple[str, ...]
    radii: np.ndarray
    titles: tuple[str, ...]

    def find(self, name: str) -> int:
        """Row of the body with this identifier or name, in any case. Raises RequestError listing near names."""
        folded = {each.casefold(): i for i, each in enumerate(self.titles)}
        folded |= {each.casefold(): i for i, each in enumerate(self.names)}
        row = folded.get(name.casefold())
        if row is None:
            hint = did_you_mean([self.names[folded[each]] for each in near(name, folded)], "space.targets lists them")
            raise RequestError(f"unknown target {name!r}: {hint}")
        return row


async def fetch_bodies(client: Client, names: Sequence[str]) -> Bodies:
    """The bodies of a session, at least those of ``names``. Raises RequestError."""
    targets = [(str(t["identifier"]), str(t["name"]), float(t.get("radius") or 0)) for t in await client.ask("targets")]
    rows = {_bodies(targets).find(name) for name in names}
    solid = [row for row in range(len(targets)) if targets[row][2] > 0]
    largest = sorted(solid, key=lambda row: -targets[row][2])[: max(0, MOST - len(rows))]
    return _bodies([targets[row] for row in sorted(rows | set(largest))])


def _bodies(targets: Sequence[tuple[str, str, float]]) -> Bodies:
    names, titles, radii = zip(*targets, strict=True) if targets else ((), (), ())
    return Bodies(tuple(names), np.array(radii), tuple(titles))


async def fetch_positions(client: Client, bodies: Bodies, times: Sequence[datetime]) -> list[BodyPositions]:
    """The positions at each of ``times``. Raises RequestError for times the engine does not know."""
    found: list[BodyPositions] = []
    for start in range(0, len(times), AT_ONCE):
        some = [iso(time) for time in times[start : start + AT_ONCE]]
        answer = await client.ask("whereabouts", targets=list(bodies.names), times=some)
        (_, positions), (_, rotations) = answer
        found += [BodyPositions(p, r) for p, r in zip(positions, rotations, strict=True)]
    return found
