"""Input of points: exact, or refused by an error that says what is wrong, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from openspace_server.protocols.points import PointFrame
from openspace_widget import PointsError
from openspace_widget.points import colormaps, readers
from openspace_widget.points.encode import POINT_UNITS, Prepared, prepare, recipe

XYZ = np.random.default_rng(2).normal(0, 50, (500, 3)).astype("f4")
VALUES = np.linspace(0, 1, 500)


def made(xyz: Any, values: Any = None, colors: Any = None, **options: Any) -> PointFrame:
    return ready(xyz, values, colors, **options).frame


def ready(xyz: Any, values: Any = None, colors: Any = None, **options: Any) -> Prepared:
    about, points = recipe("mine", xyz, {"values": values, **options})  # type: ignore[typeddict-item]
    return prepare(about, points, values, colors, 1)


def test_float32_goes_as_it_is_whatever_its_layout() -> None:
    for array in (XYZ, np.asfortranarray(XYZ), XYZ[::-1][::-1]):
        frame = made(array, unit="Mpc")
        assert frame.positions.tobytes() == XYZ.tobytes()
        assert frame.options.offset == (0, 0, 0)
    assert made(XYZ.tolist()).positions.tobytes() == XYZ.tobytes()
    assert made(np.arange(6).reshape(2, 3)).positions.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_float64_far_away_keeps_its_detail_by_an_offset() -> None:
    detail = np.random.default_rng(1).uniform(-10, 10, (100, 3))
    far = detail + [1.5e11, 0, -3e9]
    frame = made(far, parent="Earth")
    back = frame.positions.astype("f8") + np.array(frame.options.offset) / POINT_UNITS["m"]
    assert np.abs(back - far).max() < 1e-4
    assert frame.positions.dtype == np.float32
    assert made(far, precision="float64").positions.tolist() == far.tolist()


@pytest.mark.parametrize(
    ("xyz", "reason"),
    [
        (XYZ.T, r"expected shape \(n, 3\), got \(3, 500\); did you mean its transpose"),
        (XYZ[:, :2], r"expected shape \(n, 3\)"),
        (np.zeros((0, 3)), "not a single point"),
        (np.array([["a", "b", "c"]]), "expected numbers"),
        ([[1, 2, 3], [1, 2]], "expected"),
        (None, "expected"),
        ("/nowhere/stars.csv", "no such file"),
        (pd.DataFrame({"a": [1.0]}), "no columns x, y, z, nor ra, dec .*: it has a"),
        (np.zeros(3) * u.s, "expected lengths, got a quantity in s"),
        (SkyCoord([1, 2] * u.deg, [3, 4] * u.deg), "no distances"),
    ],
)
def test_what_is_no_points_is_refused_with_what_it_is(xyz: Any, reason: str) -> None:
    with pytest.raises(PointsError, match=reason):
        made(xyz)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"unit": "furlong"}, "unit: expected one of m, km"),
        ({"frame": "B1950"}, "frame: expected one of galactic"),
        ({"frame": "icrs", "parent": "Mars"}, "leave frame= out"),
        ({"colormap": "virdis"}, "did you mean viridis"),
        ({"colormap": [[0, 0, 300], [1, 2, 3]]}, "between 0 and 255"),
        ({"color": (2, 0, 0)}, "three numbers from 0 to 1"),
        ({"color": "#12345"}, "color"),
        ({"size": 0}, "size: 0 is outside"),
        ({"opacity": 2}, "opacity"),
        ({"precision": "half"}, "precision: expected one of 'float32'"),
        ({"invalid": "ignore"}, "invalid"),
        ({"values": VALUES[:5]}, r"shape \(500,\), got \(5,\)"),
        ({"values": "mass"}, "no column 'mass'"),
        ({"values": VALUES, "range": (2, 1)}, "range: expected low <= high"),
        ({"values": VALUES, "range": (0, 1), "log": True}, "range: expected 0 < low"),
        ({"values": -VALUES, "log": True}, "log=True needs values above zero"),
        ({"colors": XYZ}, "floats lie between 0 and 1"),
        ({"colors": XYZ[:5]}, "colors: expected numbers"),
        ({"filter": (0, 1)}, "needs values="),
        ({"filter": VALUES}, "expected 500 of True or False"),
        ({"values": VALUES, "filter": (5, None)}, "leaves no point"),
    ],
)
def test_wrong_options_are_refused_by_name(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(PointsError, match=reason):
        made(XYZ, **options)


def test_nan_names_its_row_or_is_dropped() -> None:
    holes = XYZ.copy()
    holes[41, 2], holes[99] = np.nan, np.inf
    with pytest.raises(PointsError, match=r"2 of 500 rows .* row 41.*invalid='drop'"):
        made(holes)
    dropped = ready(holes, np.where(VALUES > 0.9, np.nan, VALUES), invalid="drop")
    assert dropped.rows is not None
    assert 41 not in dropped.rows
    assert np.isfinite(dropped.frame.columns["values"]).all()
    assert dropped.frame.positions.tobytes() == XYZ[dropped.rows].tobytes()


def test_filters_choose_points_and_remember_their_rows() -> None:
    for chosen in ((0.5, None), lambda values: values >= 0.5, VALUES.astype("f4") >= 0.5):
        part = ready(XYZ, VALUES, filter=chosen)
        assert part.rows is not None
        assert part.rows.tolist() == list(range(250, 500))
        assert part.frame.columns["values"].min() >= 0.5


def test_units_and_axes_of_astropy_are_understood() -> None:
    frame = made(XYZ * u.kpc)
    assert (frame.options.unit, frame.positions.tobytes()) == ("kpc", XYZ.tobytes())
    assert made(XYZ * u.lyr).options.unit == "pc"
    with pytest.raises(PointsError, match="themselves are in 'kpc'"):
        made(XYZ * u.kpc, unit="Mpc")
    sky = SkyCoord(ra=[10, 200] * u.deg, dec=[-5, 60] * u.deg, distance=[3, 7] * u.Mpc)
    expected = sky.galactic.cartesian.xyz.to_value("Mpc").T
    frame = made(sky)
    assert (frame.options.unit, frame.options.frame) == ("Mpc", "Galactic")
    assert np.allclose(frame.positions, expected, rtol=1e-6)
    table = Table({"ra": sky.ra, "dec": sky.dec, "distance": sky.distance, "mass": [1.0, 2.0]})
    frame = made(table, "mass")
    assert (frame.options.unit, frame.options.frame) == ("Mpc", "ICRF")
    assert np.allclose(frame.positions, sky.cartesian.xyz.to_value("Mpc").T, rtol=1e-6)
    assert frame.columns["values"].tolist() == [1, 2]


@pytest.mark.parametrize("frame", ["supergalactic", "ecliptic"])
def test_other_axes_are_turned_as_astropy_turns_them(frame: str) -> None:
    sky = SkyCoord(ra=[10, 200, 77] * u.deg, dec=[-5, 60, 12] * u.deg, distance=[3, 7, 1] * u.kpc)
    if frame == "ecliptic":
        turned, expected = sky.barycentricmeanecliptic, sky.icrs
    else:
        turned, expected = sky.supergalactic, sky.galactic
    got = made(turned.cartesian.xyz.to_value("kpc").T, unit="kpc", frame=frame)
    assert got.options.frame == ("ICRF" if frame == "ecliptic" else "Galactic")
    assert np.allclose(got.positions, expected.cartesian.xyz.to_value("kpc").T, atol=1e-5)


def test_a_parallax_gives_a_distance_and_one_below_zero_none() -> None:
    frame = pd.DataFrame({"RA": [0.0, 90.0, 1.0], "Dec": [0.0, 0.0, 2.0], "Parallax": [100.0, 10.0, -1.0]})
    with pytest.raises(PointsError, match="row 2"):
        made(frame)
    got = made(frame, invalid="drop")
    assert got.options.unit == "pc"
    assert np.allclose(got.positions, [[10, 0, 0], [0, 100, 0]], atol=1e-5)


def test_colours_of_points_and_of_maps() -> None:
    rgb = np.random.default_rng(1).random((500, 3))
    painted = made(XYZ, colors=rgb).columns["colors"]
    assert painted.shape == (500, 4)
    assert (painted[:, :3] == np.round(rgb * 255)).all()
    assert (painted[:, 3] == 255).all()
    assert made(XYZ, color="#ff8000").options.color == (1, 128 / 255, 0)
    name, viridis = colormaps.colors_of("viridis")
    assert (name, len(viridis), viridis[0], viridis[-1]) == ("viridis", 256, (68, 1, 84), (253, 231, 37))
    assert colormaps.colors_of("viridis_r")[1] == viridis[::-1]
    assert colormaps.colors_of(np.array([[0, 0, 0], [1.0, 1, 1]]))[1] == ((0, 0, 0), (255, 255, 255))


def test_the_maps_that_come_along_are_those_of_matplotlib() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    for name in ("viridis", "plasma", "turbo", "hot"):
        own = np.array(colormaps.colors_of(name)[1])
        assert np.abs(own - matplotlib.colormaps[name](np.arange(256))[:, :3] * 255).max() <= 0.51
    assert colormaps.colors_of("RdBu")[1] == colormaps.colors_of(matplotlib.colormaps["RdBu"])[1]
    assert colormaps.rgb("tab:orange") == matplotlib.colors.to_rgb("tab:orange")


# -- files --------------------------------------------------------------------------------------------------------


def write(path: Path, data: Any) -> Path:
    if isinstance(data, str):
        path.write_text(data)
    else:
        path.write_bytes(data)
    return path


TABLE = pd.DataFrame({"x": XYZ[:, 0], "y": XYZ[:, 1], "z": XYZ[:, 2], "mass": VALUES})


@pytest.mark.parametrize("ending", ["csv", "tsv", "speck", "npy", "npz", "fits", "vot", "parquet"])
def test_files_of_all_kinds_give_the_same_points(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"points.{ending}"
    match ending:
        case "csv" | "tsv":
            TABLE.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
            write(path, "# made by a test\n" + path.read_text())
        case "speck":
            rows = [" ".join(repr(float(n)) for n in row) for row in TABLE.to_numpy()]
            write(path, "datavar 0 mass\n# comment\n" + "".join(f"{row} # star\n" for row in rows))
        case "npy":
            np.save(path, TABLE.to_records(index=False))
        case "npz":
            np.savez(path, xyz=XYZ, mass=VALUES)
        case "fits" | "vot":
            table = Table.from_pandas(TABLE)
            for axis in "xyz":
                table[axis].unit = "kpc"
            table.write(path, format="fits" if ending == "fits" else "votable")
        case "parquet":
            TABLE.to_parquet(path)
    frame = made(str(path), "mass", **({} if ending in ("fits", "vot") else {"unit": "kpc"}))
    assert frame.options.unit == "kpc"
    assert np.array_equal(frame.positions, XYZ)
    assert np.array_equal(frame.columns["values"], VALUES.astype("f4"))


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.csv", "x,y,z\n1,2,3\n1,2,3\n1,two,3\n4,5,6\n", "a.csv, line 4: column 'y': 'two' is not a number"),
        ("a.csv", "# c\nx,y,z\n1,2,3\n\n1,2\n", "a.csv, line 5: 2 fields, the header has 3: '1,2'"),
        ("a.csv", "x,y,x\n1,2,3\n", "two columns have the same name"),
        ("a.csv", "", "there is no header"),
        ("a.csv", "x,y,z\n", "not a single row"),
        ("a.csv", "a,b\n1,2\n", "no columns x, y, z"),
        ("a.csv", b"x,y,z\n\xff\xfe,1,2\n", "cannot be read"),
        ("a.speck", "1 2 3\n1 2 nope\n", "a.speck, line 2: not all numbers: '1 2 nope'"),
        ("a.speck", "1 2 3 4\n1 2 3\n", "a.speck, line 2: 3 numbers, those before have 4"),
        ("a.speck", "datavar 0 mass\n1 2\n", "a.speck, line 2: 2 numbers, expected x y z"),
        ("a.npy", b"\x93NUMPY rubbish", "a.npy"),
        ("a.npy", b"cos\nsystem\n(S'true'\ntR.", "a.npy: not an array that can be read safely"),
        ("a.fits", "rubbish", "no table that astropy can read"),
        ("a.vot", "<xml/>", "no table that astropy can read"),
        ("a.parquet", "rubbish", "no Parquet file"),
        ("a.doc", "rubbish", r"expected a file ending with \.csv"),
    ],
)
def test_bad_files_are_refused_with_the_row(tmp_path: Path, name: str, data: Any, reason: str) -> None:
    with pytest.raises(PointsError, match=reason):
        readers.read(write(tmp_path / name, data)).columns and made(tmp_path / name)


def test_an_empty_field_is_nan_and_told_of_by_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "x;y;z\n1;2;3\n1;;3\n4;5;6\n")
    with pytest.raises(PointsError, match="the first is row 1"):
        made(path)
    assert made(path, invalid="drop").positions.tolist() == [[1, 2, 3], [4, 5, 6]]
