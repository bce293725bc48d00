"""Feed of snapshots: collected from the script host while topics are subscribed, and passed to all of them."""

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
from openspace_server.instance.api.script_access import ScriptAccess
from openspace_server.instance.api.snapshot import CameraState, PropertyChange, Snapshot, TimeState

log = logging.getLogger(__name__)

INTERVAL = 0.05
"""Seconds between snapshots at least, as upstream."""
PER_LISTENER = 0.0002
"""Seconds more for each listener: with very many of them snapshots are rarer, so that drawing is not slowed."""
EVERYTHING = "*"


class Listener(Protocol):
    """A topic that is subscribed. ``interests`` may hold "time" and "camera", which are costly to collect."""

    @property
    def interests(self) -> frozenset[str]: ...

    def on_snapshot(self, snapshot: Snapshot) -> None: ...


class Feed:
    """Lives on the event loop; :meth:`_collect` runs on the draw thread."""

    def __init__(self, scripts: ScriptAccess, script_host: ScriptHost) -> None:
        self._scripts = scripts
        self._script_host = script_host
        self._listeners: dict[Listener, None] = {}
        self._uris: Counter[str] = Counter()
        self._dirty: dict[str, bool] = {}
        self._dirty_lock = threading.Lock()
        self._task: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()
        self._is_busy = False
        self._is_due = False
        """A snapshot is due, with listeners or without."""
        self._unwatch: Callable[[], None] | None = script_host.tree.watch(self._on_tree_change)

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

    def collect_soon(self) -> None:
        """Pass the next snapshot to listeners without waiting for the interval."""
        self._soon.set()

    def follow(self) -> None:
        """The script host was changed: advance it until it is at rest, even without viewers and listeners."""
        if self._unwatch is not None:
            self._is_due = True
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
        while self._listeners or self._is_due:
            try:
                await self._collect_and_pass_on()
            except Exception:
                log.exception("collecting a snapshot failed")
            pause = INTERVAL + PER_LISTENER * len(self._listeners)
            self._soon.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._soon.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(0)  # let what called collect_soon finish, and others join it

    async def _collect_and_pass_on(self) -> None:
        interests = frozenset[str]().union(*(each.interests for each in self._listeners))
        uris = frozenset(self._uris)
        self._is_due = False
        snapshot = await self._scripts.run(
            lambda script_host: self._collect(script_host, interests, uris), changes=self._is_busy
        )
        self._is_busy = snapshot.is_busy
        self._is_due = self._is_due or snapshot.is_busy
        for listener in list(self._listeners):
            if listener in self._listeners:
                listener.on_snapshot(snapshot)

    # -- the draw thread -----------------------------------------------------------------------------------------

    def _on_tree_change(self, change: TreeChange) -> None:
        if change.property is not None:
            with self._dirty_lock:
                self._dirty[change.uri] = self._dirty.get(change.uri, False) or change.kind == "metadata"

    def _collect(self, script_host: ScriptHost, interests: frozenset[str], uris: frozenset[str]) -> Snapshot:
        with self._dirty_lock:
            dirty, self._dirty = self._dirty, {}
        return Snapshot(
            time=TimeState.of(script_host) if "time" in interests else None,
            camera=CameraState.of(script_host) if "camera" in interests else None,
            flight=script_host.engine.flight(),
            mode=script_host.mode,
            recording=script_host.recorder.state.value,
            properties=tuple(_changes(script_host, dirty, uris)),
            events=tuple(script_host.events.collect()),
            log=tuple(script_host.log.collect()),
            is_busy=script_host.busy,
        )


def _changes(script_host: ScriptHost, dirty: dict[str, bool], uris: frozenset[str]) -> Iterable[PropertyChange]:
    for uri, metadata_changed in dirty.items():
        found = script_host.tree.find(uri) if EVERYTHING in uris or uri in uris else None
        if found is not None:
            yield PropertyChange(
                uri,
                property_json.value(found),
                property_json.metadata(found),
                property_json.description(found),
                metadata_changed,
            )
