"""JupyterHub in its plainest form: each user's server with its own render host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Response, expect

from tests.e2e.stream import NO_WEBRTC
from tests.e2e.test_pages import live
from tests.helpers import processes_with, wait_for
from tests.hub.hub import ACCOUNTS, MARK, Hub, User, ask

SECONDS = 1000
CELLS = [
    "from openspace_widget import OpenSpace\nspace = OpenSpace()\nspace.wait()\nprint(space.session)",
    "space",
    "frame = space.frame()\nprint(frame.shape[2], frame.std() > 1)",
]
LIVE = ("REQUESTED", "RESERVED", "STARTING", "RUNNING", "DISCONNECTED")


@pytest.fixture(autouse=True)
def no_session_left(alice: User, bob: User) -> Iterator[None]:
    yield
    for user in (alice, bob):
        for session in user.rest("GET", "sessions")[1]["sessions"]:
            user.rest("DELETE", f"sessions/{session['id']}")


def watch(page: Page) -> list[str]:
    """What our addresses answer on ``page`` other than success, as it comes."""
    problems: list[str] = []

    def note(response: Response) -> None:
        # A thumbnail asked for while its session ends is no fault.
        if "/openspace/" in response.url and response.status >= 300 and "/thumbnail" not in response.url:
            problems.append(f"{response.status} {response.url}")

    page.on("response", note)
    page.on("pageerror", lambda error: problems.append(str(error)))
    return problems


def test_a_cell_shows_a_live_picture_and_so_do_the_pages(alice: User, page: Page) -> None:
    problems = watch(page)
    page.set_viewport_size({"width": 1400, "height": 1000})
    alice.log_in(page)
    sheet = alice.open(page, CELLS)
    sheet.run(0)
    session = sheet.output(0)
    assert [each["id"] for each in alice.rest("GET", "sessions")[1]["sessions"]] == [session]
    sheet.run(1)
    sheet.live()
    sheet.run(2)
    assert sheet.output(2) == "3 True"

    for script, transport in (("", "webrtc"), (NO_WEBRTC, "websocket")):
        stream = page.context.new_page()
        stream.add_init_script(script)
        amiss = watch(stream)
        stream.goto(f"{alice.server}openspace/stream/{session}")
        shows = stream.locator(f".osw-view[data-state=live][data-transport={transport}]")
        wait_for(lambda: amiss or shows.count(), f"a picture over {transport}", 60)  # noqa: B023
        assert amiss == []
        live(stream)
        stream.close()

    page.goto(f"{alice.server}openspace/")
    card = page.get_by_role("listitem")
    expect(card).to_have_count(1, timeout=20 * SECONDS)
    wait_for(lambda: card.locator("img").evaluate("image => image.naturalWidth >= 480"), what="the thumbnail")
    page.on("dialog", lambda dialog: dialog.accept())
    card.get_by_role("button", name="End").click()
    expect(page.get_by_text("You have no session")).to_be_visible(timeout=20 * SECONDS)
    page.get_by_role("button", name="New session").click()
    live(page)
    assert problems == []
    assert sheet.problems == []


def test_a_kernel_writes_with_its_token_and_a_browser_with_xsrf_alone(alice: User, page: Page) -> None:
    kernel = alice.kernel_environment()
    sessions, token = kernel["OPENSPACE_SERVER_URL"] + "openspace/api/v1/sessions", kernel["OPENSPACE_KERNEL_TOKEN"]
    assert ask("POST", sessions, "wrong", {})[0] == 403
    status, made = ask("POST", sessions, token, {})
    assert status == 201, made
    session = f"{sessions}/{made['id']}"
    wait_for(lambda: ask("GET", session, token)[1]["state"] == "RUNNING", "the session runs", 60)
    status, resized = ask("PATCH", session, token, {"width": 640, "height": 360})
    assert status < 300, resized
    assert ask("DELETE", session, token)[0] == 204

    alice.log_in(page)
    address = f"{alice.server}openspace/api/v1/sessions"
    refused = page.request.post(address, data={})
    assert refused.status == 403
    assert refused.json()["message"] == "'_xsrf' argument missing from POST"
    page.goto(f"{alice.server}openspace/")
    (xsrf,) = (each["value"] for each in page.context.cookies(alice.server) if each["name"] == "_xsrf")
    assert page.request.post(address, data={}, headers={"X-XSRFToken": xsrf}).status == 201


def test_a_session_is_out_of_reach_for_another_user(hub: Hub, alice: User, bob: User, page: Page) -> None:
    status, made = alice.rest("POST", "sessions", {})
    assert status == 201, made
    path = f"sessions/{made['id']}"
    wait_for(lambda: alice.rest("GET", path)[1]["state"] == "RUNNING", "the session runs", 60)
    if hub.own_accounts:
        processes = processes_with(MARK, str(hub.folder))
        assert {process.uids().real for process in processes} == set(ACCOUNTS.values())
    # On bob's own server it does not exist; alice's server is closed to bob.
    for method, body in (("GET", None), ("PATCH", {"width": 640, "height": 360}), ("DELETE", None)):
        assert bob.rest(method, path, body)[0] == 404, method
        assert bob.rest(method, path, body, alice.server)[0] == 403, method
    assert bob.rest("GET", f"{path}/thumbnail")[0] == 404
    assert bob.rest("POST", "sessions", {}, alice.server)[0] == 403
    bob.log_in(page)
    for server, answer in ((bob.server, 404), (alice.server, 403)):
        response = page.goto(f"{server}openspace/stream/{made['id']}")
        assert response is not None
        assert response.status == answer
    assert alice.rest("GET", path)[1]["state"] in LIVE
