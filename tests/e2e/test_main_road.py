"""The quickstart in a real browser: live, steerable, rejoined, and gone when closed."""

from __future__ import annotations

import hashlib
import json
import signal
import urllib.request
from collections.abc import Callable, Iterator

import numpy as np
import psutil
import pytest
from playwright.sync_api import Page

from openspace_widget import OpenSpace
from openspace_widget.client.event_loop import background
from openspace_widget.frames.frame import digest, grab
from tests.e2e.lab import Lab, Sheet
from tests.helpers import wait_for

Open = Callable[[Lab, str], Sheet]
START = "from openspace_widget import OpenSpace\nspace = OpenSpace()\nspace"


@pytest.fixture
def outside(lab: Lab) -> Iterator[Callable[[], OpenSpace]]:
    """The newest running session, seen by a second Python process: this one."""
    opened: list[OpenSpace] = []

    def join() -> OpenSpace:
        session = wait_for(lambda: [s for s in lab.sessions() if s["state"] == "RUNNING"], what="a running session")[-1]
        opened.append(OpenSpace(session["id"], url=f"{lab.url}?token={lab.token}"))
        return opened[-1]

    yield join
    for space in opened:
        background().run(space._client.session.detach())


@pytest.fixture(autouse=True)
def no_session_left(lab: Lab) -> Iterator[None]:
    """Every test starts and ends without sessions."""
    yield
    for session in lab.sessions():
        with OpenSpace(session["id"], url=f"{lab.url}?token={lab.token}"):
            pass
    wait_for(lambda: not lab.instances(), what="all instance processes are gone")


def camera_position(space: OpenSpace) -> np.ndarray:
    return np.array(space.camera["Position"])


def test_the_quickstart_runs_and_its_view_can_be_steered(
    lab: Lab, open_sheet: Open, outside: Callable[[], OpenSpace]
) -> None:
    sheet = open_sheet(lab, lab.notebook("quickstart.ipynb"))
    sheet.run(0)
    sheet.live()
    space = outside()
    space.time.pause()
    page = sheet.page
    box = sheet.view().bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    before, picture, seen = camera_position(space), space.frame(), sheet.frames()
    shown = page.screenshot(clip=box)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 160, middle[1] + 40, steps=12)
    page.mouse.up()
    wait_for(lambda: sheet.frames() > seen + 5, what="the video's frames advance while the camera moves")
    after = camera_position(space)
    angle = np.degrees(np.arccos(before @ after / np.linalg.norm(before) / np.linalg.norm(after)))
    assert angle > 1, "a drag moves the camera"
    assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(before), rel=1e-3), "and keeps its distance"
    moved = space.frame()
    assert moved.shape == picture.shape
    assert np.mean(moved != picture) > 0.01, "what the instance draws has changed"
    assert page.screenshot(clip=box) != shown, "what the page shows has changed"

    def still() -> bool:
        one = camera_position(space)
        return bool(np.array_equal(one, camera_position(space)))

    wait_for(still, what="the camera comes to rest")
    near = np.linalg.norm(camera_position(space))
    page.mouse.wheel(0, -300)
    wait_for(lambda: np.linalg.norm(camera_position(space)) < near * 0.98, what="the wheel brings the camera nearer")

    pixels, header = background().run(grab(space._client))
    told = background().run(digest(space._client, header["frame"]))
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == told

    for cell in range(1, 6):
        sheet.run(cell)
    assert space.focus == "Earth"
    assert "2026, 8, 12" in sheet.output(3)
    assert not sheet.problems


def test_a_reloaded_page_and_a_restarted_kernel_find_the_same_session(lab: Lab, open_sheet: Open) -> None:
    sheet = open_sheet(lab, lab.notebook("rejoin.ipynb", [START, "space.session"]))
    sheet.run(0)
    sheet.live()
    sheet.run(1)
    session = sheet.output(1).strip("'")
    sheet.save()

    sheet.page.reload()
    sheet.ready()
    sheet.live()
    assert [s["id"] for s in lab.sessions()] == [session]

    sheet.page.evaluate("() => { void window.jupyterapp.commands.execute('kernelmenu:restart') }")
    sheet.page.locator(".jp-Dialog .jp-mod-accept").click()
    sheet.page.locator(".jp-Dialog").wait_for(state="detached")
    sheet.ready()
    assert sheet.view().get_attribute("data-state") == "live", "the picture does not need the kernel"
    sheet.run(0)
    sheet.live()
    sheet.run(1)
    assert sheet.output(1).strip("'") == session
    assert [s["id"] for s in lab.sessions()] == [session]
    assert len(lab.instances()) == 1


def test_closing_ends_the_processes_and_the_view_says_so(lab: Lab, open_sheet: Open) -> None:
    sheet = open_sheet(lab, lab.notebook("close.ipynb", [START, "space.close()"]))
    sheet.run(0)
    sheet.live()
    assert len(lab.instances()) == 1
    sheet.run(1)
    wait_for(lambda: not lab.instances(), what="the instance process is gone")
    wait_for(lambda: sheet.view().get_attribute("data-state") == "ended", what="the view says that it ended")


def test_a_killed_instance_comes_back_in_the_cell_and_one_that_keeps_dying_is_named(lab: Lab, open_sheet: Open) -> None:
    sheet = open_sheet(lab, lab.notebook("killed.ipynb", [START, 'space.fly_to("Mars", duration=1)', "space.session"]))
    sheet.run(0)
    sheet.live()
    session = [s["id"] for s in lab.sessions()]

    def kill() -> None:
        victim = wait_for(lab.instances)[0]
        victim.send_signal(signal.SIGKILL)
        wait_for(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE)

    kill()
    wait_for(lambda: sheet.view().get_attribute("data-state") != "live", what="the view notices")
    sheet.live()
    sheet.run(1)
    assert sheet.output(1) == "True"
    assert [s["id"] for s in lab.sessions()] == session

    for _ in range(3):
        kill()
        wait_for(lambda: not lab.sessions() or lab.instances(), what="started again, or given up")
    wait_for(lambda: sheet.view().get_attribute("data-state") == "failed", what="the view says that it failed")
    assert "SIGKILL" in sheet.view().inner_text()
    sheet.run(1)
    assert "SessionError" in sheet.output(1)
    assert "Traceback" not in sheet.output(1)
    sheet.run(0)
    sheet.live()


def test_two_views_of_one_object_are_both_live(lab: Lab, open_sheet: Open) -> None:
    sheet = open_sheet(lab, lab.notebook("two.ipynb", [START, "space", 'space.fly_to("Satrun")']))
    sheet.run(0)
    sheet.live(0)
    sheet.run(1)
    sheet.live(1)
    assert len(lab.instances()) == 1
    sheet.run(2)
    assert "did you mean Saturn" in sheet.output(2)
    assert "Traceback" not in sheet.output(2)


def test_a_start_without_a_free_slot_says_so_in_the_cell(lab: Lab, open_sheet: Open) -> None:
    for n in range(3):
        start_session(lab, f"filler {n}")
    sheet = open_sheet(lab, lab.notebook("full.ipynb", [START]))
    sheet.run(0)
    assert "ServerError" in sheet.output(0)
    assert "3" in sheet.output(0)
    assert "Traceback" not in sheet.output(0)


def start_session(lab: Lab, name: str) -> None:
    request = urllib.request.Request(
        f"{lab.url}openspace/api/v1/sessions",
        data=json.dumps({"name": name}).encode(),
        headers={"Authorization": f"token {lab.token}", "Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 201


def test_notebook_7_shows_the_same_view(notebook7: Lab, page: Page) -> None:
    page.set_viewport_size({"width": 1400, "height": 1000})
    sheet = Sheet(page, notebook7, notebook7.notebook("seven.ipynb", [START, "space.close()"])).open()
    sheet.run(0)
    sheet.live()
    sheet.run(1)
    wait_for(lambda: not notebook7.instances(), what="the instance process is gone")
