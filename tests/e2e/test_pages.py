"""The pages that need no notebook, in a real browser: my sessions, waiting, the stream, and the administrators'."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from openspace_widget import OpenSpace
from tests.e2e.lab import Lab
from tests.helpers import wait_for

SECONDS = 1000
CONTRAST = """(selector) => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((c) => c / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility()).map((each) => {
    let behind = each;
    while (/, 0\\)$|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const [a, b] = [light(getComputedStyle(each).color), light(getComputedStyle(behind).backgroundColor)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
}"""


@pytest.fixture(autouse=True)
def no_session_left(lab: Lab) -> Iterator[None]:
    yield
    for session in lab.sessions():
        with OpenSpace(session["id"], url=f"{lab.url}?token={lab.token}"):
            pass
    wait_for(lambda: not lab.instances(), what="all instance processes are gone")


def legible(page: Page) -> None:
    """Words stand out from what is behind them, in light and dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = page.evaluate(CONTRAST, "h1, h2, p, a, button, th, td, .state")
        assert found
        assert min(found) >= 4.5, (page.url, scheme, found)


def complains(message: ConsoleMessage) -> bool:
    """A picture asked for while its session ended is none of the page's faults."""
    return message.type == "error" and "/thumbnail" not in message.location["url"]


def live(page: Page) -> None:
    """The stream page shows a picture that goes on."""
    page.wait_for_url("**/openspace/stream/**", timeout=60 * SECONDS)
    page.locator(".osw-view[data-state=live]").wait_for(timeout=60 * SECONDS)
    frames = int(page.locator(".osw-view").get_attribute("data-frames") or 0)
    # By asking again: the page's security policy forbids what wait_for_function does.
    wait_for(lambda: int(page.locator(".osw-view").get_attribute("data-frames") or 0) > frames + 5, what="more frames")


def test_a_session_from_the_home_page_to_its_end_without_a_notebook(lab: Lab, page: Page) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if complains(message) else None)

    page.goto(f"{lab.url}openspace/?token={lab.token}")
    expect(page.get_by_text("You have no session")).to_be_visible(timeout=20 * SECONDS)
    legible(page)
    page.get_by_role("button", name="New session").click()
    live(page)

    page.goto(f"{lab.url}openspace/")
    card = page.get_by_role("listitem")
    expect(card).to_have_count(1, timeout=20 * SECONDS)
    expect(card).to_contain_text("Running")
    wait_for(lambda: card.locator("img").evaluate("image => image.naturalWidth >= 480"), what="the thumbnail")
    legible(page)
    card.get_by_role("link", name="Rejoin").click()
    live(page)
    assert lab.sessions()[0]["id"] in page.url

    # While the only host is drained, what runs goes on, and whoever comes waits until it is used again.
    page.goto(f"{lab.url}openspace/admin")
    expect(page.locator("#sessions tr")).to_contain_text("embedded")
    page.get_by_role("button", name="Drain").click()
    expect(page.locator("#hosts tr")).to_contain_text("Draining")
    legible(page)
    page.goto(f"{lab.url}openspace/")
    expect(card).to_contain_text("Running")
    page.get_by_role("button", name="New session").click()
    expect(page.get_by_text("Waiting for a free slot; 0 before you", exact=True)).to_be_visible(timeout=20 * SECONDS)
    legible(page)
    waiting = page.context.new_page()
    waiting.goto(f"{lab.url}openspace/admin")
    waiting.get_by_role("button", name="Use again").click()
    live(page)
    waiting.close()

    page.goto(f"{lab.url}openspace/")
    expect(card).to_have_count(2, timeout=20 * SECONDS)
    page.on("dialog", lambda dialog: dialog.accept())
    for left in (1, 0):
        card.first.get_by_role("button", name="End").click()
        expect(card).to_have_count(left, timeout=20 * SECONDS)
    expect(page.get_by_text("You have no session")).to_be_visible()
    assert lab.sessions() == []

    assert page.evaluate("localStorage.length") == 0
    assert problems == []


def test_who_waits_may_think_better_of_it_and_a_wrong_address_leads_home(lab: Lab, page: Page) -> None:
    page.goto(f"{lab.url}openspace/stream/00000000-0000-0000-0000-000000000000?token={lab.token}")
    expect(page.get_by_role("heading", name="No such session")).to_be_visible()
    legible(page)
    page.get_by_role("link", name="My sessions").click()
    page.get_by_role("button", name="New session").click()
    page.wait_for_url("**/openspace/wait/**")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("You have no session")).to_be_visible(timeout=20 * SECONDS)
    assert lab.sessions() == []
