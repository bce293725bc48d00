"""The property tree by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openspace_server.engines.properties import Property, PropertyError, PropertyOwner, PropertyTree
from openspace_server.engines.properties.easing import EASINGS
from openspace_server.engines.properties.interpolation import Interpolations


def tree_of(*properties: Property, tags: tuple[str, ...] = ()) -> PropertyTree:
    tree = PropertyTree()
    owner = PropertyOwner("Owner", tags=tags)
    tree.root.add(owner)
    for each in properties:
        owner.add(each)
    return tree


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("Bool", True, 1),
        ("Int", 3.0, 3.5),
        ("UShort", 65535, 65536),
        ("Float", 1, float("nan")),
        ("Float", 1, 1e39),
        ("Double", 1e39, "1"),
        ("String", "x", 5),
        ("Vec3", [1, 2, 3], [1, 2]),
        ("DVec2", {"1": 1, "2": 2}, {"x": 1, "y": 2}),
        ("IVec2", [1, 2], [1, 2.5]),
        ("Mat2", [1, 2, 3, 4], [1, 2, 3]),
        ("StringList", ["a"], [1]),
        ("DoubleList", [], [None]),
    ],
)
def test_a_type_takes_its_values_and_says_what_is_wrong_with_others(kind: str, good: object, bad: object) -> None:
    first = {"Bool": False, "String": "", "StringList": [], "DoubleList": []}
    size = {"Vec3": 3, "DVec2": 2, "IVec2": 2, "Mat2": 4}
    start = first.get(kind, [0] * size[kind] if kind in size else 0)
    found = Property("P", kind, start)
    tree_of(found)
    found.set(good)
    kept = found.value
    with pytest.raises(PropertyError, match=f"Owner.P is a {kind}Property"):
        found.set(bad)
    assert found.value == kept


def test_options_and_selections_take_only_what_they_offer() -> None:
    option = Property("P", "Option", 0, options={0: "low", 5: "high"})
    option.set(5)
    option.set("low")
    assert option.value == 0
    with pytest.raises(PropertyError, match="high"):
        option.set(3)
    selection = Property("S", "Selection", [], labels=("a", "b"))
    selection.set(["b"])
    with pytest.raises(PropertyError, match="choose from a, b"):
        selection.set(["c"])


def test_limits_hold_for_every_component() -> None:
    color = Property("C", "Vec3", (0, 0, 0), low=0, high=1)
    with pytest.raises(PropertyError, match=r"1\.5 is outside 0 to 1"):
        color.set([0, 1.5, 0])


def test_changes_are_reported_once_and_not_when_nothing_changes() -> None:
    found = Property("P", "Int", 1)
    tree = tree_of(found)
    changes: list[str] = []
    stop = tree.watch(lambda change: changes.append(f"{change.kind} {change.uri}"))
    found.set(2)
    found.set(2)
    found.set_limits(0, 10)
    owner = tree.owner("Owner")
    assert owner is not None
    owner.add(PropertyOwner("Below"))
    tree.root.remove("Owner")
    assert changes == ["value Owner.P", "metadata Owner.P", "added Owner.Below", "removed Owner"]
    stop()


@given(st.text("ab*.", max_size=8), st.text("ab", min_size=1, max_size=6))
def test_a_star_stands_for_any_text(pattern: str, name: str) -> None:
    import fnmatch

    tree = tree_of(Property(name, "Int", 0))
    uri = f"Owner.{name}"
    assert bool(tree.match(f"Owner.{pattern}*")) == fnmatch.fnmatchcase(uri, f"Owner.{pattern}*")


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("{a}.P", True),
        ("{b}.P", True),
        ("{c}.P", False),
        ("{a&b}.P", True),
        ("{a&c}.P", False),
        ("{a|c}.P", True),
        ("{a~b}.P", False),
        ("{a~c}.*", True),
        ("{a}.Q", False),
    ],
)
def test_tags_choose_owners(pattern: str, fits: bool) -> None:
    assert bool(tree_of(Property("P", "Int", 0), tags=("a", "b")).match(pattern)) is fits


@pytest.mark.parametrize("pattern", ["{a", "{a|b|c}.P", "Owner.{a}", "x" * 501 + "*"])
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PropertyError):
        tree_of(Property("P", "Int", 0)).match(pattern)


@pytest.mark.parametrize("name", sorted(EASINGS))
def test_an_easing_goes_from_zero_to_one(name: str) -> None:
    assert EASINGS[name](0.0) == pytest.approx(0, abs=2e-3)
    assert EASINGS[name](1.0) == pytest.approx(1, abs=2e-3)


def test_an_interpolation_stays_within_limits_and_can_be_turned_round() -> None:
    found = Property("P", "DVec2", (0, 0), low=-1, high=1)
    ways = Interpolations()
    ways.start(found, [1, -1], 1.0, now=0.0, easing_name="ElasticEaseOut")
    for step in range(1, 11):
        ways.advance(step / 10)
        assert all(-1 <= number <= 1 for number in found.value)  # type: ignore[union-attr,operator]
    assert found.value == (1, -1)
    assert not ways.running
    ways.start(found, [0, 0], 1.0, now=1.0)
    ways.advance(1.5)
    ways.start(found, [1, -1], 0.0, now=1.5)
    assert found.value == (1, -1)
    assert not ways.running
