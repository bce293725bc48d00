"""The list of my sessions, from what the server answers to what a notebook shows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from openspace_widget.client.session_list import SessionInfo, list_sessions

FIRST = {
    "id": "1",
    "name": "a <lesson>.ipynb",
    "state": "RUNNING",
    "reason": None,
    "engine": "embedded",
    "width": 1280,
    "height": 720,
    "created": "2026-03-20T12:00:00Z",
}
SECOND = FIRST | {"id": "2", "state": "FAILED", "reason": "no display", "created": "2026-03-21T12:00:00Z"}


class Server:
    async def request(self, method: str, path: str) -> dict[str, Any]:
        assert (method, path) == ("GET", "sessions")
        return {"sessions": [FIRST, SECOND]}


def test_sessions_come_newest_first_and_are_shown_as_a_table() -> None:
    listed = asyncio.run(list_sessions(Server()))  # type: ignore[arg-type]
    noon = datetime(2026, 3, 20, 12, tzinfo=UTC)
    assert [each.id for each in listed] == ["2", "1"]
    assert listed[1] == SessionInfo("1", "a <lesson>.ipynb", "RUNNING", "", "embedded", (1280, 720), noon)
    assert listed._repr_html_() == (
        "<table><tr><th>id</th><th>name</th><th>state</th><th>engine</th><th>size</th><th>created</th><th>reason</th>"
        "</tr><tr><td>2</td><td>a &lt;lesson&gt;.ipynb</td><td>FAILED</td><td>embedded</td><td>1280 × 720</td>"
        "<td>2026-03-21 12:00</td><td>no display</td></tr><tr><td>1</td><td>a &lt;lesson&gt;.ipynb</td><td>RUNNING</td>"
        "<td>embedded</td><td>1280 × 720</td><td>2026-03-20 12:00</td><td></td></tr></table>"
    )
