"""TURN credentials, and settings that cannot work."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest

from openspace_server.jupyter.ice import IceSettings
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.signaling import IceServer, Join, Role

TURN = ("turn:turn.example:3478?transport=udp", "turns:turn.example:443?transport=tcp")


def test_each_viewer_gets_credentials_that_end() -> None:
    settings = IceSettings(stun=("stun:192.0.2.1:3478",), turn=TURN, secret="north", lifetime=60)
    settings.check()
    message = json.loads(settings.message("abc") or "")
    assert (message["type"], message["policy"]) == ("ice-servers", "all")
    stun, turn = message["ice_servers"]
    assert stun == {"urls": ["stun:192.0.2.1:3478"]}
    assert turn["urls"] == list(TURN)
    expiry, viewer = turn["username"].split(":")
    assert viewer == "abc"
    assert 0 <= int(expiry) - time.time() <= 60
    digest = hmac.new(b"north", turn["username"].encode(), hashlib.sha1).digest()
    assert turn["credential"] == base64.b64encode(digest).decode()
    assert "north" not in json.dumps(message)


def test_without_settings_nobody_is_asked() -> None:
    assert IceSettings().message("abc") is None
    assert IceSettings().servers("abc") == ()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (IceSettings(turn=TURN), "turn_secret"),
        (IceSettings(turn=("turn.example",), secret="s"), "expected turn:"),
        (IceSettings(turn=("turn:a:1?transport=sctp",), secret="s"), "expected turn:"),
        (IceSettings(stun=("turn:a:1",)), "expected stun:"),
        (IceSettings(policy="relay"), "needs turn_servers"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: IceSettings, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        settings.check()


def test_a_join_carries_what_the_instance_needs_and_shows_no_secret() -> None:
    server = IceServer(TURN, "1:abc", "password")
    join = Join("s", Role.SPECTATOR, "v", ice_servers=(server,), party="p", share="l", seconds=1.5)
    assert Join.decode(join.encode()) == join
    assert "password" not in repr(join)
    for wrong in ("x", [{}], [{"urls": "turn:a"}], [{"urls": [1]}], [{"urls": ["turn:a"], "username": 1}], [{}] * 99):
        with pytest.raises(ProtocolError, match=r"ice_servers|username"):
            Join.decode(json.dumps({"type": "join", "session": "s", "ice_servers": wrong}))
