"""Where bodies are while a tour goes on, as its instance tells."""

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
"""Moments asked for in one request."""
MOST = 200
"""Bodies kept clear of, the largest first where there are more."""


@dataclass(frozen=True)
class Sky:
    """One moment, in galactic axes: ``positions`` ``(n, 3)`` metres from the Sun and ``rotations`` ``(n, 3, 3)`` from
    body-fixed axes."""

    positions: np.ndarray
    rotations: np.ndarray


@dataclass(frozen=True)
class Bodies:
    """Who is there: ``names`` and ``radii`` in metres ``(n,)``; rows as in :class:`Sky`."""

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


async def bodies(client: Client, wanted: Sequence[str]) -> Bodies:
    """The bodies of a session, at least those of ``wanted``. Raises RequestError."""
    told = [(str(t["identifier"]), str(t["name"]), float(t.get("radius") or 0)) for t in await client.ask("targets")]
    everyone = Bodies(tuple(t[0] for t in told), np.array([t[2] for t in told]), tuple(t[1] for t in told))
    rows = {everyone.find(name) for name in wanted}
    solid = [row for row in range(len(told)) if told[row][2] > 0]
    largest = sorted(solid, key=lambda row: -told[row][2])[: max(0, MOST - len(rows))]
    kept = [told[row] for row in sorted(rows | set(largest))]
    return Bodies(tuple(t[0] for t in kept), np.array([t[2] for t in kept]), tuple(t[1] for t in kept))


async def skies(client: Client, who: Bodies, times: Sequence[datetime]) -> list[Sky]:
    """The sky at each of ``times``. Raises RequestError for times the engine does not know."""
    found: list[Sky] = []
    for start in range(0, len(times), AT_ONCE):
        some = [iso(time) for time in times[start : start + AT_ONCE]]
        answer = await client.ask("whereabouts", targets=list(who.names), times=some)
        (_, positions), (_, rotations) = answer
        found += [Sky(p, r) for p, r in zip(positions, rotations, strict=True)]
    return found
