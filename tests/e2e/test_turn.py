"""WebRTC through a real TURN server, where no direct way is left: picture, input, and credentials that are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, Playwright

from openspace_server.jupyter.ice import make_credentials
from openspace_widget import OpenSpace
from tests.e2e.lab import CHROMIUM, CHROMIUM_OPTIONS, Lab, start_server, stop_server
from tests.e2e.stream import Stream, started, steers
from tests.e2e.turn import Turn, turn_server
from tests.helpers import wait_for

# Whatever the server says, only these URLs, and other credentials if there are any.
ONLY = """
const {setConfiguration} = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setConfiguration = function (given) {
  window.given = given;
  const iceServers = given.iceServers.map((each) => ({
    ...each, urls: each.urls.filter((url) => new RegExp(%(urls)s).test(url)), ...%(credentials)s}));
  return setConfiguration.call(this, {...given, iceServers});
};
"""


@dataclass(frozen=True)
class Setting:
    lab: Lab
    turn: Turn


@pytest.fixture(scope="module")
def relayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """A server whose viewers may use TURN only."""
    folder = tmp_path_factory.mktemp("turn")
    with turn_server(folder) as turn:
        options = [f"--OpenSpaceExtension.turn_servers={url}" for url in turn.urls]
        options += [
            f"--OpenSpaceExtension.turn_secret={turn.secret}",
            "--OpenSpaceExtension.ice_transport_policy=relay",
        ]
        options += ["--ServerApp.jpserver_extensions=openspace_server=True"]
        lab = start_server(folder / "server", "jupyter_server", "", "ServerApp", options)
        yield Setting(lab, turn)
        stop_server(lab)


@pytest.fixture
def space(relayed: Setting) -> Iterator[OpenSpace]:
    with started(relayed.lab) as space:
        yield space


@pytest.fixture(scope="module")
def trusting(relayed: Setting, playwright: Playwright) -> Iterator[Browser]:
    """A browser that takes the TURN server's certificate."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_OPTIONS, relayed.turn.trust])
    yield browser
    browser.close()


@pytest.fixture
def trusting_page(trusting: Browser) -> Iterator[Page]:
    page = trusting.new_page()
    yield page
    page.close()


def restricted(urls: str, **credentials: str) -> str:
    """``urls``: a pattern of those that may be used."""
    return ONLY % {"urls": json.dumps(urls), "credentials": json.dumps(credentials)}


URLS = {"udp": "^turn:.*udp$", "tcp": "^turn:.*tcp$", "tls": "^turns:.*tcp$"}


@pytest.mark.parametrize("transport", URLS)
def test_picture_and_input_arrive_over_turn(
    relayed: Setting, space: OpenSpace, trusting_page: Page, transport: str
) -> None:
    page = trusting_page
    page.add_init_script(restricted(URLS[transport]))
    stream = Stream(page, relayed.lab, space)
    print(f"TURN over {transport}: live after {stream.live('webrtc-turn'):.2f} s")
    steers(stream, space)
    page.mouse.move(500, 300)
    page.get_by_role("button", name="Statistics").click()
    panel = stream.view.locator(".osw-stats")
    wait_for(lambda: f"TURN over {transport.upper()}" in panel.inner_text(), what="the way is named")
    name = page.evaluate("given.iceServers[0].username")
    assert relayed.turn.said(name), "with the credentials of this viewer"
    assert not stream.problems


@pytest.mark.parametrize("wrong", ["expired", "forged"])
def test_refused_credentials_lead_to_the_next_transport(
    relayed: Setting, page: Page, space: OpenSpace, wrong: str
) -> None:
    secret, lifetime = (relayed.turn.secret, -60) if wrong == "expired" else ("not the secret", 60)
    name, password = make_credentials(secret, "eve", lifetime)
    page.add_init_script(restricted(URLS["udp"], username=name, credential=password))
    stream = Stream(page, relayed.lab, space)
    print(f"{wrong}: live after {stream.live('websocket'):.2f} s")
    steers(stream, space)
    wait_for(lambda: relayed.turn.said("401: Unauthorized") or relayed.turn.said("error 401"), what="coturn's refusal")
    assert not relayed.turn.said(f"username=<{name}>, lifetime"), "nothing was allocated"
