"""Registry of the point clouds that this process sent to one session, and of their pick callbacks."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from openspace_widget.client.session import Session
from openspace_widget.errors import OpenSpaceError, RequestError
from openspace_widget.points.cloud import Callback, Cloud, Pick, Sent
from openspace_widget.points.encode import Recipe
from openspace_widget.points.inputs import PointInput


class CloudRegistry:
    """Point clouds by name. Background loop only."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.known: dict[str, Cloud] = {}
        self._is_watching = False
        # Callbacks may call anything, and wait for it: not on the loop that has to answer.
        self._caller = ThreadPoolExecutor(1, thread_name_prefix="openspace-picks")
        session.on_event["picked"] = self._on_pick
        session.on_restart.append(self._on_restart)
        session.on_reconnect.append(self._on_reconnect)

    async def add(self, recipe: Recipe, points: PointInput, values: Any, colors: Any) -> tuple[Cloud, Sent]:
        """Send the first frame of a cloud; one of the same name is replaced. Raises as ``add_points`` does."""
        before = self.known.get(recipe.name)
        cloud = Cloud(self.session, recipe)
        if before is not None:
            cloud.sequence = before.sequence
        else:
            there = [each for each in await self.session.ask("points") if each["name"] == recipe.name]
            cloud.sequence = there[0]["sequence"] if there else 0
        sent = await cloud.send(await asyncio.to_thread(cloud.prepare, points, values, colors))
        self.known[recipe.name] = cloud
        if before is not None and before.callbacks:
            await self.watch()
        return cloud, sent

    async def remove(self, cloud: Cloud) -> None:
        await cloud.remove()
        if self.known.get(cloud.recipe.name) is cloud:
            del self.known[cloud.recipe.name]
            await self.watch()

    async def add_callback(self, cloud: Cloud, callback: Callback, hover: bool) -> None:
        """Call ``callback`` for each pick, also by hovering if ``hover``. Raises RequestError."""
        cloud.callbacks[callback] = hover
        try:
            await self.watch()
        except RequestError:
            cloud.callbacks.pop(callback, None)
            raise

    async def remove_callback(self, cloud: Cloud, callback: Callback) -> None:
        """End the calls of ``callback``. Safe to repeat."""
        cloud.callbacks.pop(callback, None)
        await self.watch()

    async def picks(self, cloud: Cloud, hover: bool) -> AsyncGenerator[Pick, None]:
        """The picks of a cloud as they happen. Raises RequestError."""
        loop, picks = asyncio.get_running_loop(), asyncio.Queue[Pick]()

        def callback(pick: Pick) -> None:
            loop.call_soon_threadsafe(picks.put_nowait, pick)

        await self.add_callback(cloud, callback, hover)
        try:
            while True:
                yield await picks.get()
        finally:
            await self.remove_callback(cloud, callback)

    async def watch(self) -> None:
        """Receive picks while there are callbacks."""
        is_needed = any(cloud.callbacks for cloud in self.known.values())
        if is_needed != self._is_watching:
            await self.session.ask("watch_picks", watch=is_needed)
            self._is_watching = is_needed

    def _on_pick(self, event: dict[str, Any]) -> None:
        cloud = self.known.get(str(event.get("name")))
        pick = cloud.picked(event) if cloud is not None else None
        if cloud is None or pick is None:
            return
        for callback, hover in list(cloud.callbacks.items()):
            if hover or pick.how == "click":
                self._caller.submit(_call, callback, pick)

    async def _on_restart(self) -> None:
        for cloud in list(self.known.values()):
            with contextlib.suppress(OpenSpaceError):
                await cloud.resend()

    async def _on_reconnect(self) -> None:
        """Subscribe again on the new connection, which is opened for it."""
        self._is_watching = False
        if not self.session.state.is_ended:
            with contextlib.suppress(OpenSpaceError):
                await self.watch()


def _call(callback: Callback, pick: Pick) -> None:
    try:
        callback(pick)
    except Exception:
        traceback.print_exc()
