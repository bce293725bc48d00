"""Files for OpenSpace hold exactly the numbers that were passed, in a form that OpenSpace can read."""

from __future__ import annotations

import errno
import math
from pathlib import Path

import numpy as np
import pytest

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.points import files as point_files
from openspace_server.engines.openspace.points import node_table
from openspace_server.engines.openspace.points.files import MOST_COLORS, palette, write_color_map, write_points


def read(file: Path) -> np.ndarray:
    return np.loadtxt(file, delimiter=",", skiprows=1, ndmin=2)


def test_every_float32_comes_back_as_it_was(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).integers(0, 2**32, 200_000, dtype=np.uint32).view("<f4")
    tens = (10.0 ** np.arange(-36, 39)).astype("<f4")
    edges = [tens, np.nextafter(tens, np.float32(0)), np.nextafter(tens, np.float32(np.inf)), -tens]
    numbers = np.concatenate([bits, *edges, np.array([0, 3.4028235e38, -3.4028235e38, 1.1e-37], "<f4")])
    numbers = numbers[np.isfinite(numbers) & ((np.abs(numbers) >= 1e-37) | (numbers == 0))]
    numbers = numbers[: len(numbers) // 3 * 3].reshape(-1, 3)
    write_points(tmp_path / "p.csv", numbers)
    assert np.array_equal(read(tmp_path / "p.csv").astype("<f4"), numbers)


def test_numbers_that_openspace_cannot_read_become_ones_that_it_can(tmp_path: Path) -> None:
    positions = np.array([[1e-45, -1e-38, 1e300], [-1e300, 0, -0.0]])
    write_points(tmp_path / "p.csv", positions, np.array([np.nan, 2.5]))
    assert (tmp_path / "p.csv").read_text().splitlines() == [
        "x,y,z,values",
        " 0.00000000e+00,-0.00000000e+00, 3.40282350e+38,            nan",
        "-3.40282350e+38, 0.00000000e+00, 0.00000000e+00, 2.50000000e+00",
    ]


def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(columns: list[np.ndarray]) -> memoryview:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(point_files, "_rows", full)
    with pytest.raises(OSError, match="No space left"):
        write_points(tmp_path / "p.csv", np.zeros((5, 3)))
    assert not list(tmp_path.iterdir())


def test_a_color_map_keeps_all_256_steps_of_a_channel(tmp_path: Path) -> None:
    steps = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, axis=1)
    write_color_map(tmp_path / "c.cmap", steps)
    count, *lines = (tmp_path / "c.cmap").read_text().splitlines()
    assert int(count) == len(lines) == 256
    rows = np.array([line.split() for line in lines], np.float32)
    assert np.array_equal((255 * rows).astype(np.uint8), steps), "OpenSpace cuts off, it does not round"


def test_colors_of_points_are_exact_while_they_are_few_and_near_when_they_are_many() -> None:
    numbers = np.random.default_rng(2)
    few = numbers.integers(0, 256, (3000, 4), dtype=np.uint8)
    colors, rows = palette(few)
    assert np.array_equal(colors[rows], few)
    many = numbers.integers(0, 256, (300_000, 4), dtype=np.uint8)
    colors, rows = palette(many)
    assert len(colors) <= MOST_COLORS
    assert np.abs(colors[rows].astype(int) - many).max() <= 20


def table(**renderable: object) -> dict[str, object]:
    return {"Identifier": "a", "Parent": "Root", "Renderable": {"Type": "RenderablePointCloud", **renderable}}


@pytest.mark.parametrize("unit", node_table.UNITS)
def test_units_that_openspace_lacks_are_converted(unit: str) -> None:
    metres = {"m": 1, "km": 1e3, "au": 1.495978707e11, "ly": 9.4607304725808e15, "pc": 3.0856776e16}
    metres |= {"kpc": 3.0856776e19, "Mpc": 3.0856776e22, "Gpc": 3.0856776e25, "Gly": 9.4607304725808e24}
    own = {"m": 1, "Km": 1e3, "pc": 3.0856776e16, "Kpc": 3.0856776e19, "Mpc": 3.0856776e22, "Gpc": 3.0856776e25}
    own |= {"Gly": 9.4607304725808e24}
    placed = node_table.positions_of(table(Unit=unit), np.array([[1, -2, 3]], "<f4"))
    assert placed.numbers[0] * own[placed.unit] == pytest.approx(np.array([1, -2, 3]) * metres[unit], rel=1e-6)
    assert placed.offset == (0, 0, 0)


def test_what_float32_cannot_say_goes_into_the_position_of_the_node() -> None:
    far = np.array([[1e9, 0, 0], [1e9 + 0.001, 0, 0]])
    placed = node_table.positions_of(table(Unit="km"), far)
    assert placed.offset == pytest.approx((1e12, 0, 0))
    assert np.float32(placed.numbers[1, 0]) - np.float32(placed.numbers[0, 0]) == pytest.approx(1e-3, rel=1e-3)


def test_icrf_axes_are_turned_into_those_of_openspace() -> None:
    # The galactic centre lies at right ascension 266.405°, declination -28.936° (IAU 1958, J2000).
    ra, dec = math.radians(266.40499), math.radians(-28.93617)
    centre = np.array([[math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)]])
    placed = node_table.positions_of(table(Unit="kpc", Frame="ICRF"), centre.repeat(2, axis=0) * [[0], [1]])
    there = placed.numbers[1] + np.array(placed.offset) / 3.0856775814913673e19
    assert there == pytest.approx([1, 0, 0], abs=1e-6)
    with pytest.raises(EngineError, match="a frame of points is Galactic or ICRF"):
        node_table.positions_of(table(Frame="FK5"), centre)
    with pytest.raises(EngineError, match="a unit of points is one of"):
        node_table.positions_of(table(Unit="mile"), centre)


def test_sizes_in_pixels_and_degrees_are_the_same_sizes() -> None:
    assert node_table.pixels(node_table.degrees(8, 1280), 1280) == pytest.approx(8)
    assert node_table.degrees(1280, 1280) == pytest.approx(80)
    assert node_table.pixels(node_table.degrees(0.1, 1280), 1280) == pytest.approx(math.sqrt(2)), "never less"


def test_logarithms_of_values_are_what_is_colored() -> None:
    mapping = {"Parameter": "values", "Colors": [[0, 0, 0], [1, 1, 1]], "ValueRange": [1, 100], "Logarithmic": True}
    columns = {"values": np.array([1, 10, 0, -5], "<f4")}
    colors = node_table.colors_of(mapping, columns, None)
    assert colors is not None
    assert np.array_equal(colors.numbers, [0, 1, np.nan, np.nan], equal_nan=True)
    assert colors.span == (0, 2)
    with pytest.raises(EngineError, match="range above 0"):
        node_table.colors_of(mapping | {"ValueRange": [0, 1]}, columns, None)
    with pytest.raises(EngineError, match="no column 'mass': there are values"):
        node_table.colors_of(mapping | {"Parameter": "mass"}, columns, None)
