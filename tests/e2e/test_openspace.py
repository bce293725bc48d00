"""The main road with the real OpenSpace's double as the engine: both dialects, and the streaming build's own video."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from openspace_widget import OpenSpace
from openspace_widget.client.event_loop import background
from openspace_widget.frames.frame import digest, grab
from tests.e2e import test_main_road
from tests.e2e.lab import Lab, Sheet, start_server, stop_server
from tests.engines.openspace.installed import install
from tests.helpers import free_ports, wait_for

camera_position = test_main_road.camera_position
outside, no_session_left = test_main_road.outside, test_main_road.no_session_left  # the same fixtures
START = "from openspace_widget import OpenSpace\nspace = OpenSpace()\nspace"
RELEASES = {"1.0": "0.22.0", "legacy": "0.21.4", "streaming": "0.20.1"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path, int]]:
    """A Jupyter server with a host of its own; where its OpenSpace is; and the gateway's port."""
    tmp = tmp_path_factory.mktemp("openspace")
    port, gateway = free_ports(2)
    (tmp / "tmp").mkdir()
    environment = {"OPENSPACE_DIR": str(tmp / "current"), "OPENSPACE_HOST_SECRET": secrets.token_hex(16)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        host = subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-m",
                    "openspace_server.cli",
                    "host",
                    "--end-with-stdin",
                    "--published-signaling",
                ),
                *("--port", str(port), "--gateway-port", str(gateway), "--api-port", "0", "--slots", "2"),
                *("--log-dir", str(tmp / "logs"), "--announce", "--engine", "openspace"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(tmp / "host.log").open("wb"),
            env=os.environ | {"OPENSPACE_E2E": str(tmp / "lab" / "notebooks"), "TMPDIR": str(tmp / "tmp")},
        )
        assert host.stdout is not None
        assert json.loads(host.stdout.readline())["event"] == "ready"
        options = [f"--OpenSpaceExtension.hosts=127.0.0.1:{port}:{gateway}", "--OpenSpaceExtension.engine=openspace"]
        lab = start_server(tmp / "lab", "jupyterlab", "lab/tree/", "LabApp", options)
    yield lab, tmp, gateway
    stop_server(lab)
    host.communicate(timeout=20)
    assert not list((tmp / "tmp").glob("openspace-instance-*")), "no folder is left behind"


@pytest.fixture(params=RELEASES)
def lab(site: tuple[Lab, Path, int], request: pytest.FixtureRequest) -> Lab:
    """The same server, with OpenSpace in another release."""
    server, tmp, gateway = site
    name = request.param
    folder = tmp / f"OpenSpace-{name}"
    if not folder.exists():
        install(folder, RELEASES[name], signaling=f"ws://127.0.0.1:{gateway}" if name == "streaming" else "")
    current = tmp / "current"
    current.unlink(missing_ok=True)
    current.symlink_to(folder)
    return server


ROAD = [
    START,
    'space.fly_to("Mars", duration=0.3), space.focus',
    'space.time.pause(); space.time.set("2026-08-12T17:45"); space.time.now',
    'space.fly_to("Marz")',
    """space["Scene.Moon.Renderable.Enabled"] = False
space.lua("return 6 * 7"), space["Scene.Moon.Renderable.Enabled"], len(space.find("Moon.Renderable.Enabled"))""",
]


def test_the_main_road_is_the_same_with_openspace(
    lab: Lab, open_sheet: Callable[[Lab, str], Sheet], outside: Callable[[], OpenSpace], request: pytest.FixtureRequest
) -> None:
    sheet = open_sheet(lab, lab.notebook("road.ipynb", ROAD))
    sheet.run(0)
    sheet.live()
    if request.node.callspec.params["lab"] == "streaming":
        assert [p for p in psutil.process_iter() if "sender.py" in " ".join(_words(p))], "GStreamer sends the picture"
        wait_for(lambda: sheet.view().get_attribute("data-transport") == "webrtc", what="and the view shows that")
    space = outside()
    space.time.pause()
    page, box = sheet.page, sheet.view().bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before, picture, shown, seen = camera_position(space), space.frame(), page.screenshot(clip=box), sheet.frames()
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 160, middle[1] + 40, steps=12)
    page.mouse.up()
    wait_for(lambda: sheet.frames() > seen + 3, what="the video goes on while the camera moves")
    after = camera_position(space)
    cosine = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
    assert np.degrees(np.arccos(cosine)) > 1, "a drag moves the camera"
    assert np.mean(space.frame() != picture) > 0.01, "what OpenSpace draws has changed"
    wait_for(lambda: page.screenshot(clip=box) != shown, what="what the page shows has changed")
    near = np.linalg.norm(camera_position(space))
    page.mouse.wheel(0, -300)
    wait_for(lambda: np.linalg.norm(camera_position(space)) < near * 0.98, what="the wheel brings the camera nearer")

    pixels, header = background().run(grab(space._client))
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == background().run(digest(space._client, header["frame"]))
    for cell in (1, 2, 3, 4):
        sheet.run(cell)
    assert sheet.output(1) == "(True, 'Mars')"
    assert "2026, 8, 12, 17, 45" in sheet.output(2)
    assert "did you mean Mars" in sheet.output(3)
    assert sheet.output(4) in ("(42, False, 1)", "(42.0, False, 1)")
    assert not sheet.problems


@pytest.mark.parametrize("lab", ["1.0"], indirect=True)
def test_a_crash_is_got_over_and_a_start_that_cannot_work_says_why_in_the_cell(
    lab: Lab, site: tuple[Lab, Path, int], open_sheet: Callable[[Lab, str], Sheet]
) -> None:
    sheet = open_sheet(lab, lab.notebook("crash.ipynb", [START, "space.fly_to('Mars', duration=0.5)", "space.close()"]))
    sheet.run(0)
    sheet.live()
    [process] = [p for p in psutil.process_iter() if "--bypassLauncher" in _words(p) and str(site[1]) in str(_words(p))]
    process.kill()
    wait_for(lambda: sheet.view().get_attribute("data-state") != "live", what="the view notices")
    sheet.live()
    sheet.run(1)
    assert sheet.output(1) == "True"
    sheet.run(2)
    wait_for(lambda: not lab.instances(), what="the instance is gone")

    profile = site[1] / "OpenSpace-1.0" / "data" / "profiles" / "default.profile"
    kept = profile.read_text()
    profile.write_text("{ no JSON")
    try:
        sheet.run(0)
        wait_for(lambda: sheet.view().get_attribute("data-state") == "failed", what="the view says that it failed")
        said = sheet.view().inner_text()
        assert "OpenSpace ended while loading profile 'default' (exit code 1)" in said
        assert "Error loading profile" in said
        assert "choose another one with OPENSPACE_PROFILE" in said
    finally:
        profile.write_text(kept)


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
