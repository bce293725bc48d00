"""What the parts of :class:`~openspace_widget.space.OpenSpace` share: the session that they ask, and how they wait."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Generator
from typing import Any, TypeVar

from openspace_widget.client.event_loop import background
from openspace_widget.client.openspace_api import OpenSpaceApi
from openspace_widget.client.session import Session

T = TypeVar("T")


class Held:
    """A session and the synchronous side of its coroutines."""

    _session: Session
    _program: OpenSpaceApi

    def _ask(self, verb: str, **arguments: Any) -> Any:
        return background().run(self._session.ask(verb, **arguments))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return background().run(work)


def pulled(source: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """Iterate over ``source``, which lives on the background loop; it is closed when the iteration is."""
    try:
        while True:
            try:
                item = background().run(_next(source))
            except StopAsyncIteration:
                return
            yield item
    finally:
        background().run(_close(source))


async def _next(source: AsyncGenerator[T, None]) -> T:
    return await anext(source)


async def _close(source: AsyncGenerator[T, None]) -> None:
    await source.aclose()
