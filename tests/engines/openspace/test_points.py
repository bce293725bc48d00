"""``space.add_points`` with ``engine="openspace"``, the whole route: this process, a Jupyter server, a render host, the
openspace engine, and the double of OpenSpace, which reads the files. All releases, so both dialects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from openspace_widget import OpenSpace, RequestError
from tests.engines.openspace.installed import install
from tests.helpers import private_server, wait_for

pytestmark = pytest.mark.process

RELEASES = ("0.22.0", "0.21.4", "0.20.1")
XYZ = np.random.default_rng(1).normal(scale=100, size=(20_000, 3)).astype("f4")
CAMERA = {"Anchor": "Sun", "ReferenceFrame": "Root", "Position": [0, 0, 1.5e25], "Up": [0, 1, 0]}
NODE = "Scene.my_galaxies.Renderable"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders of these tests alone; ``current`` is the OpenSpace that a session starts."""
    tmp = tmp_path_factory.mktemp("points")
    (tmp / "tmp").mkdir()
    with private_server(tmp) as patch:
        patch.setenv("OPENSPACE_DIR", str(tmp / "current"))
        patch.setenv("TMPDIR", str(tmp / "tmp"))
        yield tmp


@pytest.fixture(scope="module", params=RELEASES)
def space(request: pytest.FixtureRequest, site: Path) -> Iterator[OpenSpace]:
    """A session in one release, out of the disc of the galaxies, which fill the frame; nothing else is in it."""
    (site / "current").unlink(missing_ok=True)
    (site / "current").symlink_to(install(site / request.param, request.param))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JPY_SESSION_NAME", f"points-{request.param}")
        with OpenSpace(engine="openspace", size=(320, 180)) as opened:
            opened.time.pause()
            for name in ("Stars", "SunGlare", "Sun", "MilkyWay"):
                opened[f"Scene.{name}.Renderable.Enabled"] = False
            opened.camera = CAMERA
            yield opened
    wait_for(lambda: not list((site / "tmp").glob("openspace-instance-*")))  # the files are gone with the session


@pytest.fixture(autouse=True)
def tidy(space: OpenSpace) -> Iterator[None]:
    yield
    for name in list(space.points):
        space.points[name].remove()


@pytest.fixture
def files(site: Path) -> Callable[[], list[str]]:
    """Endings of the files that are there for OpenSpace to read."""
    return lambda: sorted(file.suffix for file in site.glob("tmp/openspace-instance-*/points/*"))


def pixels(space: OpenSpace) -> np.ndarray:
    return np.asarray(space.frame())


def lit(space: OpenSpace) -> int:
    """Pixels that show anything."""
    return int((pixels(space).max(axis=2) > 40).sum())


def test_points_appear_move_and_go_and_so_do_their_files(space: OpenSpace, files: Callable[[], list[str]]) -> None:
    dark = lit(space)
    assert files() == []
    galaxies = space.add_points("my galaxies", XYZ, unit="Mpc", values=XYZ[:, 2], colormap="magma")
    assert galaxies.sent is not None
    assert (galaxies.sent.shown, galaxies.sent.points, galaxies.count) == (True, len(XYZ), len(XYZ))
    full = lit(space)
    assert full > dark + 1000
    assert files() == [".cmap", ".csv"]
    assert space[f"{NODE}.NumberOfDataPoints"] == len(XYZ)
    assert space[f"{NODE}.Type"] == "RenderablePointCloud"

    sent = galaxies.update(XYZ[:5000] / 10, XYZ[:5000, 2])
    assert sent is not None
    assert (sent.shown, sent.sequence, galaxies.count) == (True, 2, 5000)
    assert 0 < lit(space) - dark < full / 4, "all of them in the middle now"
    assert files() == [".cmap", ".csv"], "those of before are deleted"
    galaxies.visible = False
    assert lit(space) == dark
    galaxies.update(XYZ, XYZ[:, 2])
    assert space[f"{NODE}.Enabled"] is False, "the next file is shown as the one before"
    galaxies.visible = True
    assert lit(space) == full

    galaxies.remove()
    assert lit(space) == dark
    assert files() == []
    assert "my galaxies" not in space.points
    assert space.lua('return openspace.hasSceneGraphNode("my_galaxies")') is False


def test_looks_are_properties_of_the_node_and_read_back_from_it(space: OpenSpace) -> None:
    galaxies = space.add_points("my galaxies", XYZ[:300], unit="Mpc", color="#ff0000", size=2)
    small = pixels(space)
    assert small[..., 0].max() > 200
    assert small[..., 1:].max() < 40
    assert (galaxies.visible, galaxies.opacity, galaxies.size, galaxies.color) == (True, 1, 2, (1, 0, 0))
    galaxies.size, galaxies.opacity, galaxies.color = 6, 0.5, "#0000ff"
    assert (galaxies.size, galaxies.opacity, galaxies.color) == (6, 0.5, (0, 0, 1))
    large = pixels(space)
    assert (large[..., 2] > 40).sum() > 2 * (small[..., 0] > 40).sum()
    assert large[..., 0].max() < 40
    space[f"{NODE}.Coloring.FixedColor"] = [0, 1, 0]
    space[f"{NODE}.Opacity"] = 0.25
    assert (galaxies.color, galaxies.opacity) == ((0, 1, 0), 0.25), "whatever changed them"
    galaxies.update(XYZ[:300] / 2)
    assert (galaxies.color, galaxies.opacity, galaxies.size) == ((0, 1, 0), 0.25, 6)
    space.resolution = (640, 360)
    assert galaxies.size == 6, "pixels, whatever the size of the frame"
    space.resolution = (320, 180)
    assert space[f"{NODE}.Sizing.MaxSize"] == pytest.approx(2 * np.degrees(np.arctan(3 / 160 * np.tan(np.radians(40)))))


def test_values_are_colored_by_color_map_range_and_logarithm(space: OpenSpace, files: Callable[[], list[str]]) -> None:
    line = np.stack([np.linspace(-300, 300, 400), np.zeros(400), np.zeros(400)], axis=1).astype("f4")
    values = np.geomspace(1, 100, 400)
    halves = [[255, 0, 0], [0, 255, 0]]
    galaxies = space.add_points("line", line, unit="Mpc", values=values, colormap=halves, range=(0, 50.5), size=6)

    def red() -> float:
        """The red part of the line."""
        seen = pixels(space)[85:95].max(axis=0)
        return float((seen[:, 0] > 128).sum() / (seen.max(axis=1) > 128).sum())

    assert red() == pytest.approx(np.mean(values < 25.25), abs=0.03)
    galaxies.range = (0, 10)
    assert red() == pytest.approx(np.mean(values < 5), abs=0.03)
    galaxies.range, galaxies.log = (1, 100), True
    assert red() == pytest.approx(np.mean(values < 10), abs=0.03)
    galaxies.colormap = [[0, 0, 255], [255, 0, 0]]
    seen = pixels(space)
    assert seen[..., 1].max() < 40
    assert red() == pytest.approx(0.5, abs=0.03)
    assert (galaxies.log, galaxies.range) == (True, (1, 100))
    assert files() == [".cmap", ".csv"], "one of each, however often they were changed"
    galaxies.update(values=np.full(400, 99.0))
    assert red() == 1
    space["Scene.line.Renderable.Coloring.ColorMapping.ValueRange"] = [2.5, 5.0]
    galaxies.update(line / 2, np.full(400, 99.0))
    assert red() == 0, "a range that was set from outside is kept as well"


def test_every_point_may_have_a_color_of_its_own_with_alpha(space: OpenSpace) -> None:
    positions = np.array([[-200, 0, 0], [0, 0, 0], [200, 0, 0]], "f4")
    colors = np.array([[255, 0, 0, 255], [0, 255, 0, 128], [10, 20, 250, 255]], np.uint8)
    galaxies = space.add_points("three", positions, unit="Mpc", colors=colors, size=12)

    def seen() -> np.ndarray:
        found, counts = np.unique(pixels(space).reshape(-1, 3), axis=0, return_counts=True)
        large = found[(counts > 50) & (found.max(axis=1) > 40)].astype(int)
        return large[np.lexsort(large.T)]

    # The double blends round points, which takes off a little.
    assert seen() == pytest.approx(np.array([(255, 0, 0), (0, 128, 0), (10, 20, 250)]), abs=5)
    galaxies.update(colors=colors[:, [1, 0, 2, 3]])
    assert seen() == pytest.approx(np.array([(128, 0, 0), (0, 255, 0), (20, 10, 250)]), abs=5)


def test_points_around_a_body_are_in_its_axes_and_turn_with_it(space: OpenSpace) -> None:
    pole = np.array([[0, 0, 2e4]], "f4")
    space.camera = {"Anchor": "Earth", "ReferenceFrame": "Earth", "Position": [0, 0, 8e7], "Up": [0, 1, 0]}
    try:
        points = space.add_points("pole", pole, unit="km", parent="Earth", color="#ff00ff", size=8)
        seen = np.argwhere((np.abs(pixels(space).astype(int) - (255, 0, 255)) < 8).all(axis=2))
        assert seen.mean(axis=0) == pytest.approx((89.5, 159.5), abs=1), "seen from above the north pole"
        assert points.parent == "Earth"
        with pytest.raises(RequestError, match="'Earthh': did you mean Earth"):
            space.add_points("lost", XYZ[:10], parent="Earthh")
        assert list(space.points) == ["pole"]
    finally:
        space.camera = CAMERA


def test_a_sender_that_is_too_fast_has_frames_left_out_and_the_last_one_stays(
    space: OpenSpace, files: Callable[[], list[str]]
) -> None:
    movie = space.add_points("movie", XYZ[:5000], unit="Mpc")
    frames = [XYZ[: 1000 + k] for k in range(60)]
    played = movie.play(frames, hz=500)
    assert played.frames == 60
    assert played.shown + played.dropped == 60
    assert played.dropped > 10
    assert movie.count == space["Scene.movie.Renderable.NumberOfDataPoints"] == 1059
    assert movie.play(frames[:5], hz=500, keep="all").shown == 5
    assert files() == [".csv"]


def test_what_cannot_be_says_so_and_changes_nothing(space: OpenSpace, files: Callable[[], list[str]]) -> None:
    before = pixels(space)
    with pytest.raises(RequestError, match="already has a scene graph node 'Earth': choose another name"):
        space.add_points("Earth", XYZ)
    assert space["Scene.Earth.Renderable.Type"] == "RenderableGlobe"
    galaxies = space.add_points("my galaxies", XYZ, unit="Mpc")
    with pytest.raises(RequestError) as refused:
        galaxies.on_pick(print)
    assert str(refused.value) == (
        "OpenSpace does not say which point is where in its frames, so points cannot be picked: use the embedded "
        "engine for that"
    )
    space.add_points("my galaxies", XYZ, unit="Mpc")  # and no handler listens
    galaxies.remove()
    assert files() == []
    assert np.array_equal(pixels(space), before)


def test_a_node_removed_from_outside_comes_back_with_the_next_frame(space: OpenSpace) -> None:
    galaxies = space.add_points("my galaxies", XYZ, unit="Mpc", size=3)
    full = lit(space)
    space.lua('openspace.removeSceneGraphNode("my_galaxies")')
    wait_for(lambda: lit(space) < full / 10)
    assert galaxies.size == 3
    galaxies.update(XYZ)
    assert lit(space) == full
    space.lua('openspace.removeSceneGraphNode("my_galaxies")')
    galaxies.remove()
