"""Collects news from the program while anybody wants some, and hands it round."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Protocol

from openspace_server.engines.properties.tree import TreeChange
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api import property_json
from openspace_server.instance.api.program_access import ProgramPort
from openspace_server.instance.api.snapshot import CameraState, News, PropertyNews, TimeState

log = logging.getLogger(__name__)

INTERVAL = 0.05
"""Seconds between news at least, as upstream."""
PER_LISTENER = 0.0002
"""Seconds more for each listener: with very many of them news comes less often rather than at the picture's expense."""
EVERYTHING = "*"


class Listener(Protocol):
    """A topic that wants news. ``interests`` may hold "time" and "camera", which are costly to collect."""

    @property
    def interests(self) -> frozenset[str]: ...

    def news(self, news: News) -> None: ...


class Feed:
    """Lives on the event loop; :meth:`_collect` runs on the draw thread."""

    def __init__(self, port: ProgramPort, program: ScriptHost) -> None:
        self._port = port
        self._program = program
        self._listeners: dict[Listener, None] = {}
        self._uris: Counter[str] = Counter()
        self._dirty: dict[str, bool] = {}
        self._dirty_lock = threading.Lock()
        self._task: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()
        self._busy = False
        self._owed = False
        """A round is due, whether anybody listens or not."""
        self._unwatch: Callable[[], None] | None = program.tree.watch(self._tree_changed)
        self.latest = News()

    def add(self, listener: Listener) -> None:
        if self._unwatch is None:
            return  # closed
        self._listeners[listener] = None
        self._start()

    def remove(self, listener: Listener) -> None:
        self._listeners.pop(listener, None)

    def watch(self, uri: str) -> None:
        """Collect changes of that property; :data:`EVERYTHING` for all."""
        self._uris[uri] += 1

    def unwatch(self, uri: str) -> None:
        self._uris[uri] -= 1
        if self._uris[uri] <= 0:
            del self._uris[uri]

    def hurry(self) -> None:
        """Something was said that listeners should hear of now."""
        self._soon.set()

    def follow(self) -> None:
        """The program was changed: go with it until it is at rest, even if nobody watches or listens."""
        if self._unwatch is not None:
            self._owed = True
            self._start()
            self._soon.set()

    async def close(self) -> None:
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None
        self._listeners.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._listeners or self._owed:
            try:
                await self._round()
            except Exception:
                log.exception("collecting news failed")
            pause = INTERVAL + PER_LISTENER * len(self._listeners)
            self._soon.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._soon.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(0)  # let what hurried us finish, and others join it

    async def _round(self) -> None:
        interests = frozenset[str]().union(*(each.interests for each in self._listeners))
        uris = frozenset(self._uris)
        self._owed = False
        news = await self._port.run(lambda program: self._collect(program, interests, uris), changes=self._busy)
        self._busy, self.latest = news.busy, news
        self._owed = self._owed or news.busy
        for listener in list(self._listeners):
            if listener in self._listeners:
                listener.news(news)

    # -- the draw thread -----------------------------------------------------------------------------------------

    def _tree_changed(self, change: TreeChange) -> None:
        if change.property is not None:
            with self._dirty_lock:
                self._dirty[change.uri] = self._dirty.get(change.uri, False) or change.kind == "metadata"

    def _collect(self, program: ScriptHost, interests: frozenset[str], uris: frozenset[str]) -> News:
        with self._dirty_lock:
            dirty, self._dirty = self._dirty, {}
        return News(
            time=TimeState.of(program) if "time" in interests else None,
            camera=CameraState.of(program) if "camera" in interests else None,
            flight=program.engine.flight(),
            mode=program.mode,
            recording=program.recorder.state.value,
            properties=tuple(_changes(program, dirty, uris)),
            events=tuple(program.events.collect()),
            log=tuple(program.log.collect()),
            busy=program.busy,
        )


def _changes(program: ScriptHost, dirty: dict[str, bool], uris: frozenset[str]) -> Iterable[PropertyNews]:
    for uri, metadata_changed in dirty.items():
        found = program.tree.find(uri) if EVERYTHING in uris or uri in uris else None
        if found is not None:
            yield PropertyNews(
                uri,
                property_json.value(found),
                property_json.metadata(found),
                property_json.description(found),
                metadata_changed,
            )
