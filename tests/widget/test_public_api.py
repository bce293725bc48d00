"""The public API: complete exports, a reference that lists them, and the same calls below ``space.aio``."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import openspace_widget
from openspace_widget import (
    AsyncOpenSpace,
    AsyncPoints,
    OpenSpace,
    Points,
    PointsError,
    Property,
    Share,
    Timeline,
    Tour,
)
from openspace_widget.points.encode import recipe
from openspace_widget.typing import AddPointsOptions, PointStyle, RenderOptions

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"
EXPORTED = {name: getattr(openspace_widget, name) for name in openspace_widget.__all__}
CLASSES = {name: thing for name, thing in EXPORTED.items() if isinstance(thing, type)}
EMPTY = inspect.Parameter.empty
FOREIGN = {"Figure": Any}
"""Names in annotations that only a type checker imports."""


# ---- exports


def own(thing: object) -> bool:
    return getattr(thing, "__module__", "").startswith("openspace_widget")


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """The public members that ``cls`` has from this package, and its special methods."""
    for base in cls.__mro__:
        if own(base):
            for name, value in vars(base).items():
                if not name.startswith("_") or name in ("__getitem__", "__iter__", "__enter__", "__aenter__"):
                    yield name, value


def classes_in(hint: object) -> Iterator[type]:
    """The classes of this package that an annotation contains."""
    for part in typing.get_args(hint):
        yield from classes_in(part)
    origin = typing.get_origin(hint) or hint
    if isinstance(origin, type) and own(origin):
        yield origin


def received(thing: Any) -> Iterator[type]:
    """The classes of this package that a user receives from a function, or from members of a class."""
    if not isinstance(thing, type):
        yield from classes_in(typing.get_type_hints(thing, localns=FOREIGN).get("return"))
        return
    for base in getattr(thing, "__orig_bases__", ()):
        yield from classes_in(base)
    for base in thing.__mro__:
        if own(base):
            hints = inspect.get_annotations(base)
            types = typing.get_type_hints(base, localns=FOREIGN)
            for name in hints:
                if not name.startswith("_"):
                    yield from classes_in(types[name])
    for _, value in members(thing):
        function = getattr(value, "fget", None) or getattr(value, "func", None) or getattr(value, "__func__", value)
        if inspect.isfunction(function):
            yield from received(function)


def test_every_class_that_a_user_receives_is_exported() -> None:
    functions = [thing for thing in EXPORTED.values() if inspect.isfunction(thing)]
    found = {cls for thing in [*CLASSES.values(), *functions] for cls in received(thing)}
    assert {"Frame", "Timeline", "AsyncOpenSpace", "Property", "Schedule", "Sent"} <= {cls.__name__ for cls in found}
    assert sorted(cls.__name__ for cls in found - set(CLASSES.values())) == []


def test_every_exception_of_the_package_is_exported() -> None:
    errors = inspect.getmembers(openspace_widget.errors, lambda thing: isinstance(thing, type) and own(thing))
    assert [name for name, _ in errors if name not in CLASSES] == []


def test_the_reference_lists_every_exported_class() -> None:
    text = REFERENCE.read_text("utf-8")
    listed = set(re.findall(r"autoclass:: openspace_widget\.(\w+)$", text, re.MULTILINE))
    assert "automodule:: openspace_widget.errors" in text
    assert listed == {name for name in CLASSES if not name.endswith("Error")}


@pytest.mark.parametrize("name", CLASSES)
def test_every_public_member_has_a_docstring(name: str) -> None:
    for member, value in members(CLASSES[name]):
        if callable(value) or isinstance(value, property | classmethod):
            assert value.__doc__ or member.startswith("__"), f"{name}.{member}"


# ---- keyword arguments


def keywords(function: Any) -> dict[str, inspect.Parameter]:
    """Parameters by name, without ``self``, those of a TypedDict in place of ``**options``."""
    found: dict[str, inspect.Parameter] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            options = {"Unpack[AddPointsOptions]": AddPointsOptions, "Unpack[RenderOptions]": RenderOptions}
            for option in options[str(parameter.annotation)].__annotations__:
                found[option] = parameter.replace(name=option, kind=inspect.Parameter.KEYWORD_ONLY)
        elif name not in ("self", "space"):
            found[name] = parameter
    return found


def test_typed_options_are_the_keyword_arguments_of_the_synchronous_calls() -> None:
    assert keywords(OpenSpace.add_points).keys() == {"name", "xyz"} | AddPointsOptions.__annotations__.keys()
    assert keywords(Tour.render).keys() == {"path", "stop"} | RenderOptions.__annotations__.keys()
    for function, options in ((OpenSpace.add_points, AddPointsOptions), (Tour.render, RenderOptions)):
        types = typing.get_type_hints(function)
        assert {name: types[name] for name in options.__annotations__} == typing.get_type_hints(options)


def test_defaults_of_options_are_those_of_the_signature() -> None:
    xyz = [[1.0, 2.0, 3.0]]
    defaults = {
        name: parameter.default
        for name, parameter in keywords(OpenSpace.add_points).items()
        if parameter.default is not inspect.Parameter.empty
    }
    assert recipe("a", xyz, {})[0] == recipe("a", xyz, defaults)[0]  # type: ignore[arg-type]


def test_an_unknown_option_of_points_is_refused_by_its_name() -> None:
    with pytest.raises(TypeError) as refused:
        recipe("a", [[1.0, 2.0, 3.0]], {"colour": "#ff0000"})  # type: ignore[typeddict-unknown-key]
    assert str(refused.value) == (
        "add_points() got an unexpected keyword argument 'colour': did you mean color or colors?"
    )
    with pytest.raises(PointsError):
        recipe("a", [[1.0, 2.0, 3.0]], {"color": "#ff000"})


# ---- the same calls below aio

TWINS = {
    "OpenSpace.focus": ("focus", "set_focus"),
    "OpenSpace.camera": ("camera", "set_camera"),
    "OpenSpace.resolution": ("resolution", "set_resolution"),
    "OpenSpace.on": ("events",),
    "OpenSpace.__getitem__": ("get",),
    "OpenSpace.__setitem__": ("set",),
    "OpenSpace.__contains__": ("contains",),
    "OpenSpace.__enter__": ("__aenter__",),
    "OpenSpace.__exit__": ("__aexit__",),
    "Timeline.now": ("now",),
    "Timeline.set": ("set_time",),
    "Timeline.rate": ("rate", "set_rate"),
    "Timeline.paused": ("paused",),
    "Timeline.pause": ("pause",),
    "Timeline.play": ("play",),
    "Tour.route": ("tour_route",),
    "Tour.moments": ("tour_moments",),
    "Tour.frames": ("tour_frames",),
    "Tour.play": ("play_tour",),
    "Tour.render": ("render_tour",),
    "Tour.preview": ("preview_tour",),
    "Tour.save": ("save_tour",),
    "Property.value": ("get", "set"),
    "Property.set": ("set",),
    "Share.revoke": ("revoke",),
    "Points.on_pick": ("picks",),
    **dict.fromkeys((f"Points.{name}" for name in (*PointStyle.__annotations__, "count")), ("get", "set")),
}
"""Calls that wait and whose twin has another name. All others are called the same."""
OTHER_ARGUMENTS = {
    "OpenSpace.on": "an iterator in place of a function",
    "Points.on_pick": "an iterator in place of a function",
    "OpenSpace.__setitem__": "Property.set has a duration",
    "OpenSpace.__exit__": "three arguments in one",
    "Tour.render": "cancelling the task in place of stop=",
    "Share.revoke": "the share",
    "Property.set": "the property",
}
"""Twins whose arguments differ by more than the object, and how."""
WITHOUT_TWIN = {
    "OpenSpace.attach": "as `OpenSpace(id)`, it returns before the instance runs; `async with` waits for that",
    "OpenSpace.session": "known without waiting",
    "OpenSpace.state": "known without waiting; `aio.state()` is the state of the instance",
    "OpenSpace.ready": "known without waiting",
    "OpenSpace.closed": "known without waiting",
    "OpenSpace.points": "known without waiting; each has an `aio` of its own",
    "OpenSpace.traits": "only the first use waits, until the instance runs; `await space.aio.wait()` before it",
}
NEVER_WAIT = {
    "OpenSpace": {"aio", "time", "widget"},
    "Points": {"aio", "name", "parent", "sent", "unit"},
    "Property": {"description", "limits", "name", "options", "type", "uri"},
    "Share": {"created", "expires", "id", "path", "role", "url"},
    "Tour": {"from_json", "load", "planned", "simplified", "to_code", "to_json"},
}
"""Members that need no twin since they only use what the object has."""
PAIRS = [
    (OpenSpace, AsyncOpenSpace),
    (Timeline, AsyncOpenSpace),
    (Tour, AsyncOpenSpace),
    (Property, AsyncOpenSpace),
    (Share, AsyncOpenSpace),
    (Points, AsyncPoints),
]


def calls(cls: type) -> set[str]:
    """The members of a class that wait."""
    special = {"__getitem__", "__setitem__", "__contains__", "__enter__", "__exit__"} if cls is OpenSpace else set()
    names = {name for base in cls.__mro__ if own(base) for name in vars(base)}
    return {name for name in names if not name.startswith("_") or name in special} - NEVER_WAIT.get(cls.__name__, set())


def twins_of(path: str) -> tuple[str, ...]:
    return TWINS.get(path, (path.partition(".")[2],))


@pytest.mark.parametrize(("cls", "twins"), PAIRS)
def test_each_call_has_a_twin_or_a_reason_why_not(cls: type, twins: type) -> None:
    paths = {f"{cls.__name__}.{name}" for name in calls(cls)} - WITHOUT_TWIN.keys()
    lacking = [f"{path}: no {twin}" for path in sorted(paths) for twin in twins_of(path) if not hasattr(twins, twin)]
    assert lacking == []


def test_no_reason_is_written_for_what_does_not_exist() -> None:
    for path in [*WITHOUT_TWIN, *TWINS]:
        name, member = path.split(".")
        assert hasattr(CLASSES[name], member), path


@pytest.mark.parametrize("twins", [AsyncOpenSpace, AsyncPoints])
def test_the_asynchronous_side_has_no_other_calls(twins: type) -> None:
    paths = [f"{cls.__name__}.{name}" for cls, other in PAIRS if other is twins for name in calls(cls)]
    known = {twin for path in paths for twin in twins_of(path)} | {"state"}
    assert {name for name in vars(twins) if not name.startswith("_")} - known == set()


@pytest.mark.parametrize(("cls", "twins"), PAIRS)
def test_twins_take_the_same_arguments(cls: type, twins: type) -> None:
    for name in calls(cls):
        path, function = f"{cls.__name__}.{name}", inspect.getattr_static(cls, name)
        if path in WITHOUT_TWIN or path in OTHER_ARGUMENTS or not inspect.isfunction(function):
            continue
        (twin,) = twins_of(path)
        ours, theirs = keywords(function), keywords(inspect.getattr_static(twins, twin))
        theirs.pop("tour", None)
        if path == "Points.update":
            del ours["wait"]  # awaiting it is waiting
        assert {each: parameter.default for each, parameter in ours.items()} == {
            each: parameter.default if parameter.default is not EMPTY else ours[each].default
            for each, parameter in theirs.items()
        }, path


def test_the_reference_lists_the_calls_without_twin_and_why() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", REFERENCE.read_text("utf-8"), re.MULTILINE)
    assert dict(rows) == WITHOUT_TWIN
