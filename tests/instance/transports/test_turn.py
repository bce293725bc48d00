"""An instance behind a TURN server of its own: it offers the relayed address, and a viewer comes that way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openspace_server.jupyter.ice import make_credentials
from tests.e2e.turn import turn_server
from tests.instance.harness import Peer, join_message, run, running, socket

pytestmark = pytest.mark.process


@pytest.mark.parametrize("transport", [0, 1], ids=["udp", "tcp"])
def test_the_instance_is_reached_through_its_own_relay(tmp_path: Path, transport: int) -> None:
    async def scenario() -> None:
        with turn_server(tmp_path) as turn:
            name, password = make_credentials(turn.secret, "instance", 60)
            servers = [{"urls": [turn.urls[transport]], "username": name, "credential": password}]
            async with running() as instance:
                signaling = await socket(instance, "signaling")
                signaling.write_message(json.dumps({**json.loads(join_message()), "ice_servers": servers}))
                viewer = Peer(signaling)

                def only_relayed(sdp: str) -> str:
                    return "\r\n".join(line for line in sdp.split("\r\n") if " typ host" not in line)

                await viewer.connect(changed=only_relayed)
                assert " typ relay" in viewer.offer
                assert password not in viewer.offer
                assert (await viewer.message("hello"))["role"] == "controller"
                await viewer.next_frame()
                await viewer.close()

    run(scenario())
