"""Share links of a real session."""

from __future__ import annotations

import asyncio

import pytest

from openspace_widget import OpenSpace, RequestError


def test_a_link_is_made_listed_and_revoked(space: OpenSpace) -> None:
    link = space.share("controller", hours=1)
    assert [each.id for each in space.shares()] == [link.id]
    assert link.url.startswith("http")
    link.revoke()
    link.revoke()
    assert space.shares() == []


def test_the_same_can_be_awaited(space: OpenSpace) -> None:
    async def scenario() -> None:
        link = await space.aio.share(hours=1)
        assert [each.id for each in await space.aio.shares()] == [link.id]
        await space.aio.revoke(link)
        await space.aio.revoke(link)
        assert await space.aio.shares() == []
        with pytest.raises(RequestError, match="hours"):
            await space.aio.share(hours=10_000)

    asyncio.run(scenario())


def test_an_unknown_role_is_refused(space: OpenSpace) -> None:
    with pytest.raises(RequestError) as refused:
        space.share("owner")
    assert str(refused.value) == "role: expected 'viewer' or 'controller', got 'owner'"
