"""Takes the pictures of the README from the real thing: ``python tools/take_screenshots.py`` writes docs/images/."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from openspace_widget import OpenSpace  # noqa: E402
from tests.e2e.lab import CHROMIUM, CHROMIUM_OPTIONS, Sheet, start_server, stop_server, wait_for  # noqa: E402

IMAGES = ROOT / "docs" / "images"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = start_server(Path(folder), "jupyterlab", "lab/tree/", "LabApp")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        sheet = Sheet(page, lab, lab.notebook("quickstart.ipynb")).open()
        page.evaluate("() => { void window.jupyterapp.commands.execute('application:toggle-left-area') }")
        sheet.run(0)
        sheet.live()
        session = wait_for(lambda: [s for s in lab.sessions() if s["state"] == "RUNNING"])[0]
        space = OpenSpace(session["id"], url=f"{lab.url}?token={lab.token}")
        space.time.set("2026-06-21T09:00")
        for name, target in (("quickstart", "Saturn"), ("earth", "Earth")):
            space.fly_to(target, duration=0)
            sheet.view().scroll_into_view_if_needed()
            sheet.view().hover()
            page.wait_for_timeout(1500)
            page.screenshot(path=IMAGES / f"{name}.png")
        space.close()
        browser.close()
        stop_server(lab)


if __name__ == "__main__":
    main()
