"""One value for each unit of length, wherever it is used."""

from __future__ import annotations

import pytest

from openspace_server.engines.embedded.points.node import UNITS as EMBEDDED
from openspace_server.engines.embedded.sky import units as sky
from openspace_server.engines.openspace.points.node_table import UNITS as OPENSPACE
from openspace_server.protocols.units import ASTRONOMICAL_UNIT, LIGHT_YEAR, PARSEC, POINT_UNITS
from openspace_widget.units import LENGTHS


def test_the_astronomical_units_agree() -> None:
    assert (POINT_UNITS["au"], POINT_UNITS["ly"], POINT_UNITS["pc"]) == (ASTRONOMICAL_UNIT, LIGHT_YEAR, PARSEC)
    assert (LENGTHS["AU"], LENGTHS["ly"], LENGTHS["pc"]) == (ASTRONOMICAL_UNIT, LIGHT_YEAR, PARSEC)
    assert (sky.AU, sky.PARSEC) == (ASTRONOMICAL_UNIT, PARSEC)


@pytest.mark.parametrize("unit", POINT_UNITS)
def test_engines_know_every_unit_of_points(unit: str) -> None:
    assert EMBEDDED[unit.casefold()] == pytest.approx(POINT_UNITS[unit], rel=1e-15)
    _, factor, metres = OPENSPACE[unit]
    assert factor * metres == pytest.approx(POINT_UNITS[unit], rel=1e-15)
