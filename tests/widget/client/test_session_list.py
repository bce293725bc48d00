"""List of sessions, of a real server."""

from __future__ import annotations

from openspace_widget import OpenSpace


def test_the_session_is_listed_and_can_be_joined_again(space: OpenSpace) -> None:
    listed = space.sessions()
    assert space.session in [each.id for each in listed]
    assert space.session in listed._repr_html_()
    assert OpenSpace.attach(space.session).focus == "Earth"
