"""A session shared: its owner in JupyterLab, a guest with nothing but the link in another browser."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.e2e.lab import Lab, Sheet
from tests.helpers import wait_for

CELLS = [
    "from openspace_widget import OpenSpace\nspace = OpenSpace()\nspace.wait().time.pause()",
    "space",
    "link = space.share(role='viewer', hours=1)\nlink",
    "where = space.camera['Position']",
    "print(space.camera['Position'] != where, [share.role for share in space.shares()])",
    "link.revoke(); space.shares()",
    "space.close()",
]


def drag(page: Page) -> None:
    page.mouse.move(500, 280)
    page.mouse.down()
    page.mouse.move(660, 320, steps=12)
    page.mouse.up()


def press(page: Page, index: int, button: str) -> None:
    """A button of the view's bar, which comes when the pointer does."""
    view = page.locator(".osw-view").nth(index)
    view.hover()
    view.get_by_role("button", name=button).first.click()


def test_an_owner_and_a_guest(lab: Lab, open_sheet: Callable[[Lab, str], Sheet], browser: Browser) -> None:
    sheet = open_sheet(lab, lab.notebook("shared.ipynb", CELLS))
    for cell in (0, 1, 2):
        sheet.run(cell)
    sheet.live()
    shown = sheet.page.locator(".jp-CodeCell").nth(2).locator("a")
    expect(shown).to_have_attribute("href", re.compile("#share="))
    link = shown.get_attribute("href") or ""
    assert link.startswith(f"{lab.url}openspace/stream/")
    guests = browser.new_context(viewport={"width": 1000, "height": 600})
    guest = guests.new_page()
    guest.goto(link)
    view = guest.locator(".osw-view")
    view.wait_for()
    assert "share" not in guest.url
    wait_for(lambda: view.get_attribute("data-state") == "live", what="the guest sees the picture")
    chip = view.locator(".osw-chip")
    expect(chip).to_have_text("Viewer onlyThe owner steers.")
    sheet.run(3)
    drag(guest)  # refused, as the last cell but two tells
    press(guest, 0, "Request control")
    press(sheet.page, 0, "Viewers")
    panel = sheet.page.get_by_role("dialog", name="Viewers")
    expect(panel).to_contain_text("Guest")
    expect(panel).to_contain_text("asks for control")
    press(sheet.page, 0, "Give control to Guest")
    expect(chip).to_have_text("")
    seen = int(view.get_attribute("data-frames") or 0)
    drag(guest)
    wait_for(lambda: int(view.get_attribute("data-frames") or 0) > seen + 3, what="frames come while the guest steers")
    sheet.run(4)
    assert sheet.output(4) == "True ['viewer']"
    press(sheet.page, 0, "Take control")
    expect(chip).to_have_text("Viewer onlyThe owner steers.")
    guest.reload()
    wait_for(lambda: view.get_attribute("data-state") == "live", what="the guest's page is back without the link")
    sheet.run(5)
    wait_for(lambda: view.get_attribute("data-state") == "ended", what="the guest is sent away")
    expect(chip).to_contain_text("revoked")
    guest.goto("about:blank")
    guest.goto(link)
    expect(guest.locator("#notice")).to_have_text(
        "this share link is not valid: it has expired or was revoked. Ask for a new one."
    )
    wait_for(lambda: "openspace-share" not in str(guests.cookies()), what="the ticket is taken away")
    guests.close()
    sheet.live()
    sheet.save()
    assert "share=" not in (lab.root / "shared.ipynb").read_text(), "the notebook's file keeps no link"
    assert link.partition("#share=")[2] not in lab.log.read_text()
    sheet.run(6)
    assert not sheet.problems
