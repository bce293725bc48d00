"""Observers and links: users' functions that may call the session, raise, and be slow."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import ipywidgets
import nbformat
import pytest
import traitlets
from nbclient import NotebookClient

from openspace_widget import OpenSpace
from openspace_widget.client.event_loop import background
from openspace_widget.view.observed import Latest
from tests.helpers import wait_for

T = TypeVar("T")
YEAR = 2026
"""Of the fixture's session."""
WAITS_FOR_ITSELF = (
    "this call would wait for itself: it was made on the thread that has to answer it. "
    "Make it on another thread, or await the same call of `space.aio`."
)


def promptly(call: Callable[[], T]) -> T:
    """What the call returns, on a thread that may be left behind: one that never returns fails only its test."""
    result: Future[T] = Future()

    def work() -> None:
        try:
            result.set_result(call())
        except BaseException as problem:
            result.set_exception(problem)

    threading.Thread(target=work, daemon=True).start()
    return result.result(10)


@contextlib.contextmanager
def observing(observed: traitlets.HasTraits, observer: Callable[[Any], Any], name: str) -> Iterator[None]:
    observed.observe(observer, name)
    try:
        yield
    finally:
        observed.unobserve(observer, name)


@pytest.fixture
def another(space: OpenSpace) -> Iterator[OpenSpace]:
    """A second object of the same session, whose traits nothing has used yet."""
    opened = OpenSpace(space.session).wait()
    yield opened
    background().submit(opened._client.session.detach())


def turn(space: OpenSpace, target: str) -> None:
    """As a cell would; in bounds."""
    promptly(lambda: setattr(space, "focus", target))


def observers_rest() -> None:
    """Wait until what waited for the observers' thread is done."""
    done = threading.Event()
    background().observers.call(done.set)
    assert done.wait(10)


# ---- values


def test_traits_follow_the_session_and_steer_it(space: OpenSpace) -> None:
    seen: queue.Queue[Any] = queue.Queue()

    def see(change: Any) -> None:
        seen.put(change["new"])

    space.traits.observe(see, "focus")
    space.focus = "Jupiter"
    assert seen.get(timeout=20) in ("Earth", "Jupiter")
    space.traits.unobserve(see, "focus")
    space.traits.focus = "Saturn"
    assert space.focus == "Saturn"

    class Checkbox(traitlets.HasTraits):
        value = traitlets.Bool(True)

    box = Checkbox()
    link = traitlets.link((box, "value"), (space.traits, "paused"))
    box.value = False
    assert space.time.paused is False
    box.value = True
    assert space.time.paused is True
    link.unlink()


def test_a_refused_change_of_a_trait_is_reset_and_reported(space: OpenSpace) -> None:
    problems: queue.Queue[str] = queue.Queue()

    def note(change: Any) -> None:
        problems.put(change["new"])

    space.traits.observe(note, "problem")
    space.traits.focus = "Atlantis"
    assert "Atlantis" in problems.get(timeout=20)
    assert space.traits.focus == "Earth"
    space.traits.unobserve(note, "problem")


# ---- observers that use the session


def test_an_observer_may_ask_the_session(space: OpenSpace) -> None:
    seen: queue.Queue[Any] = queue.Queue()
    with observing(space.traits, lambda change: seen.put((change["new"], space.time.now.year)), "focus"):
        turn(space, "Mars")
        assert seen.get(timeout=10) == ("Mars", YEAR)
    assert promptly(lambda: space.time.now.year) == YEAR


def test_an_observer_may_use_the_session_when_a_lost_connection_is_opened_again(
    space: OpenSpace, another: OpenSpace
) -> None:
    seen: queue.Queue[Any] = queue.Queue()
    with observing(another.traits, lambda change: seen.put((change["new"], another.time.now.year)), "focus"):
        assert promptly(lambda: another.time.now.year) == YEAR
        lost = another._client.session._bulk
        assert lost is not None
        background().loop.call_soon_threadsafe(lost.close)
        wait_for(lambda: another._client.session._bulk is None)
        turn(space, "Moon")
        assert promptly(lambda: another.time.now.year) == YEAR
        assert seen.get(timeout=10) == ("Moon", YEAR)


def test_an_observer_of_a_refusal_may_use_the_session(space: OpenSpace) -> None:
    seen: queue.Queue[Any] = queue.Queue()
    with observing(space.traits, lambda change: seen.put((change["new"], space.traits.focus, space.focus)), "problem"):
        space.traits.focus = "Nowhere"
        problem, shown, focus = seen.get(timeout=10)
    assert "Nowhere" in problem
    assert (shown, focus) == ("Earth", "Earth")
    assert promptly(lambda: space.time.now.year) == YEAR


def test_an_observer_may_steer_by_another_trait(space: OpenSpace) -> None:
    with observing(space.traits, lambda change: space.traits.set_trait("rate", 60.0), "focus"):
        turn(space, "Mars")
        wait_for(lambda: space.time.rate == 60)


def test_observers_of_the_view_may_use_the_session(space: OpenSpace) -> None:
    space.widget.still = ""
    seen: queue.Queue[Any] = queue.Queue()
    with observing(space.widget, lambda change: seen.put((change["new"][:10], space.time.now.year)), "still"):
        promptly(lambda: background().submit(space._display._make_still()).result())
        assert seen.get(timeout=10) == ("data:image", YEAR)
    assert promptly(lambda: space.time.now.year) == YEAR


@pytest.mark.process
@pytest.mark.parametrize("observer", ["lambda change: print('observed', space.time.now.year)", "lambda change: 1 / 0"])
@pytest.mark.usefixtures("own_folders")
def test_the_views_state_may_be_observed_from_the_start(observer: str) -> None:
    code = f"""
from openspace_widget import OpenSpace
space = OpenSpace(size=(320, 180))
space.widget.observe({observer}, "state")
space.wait()
space.time.set("2026-03-20T12:00")
print("now", space.time.now.year, space.widget.state)
space.close()
print("then", space.widget.state)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "now 2026 running" in done.stdout, done.stderr
    assert "then closed" in done.stdout, done.stderr
    assert "observed" in done.stdout or "the observer of 'state' failed" in done.stderr


# ---- observers that raise, and slow ones


def test_what_an_observer_raises_is_logged_and_hurts_nothing(
    space: OpenSpace, caplog: pytest.LogCaptureFixture
) -> None:
    seen: queue.Queue[str] = queue.Queue()
    with (
        observing(space.traits, lambda change: 1 / 0, "focus"),
        observing(space.traits, lambda change: seen.put(change["new"]), "focus"),
    ):
        turn(space, "Moon")
        assert seen.get(timeout=10) == "Moon"
        turn(space, "Mars")
        assert seen.get(timeout=10) == "Mars"
    assert promptly(lambda: space.time.now.year) == YEAR
    assert caplog.messages == ["the observer of 'focus' failed"] * 2
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError] * 2


def test_what_an_observer_of_the_view_raises_is_logged_and_hurts_nothing(
    space: OpenSpace, caplog: pytest.LogCaptureFixture
) -> None:
    space.widget.still = ""
    seen: queue.Queue[str] = queue.Queue()
    with (
        observing(space.widget, lambda change: 1 / 0, "still"),
        observing(space.widget, lambda change: seen.put(change["new"][:10]), "still"),
    ):
        promptly(lambda: background().submit(space._display._make_still()).result())
        assert seen.get(timeout=10) == "data:image"
    assert promptly(lambda: space.time.now.year) == YEAR
    assert caplog.messages == ["the observer of 'still' failed"]


def test_what_an_observer_raises_in_a_cells_own_change_is_raised_there(space: OpenSpace) -> None:
    with observing(space.traits, lambda change: 1 / 0, "rate"), pytest.raises(ZeroDivisionError):
        space.traits.rate = 30.0


def test_a_slow_observer_sees_the_last_value_and_holds_nothing_up(space: OpenSpace) -> None:
    seen: list[float] = []
    begun, free = threading.Event(), threading.Event()

    def slow(change: Any) -> None:
        seen.append(change["new"])
        begun.set()
        assert free.wait(10)

    with observing(space.traits, slow, "rate"):
        space.time.rate = 2
        assert begun.wait(10)
        for rate in range(3, 40):
            promptly(lambda rate=rate: setattr(space.time, "rate", rate))  # type: ignore[misc]
        assert background().observers._calls.qsize() <= 2, "the traits' and the view's"
        free.set()
        wait_for(lambda: seen[-1] == 39)
    assert seen == sorted(seen)
    assert len(seen) < 6


def test_values_wait_in_the_order_of_their_names_first_change() -> None:
    used: list[list[tuple[str, Any]]] = []
    begun, free = threading.Event(), threading.Event()
    background().observers.call(lambda: begun.set() or free.wait(10))
    assert begun.wait(10)
    latest = Latest(lambda values: used.append(list(values.items())))
    for value in range(100):
        latest.put({"a": value})
        latest.put({"b": -value})
    free.set()
    observers_rest()
    assert used == [[("a", 99), ("b", -99)]]


def test_what_a_user_sets_outdates_what_waits_for_an_observer(space: OpenSpace) -> None:
    seen: list[str] = []
    begun, free = threading.Event(), threading.Event()

    def slow(change: Any) -> None:
        seen.append(change["new"])
        if change["new"] == "Moon":
            begun.set()
            assert free.wait(10)

    with observing(space.traits, slow, "focus"):
        turn(space, "Moon")
        assert begun.wait(10)
        turn(space, "Mars")
        space.traits.focus = "Saturn"
        assert promptly(lambda: space.focus) == "Saturn"
        free.set()
        observers_rest()
    assert seen == ["Moon", "Saturn"]
    assert space.traits.focus == "Saturn"


def test_the_last_of_many_values_set_at_once_holds(space: OpenSpace, caplog: pytest.LogCaptureFixture) -> None:
    for rate in range(1, 301):
        space.traits.rate = rate
    wait_for(lambda: space.time.rate == 300)
    wait_for(lambda: not space.traits._states.is_outdated("rate"))
    observers_rest()
    assert space.traits.rate == 300
    assert caplog.messages == []
    space.traits.rate = 1


def test_what_was_set_is_read_back_at_once(space: OpenSpace) -> None:
    for rate in (2.0, 3.0, 4.0):
        space.traits.rate = rate
    assert promptly(lambda: space.time.rate) == 4.0
    space.traits.rate = 1


def test_a_change_that_could_not_be_sent_leaves_the_trait_following(
    space: OpenSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(work: Any) -> None:
        work.close()
        raise RecursionError

    with monkeypatch.context() as patched:
        patched.setattr(background(), "submit", fail)
        with pytest.raises(RecursionError):
            space.traits.rate = 5
    space.time.rate = 7
    wait_for(lambda: space.traits.rate == 7)
    space.traits.rate = 1


@pytest.mark.parametrize("names", [(), ("rate",)])
def test_traits_without_observers_still_steer(space: OpenSpace, names: tuple[str, ...]) -> None:
    space.traits.observe(lambda change: 1 / 0, "rate")
    space.traits.unobserve_all(*names)
    space.traits.rate = 3.0
    assert promptly(lambda: space.time.rate) == 3.0
    space.time.rate = 1
    wait_for(lambda: space.traits.rate == 1)


def test_an_observer_that_exits_ends_no_other(space: OpenSpace) -> None:
    seen: queue.Queue[str] = queue.Queue()
    with (
        observing(space.traits, lambda change: sys.exit(3), "focus"),
        observing(space.traits, lambda change: seen.put(change["new"]), "focus"),
    ):
        turn(space, "Moon")
        assert seen.get(timeout=10) == "Moon"
        turn(space, "Earth")
        assert seen.get(timeout=10) == "Earth"


# ---- links


def test_the_first_traits_are_true(another: OpenSpace) -> None:
    traits = another.traits
    assert (traits.focus, traits.size, traits.time.year) == ("Earth", (320, 180), YEAR)
    assert (traits.paused, traits.rate, traits.flying) == (True, 1.0, False)


def test_a_linked_dropdown_turns_and_flies_both_ways(space: OpenSpace, another: OpenSpace) -> None:
    choice = ipywidgets.Dropdown(options=["Earth", "Moon"])
    flights: queue.Queue[Any] = queue.Queue()
    link = ipywidgets.link((another.traits, "focus"), (choice, "value"))

    def fly(change: Any) -> None:
        flights.put((change["new"], another.fly_to(change["new"], duration=0.2)))

    choice.observe(fly, "value")
    turn(space, "Moon")
    assert flights.get(timeout=10) == ("Moon", True)
    assert choice.value == "Moon"
    observers_rest()
    promptly(lambda: setattr(choice, "value", "Earth"))
    assert flights.get(timeout=10) == ("Earth", True)
    assert promptly(lambda: space.focus) == "Earth"
    link.unlink()


def test_a_link_that_refuses_a_value_hurts_nothing(
    space: OpenSpace, another: OpenSpace, caplog: pytest.LogCaptureFixture
) -> None:
    choice = ipywidgets.Dropdown(options=["Earth", "Moon"])
    link = ipywidgets.link((another.traits, "focus"), (choice, "value"))
    turn(space, "Saturn")
    wait_for(lambda: caplog.messages == ["the observer of 'focus' failed"])
    turn(space, "Moon")
    wait_for(lambda: choice.value == "Moon")
    assert promptly(lambda: another.time.now.year) == YEAR
    link.unlink()


# ---- calls that would wait for themselves


@pytest.mark.parametrize(
    "call",
    [
        lambda space: space.time.now,
        lambda space: space.on("FocusNodeChanged", print),
        lambda space: next(space.frames(n=1)),
        lambda space: OpenSpace(space.session).traits,
    ],
    ids=["ask", "on", "frames", "OpenSpace"],
)
@pytest.mark.filterwarnings("error")
def test_a_call_on_the_loops_own_thread_is_refused_at_once(space: OpenSpace, call: Callable[[OpenSpace], Any]) -> None:
    async def on_the_loop() -> Any:
        return call(space)

    with pytest.raises(RuntimeError) as refused:
        background().submit(on_the_loop()).result(10)
    assert str(refused.value) == WAITS_FOR_ITSELF
    assert promptly(lambda: space.time.now.year) == YEAR


def test_the_same_may_be_awaited_there(space: OpenSpace) -> None:
    assert background().submit(space.aio.state()).result(10)["focus"] == "Earth"


# ---- in a kernel


@pytest.mark.process
@pytest.mark.usefixtures("own_folders")
def test_cells_go_on_after_observers_and_links(tmp_path: Path) -> None:
    cells = [
        "import ipywidgets as widgets\nfrom openspace_widget import OpenSpace\n"
        "space = OpenSpace(size=(320, 180))\n"
        "years = []\nspace.widget.observe(lambda change: years.append(space.time.now.year), 'state')\n"
        "space.wait();",
        "choice = widgets.Dropdown(options=['Earth', 'Moon'])\n"
        "link = widgets.link((space.traits, 'focus'), (choice, 'value'))\n"
        "choice.observe(lambda change: space.fly_to(change['new'], duration=0.2), 'value')",
        "space.traits.observe(lambda change: space.time.now, 'focus')\n"
        "space.traits.observe(lambda change: 1 / 0, 'focus')",
        "space.focus = 'Moon'",
        "space.time.now.year > 2000, len(years)",
        "import time\nuntil = time.monotonic() + 10\n"
        "while choice.value != 'Moon' and time.monotonic() < until:\n    time.sleep(0.02)\nchoice.value",
        "space.close()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(
        notebook, timeout=45, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    results = [
        "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs) for cell in notebook.cells
    ]
    assert results[4:6] == ["(True, 1)", "'Moon'"]
