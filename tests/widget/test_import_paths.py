"""Import paths that the reference has ever printed stay valid; deprecated ones warn and name the new one."""

from __future__ import annotations

import importlib
import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

import openspace_widget
from openspace_widget.tour.tour import Tour

STABLE = [
    "openspace_widget.points.Points",
    "openspace_widget.points.AsyncPoints",
    "openspace_widget.points.Sent",
    "openspace_widget.points.Played",
    "openspace_widget.points.Pick",
    "openspace_widget.frames.Frame",
    "openspace_widget.frames.Video",
    "openspace_widget.timeline.Timeline",
    "openspace_widget.sharing.Share",
    "openspace_widget.stats.StreamStats",
    "openspace_widget.aio.AsyncOpenSpace",
    "openspace_widget.scripting.library.LuaCallError",
    *(f"openspace_widget.errors.{name}" for name in openspace_widget.__all__ if name.endswith("Error")),
]
DEPRECATED = {
    "openspace_widget.traits.LiveTraits": "openspace_widget.LiveTraits",
    "openspace_widget.widget.OpenSpaceView": "openspace_widget.OpenSpaceView",
}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "stability.md"


def taken_from(path: str) -> object:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("path", STABLE)
@pytest.mark.filterwarnings("error")
def test_a_path_of_the_reference_gives_the_exported_class(path: str) -> None:
    assert taken_from(path) is getattr(openspace_widget, path.rpartition(".")[2])


@pytest.mark.parametrize(("old", "new"), DEPRECATED.items())
def test_a_deprecated_path_warns_and_names_the_new_one(old: str, new: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = taken_from(old)
    assert found is taken_from(new)
    assert [str(each.message) for each in caught] == [f"{old} is deprecated; use {new}"]
    assert [each.category for each in caught] == [DeprecationWarning]
    assert caught[0].filename == __file__, "where the old name is used"


@pytest.mark.parametrize("module", ["openspace_widget.traits", "openspace_widget.widget"])
def test_a_deprecated_module_has_no_other_names(module: str) -> None:
    with pytest.raises(AttributeError) as refused:
        taken_from(f"{module}.Nothing")
    assert str(refused.value) == f"module {module!r} has no attribute 'Nothing'"


def test_a_deprecated_import_statement_warns_where_it_stands() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        from openspace_widget.traits import LiveTraits
    assert LiveTraits is openspace_widget.LiveTraits
    assert [str(each.message) for each in caught] == [
        "openspace_widget.traits.LiveTraits is deprecated; use openspace_widget.LiveTraits"
    ]
    assert caught[0].filename == __file__


def test_the_planned_route_of_a_tour_is_deprecated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openspace_widget.tour.tour.plan_tour", lambda client, tour: (client.session, tour))
    tour, session = Tour([{"target": "Mars"}]), SimpleNamespace()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert tour.planned(session) == (session, tour)  # type: ignore[arg-type, comparison-overlap]
    assert [str(each.message) for each in caught] == ["Tour.planned is deprecated; use Tour.route(space)"]


def test_the_page_of_stable_names_lists_the_deprecated_ones() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert dict(rows) == DEPRECATED | {"Tour.planned": "Tour.route"}
