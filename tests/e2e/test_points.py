"""My own points in JupyterLab: seen in the view, and a click on one tells the notebook its row."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.lab import Lab, Sheet
from tests.helpers import wait_for

CELLS = [
    "import numpy as np\nfrom openspace_widget import OpenSpace\nspace = OpenSpace()\nspace.wait().time.pause()",
    "space",
    "space.camera = {'Anchor': 'Sun', 'Position': [0, 0, 1.5e25], 'Up': [0, 1, 0]}\n"
    "xyz = np.array([[500, 0, 0], [0, 0, 0], [-500, 0, 0]], 'f4')\n"
    "points = space.add_points('three', xyz, unit='Mpc', values=[7, 8, 9], size=8)\n"
    "heard = []\npoints.on_pick(heard.append, hover=True)\nprint(points.count)",
    "print([(pick.index, pick.value, pick.how) for pick in heard])",
    "space.close()",
]


def test_a_click_on_a_point_tells_its_row(lab: Lab, open_sheet: Callable[[Lab, str], Sheet]) -> None:
    sheet = open_sheet(lab, lab.notebook("points.ipynb", CELLS))
    for cell in (0, 1):
        sheet.run(cell)
    sheet.live()
    sheet.run(2)
    assert sheet.output(2) == "3"
    view = sheet.page.locator(".osw-view")
    box = view.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = view.locator(".osw-picked")

    def resting_tells() -> bool:
        # The view hears a moment later that points are there and that somebody listens.
        sheet.page.mouse.move(middle[0] + 60, middle[1] + 60)
        sheet.page.mouse.move(*middle)
        sheet.page.wait_for_timeout(250)
        return label.is_visible()

    wait_for(resting_tells, what="the point under the resting pointer is named")
    expect(label).to_have_text("three #1 · 8")
    sheet.page.mouse.click(middle[0] + 80, middle[1] + 80)
    expect(label).to_be_hidden()
    sheet.page.mouse.click(*middle)
    expect(label).to_have_text("three #1 · 8")
    sheet.run(3)
    assert sheet.output(3).endswith("(1, 8.0, 'click')]")
    assert "(1, 8.0, 'hover')" in sheet.output(3)
    sheet.run(4)
