"""Nodes of points in OpenSpace, and the files that they read.

OpenSpace reads a file when its node is made, once, and draws nothing meanwhile. There is no other interface, so other
points are another file and another node under the same identifier, which replaces the previous one within one frame.
All of that happens on a thread of its own, one job after the other, and OpenSpace gets a pause after each file for as
long as it took to read it: a sender that is faster than that has frames left out.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from openspace_server.engines.base import EngineError, UnknownTarget
from openspace_server.engines.openspace.api.client import ANSWER_TIMEOUT, ConnectionLost
from openspace_server.engines.openspace.api.lua import SCRIPT_CATEGORIES, Scripts, literal, numbers, texts
from openspace_server.engines.openspace.points import node_table
from openspace_server.engines.openspace.points.files import write_color_map, write_points
from openspace_server.engines.openspace.points.lua import (
    NodeState,
    addition,
    query_node_state,
    read_node_state,
    removal,
    restoration,
    setting,
    value_of,
)
from openspace_server.engines.openspace.points.node_table import STYLE_PROPERTIES, Colors, Positions

log = logging.getLogger(__name__)

POINT_CATEGORIES = re.compile(
    SCRIPT_CATEGORIES.pattern
    + r"|point|scene|data ?loader|colou?r ?map|specification|missing|wrong type|unknown|verif",
    re.IGNORECASE,
)
"""Categories of the log whose errors come from a node of points and its files."""
SECONDS_PER_POINT = 3e-5
"""Patience beyond that for any other answer; many times what reading takes."""
MOST_REST = 10.0
"""Seconds that OpenSpace is left alone after a file, at most."""
_FRAMES = 3
"""Frames after which a file has been read, or never will be."""
_NOTHING = np.empty(0)
_MAPPING = "Coloring.ColorMapping"
_STYLE_FIELDS = {
    "visible": "Enabled",
    "opacity": "Opacity",
    "size": "SizeSettings.MaxSize",
    "color": "Coloring.FixedColor",
}
"""The style of points as fields of the renderable's table."""
T = TypeVar("T", Positions, Colors)


@dataclass(frozen=True)
class CloudContent:
    """The content of a cloud. ``table`` is that of :meth:`PointEngine.add_points`; the arrays have a row per point."""

    table: Mapping[str, Any]
    positions: np.ndarray
    columns: Mapping[str, np.ndarray]
    colors: np.ndarray | None

    @property
    def identifier(self) -> str:
        return str(self.table["Identifier"])

    @property
    def mapping(self) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.table["Renderable"].get("Coloring", {}).get("ColorMapping")
        return found


@dataclass(frozen=True)
class Cloud:
    """A node that is in OpenSpace's scene, with its files; ``positions`` and ``colors`` without their numbers."""

    content: CloudContent
    positions: Positions
    colors: Colors | None
    points: Path
    map: Path | None
    table: dict[str, Any] = field(repr=False)

    def delete(self) -> None:
        for file in (self.points, self.map):
            if file is not None:
                file.unlink(missing_ok=True)


class PointFiles:
    """All clouds of one OpenSpace. Everything but :meth:`style_of` returns at once; ends with :meth:`close`.

    Args:
        scripts: its own, used on its own thread.
        folder: for the files; made when needed, and deleted with the instance.
        width: of a frame, pixels.
        on_changed: called on any thread when the view has changed.
    """

    def __init__(self, scripts: Scripts, folder: Path, width: int, on_changed: Callable[[], None]) -> None:
        self._scripts = scripts
        self._folder = folder
        self._width = width
        self._on_changed = on_changed
        self._clouds: dict[str, Cloud] = {}
        self._versions = itertools.count(1)
        self._worker = ThreadPoolExecutor(1, "openspace-points")
        self._asking = threading.RLock()
        self._closing = threading.Event()
        self._rested_at = 0.0
        self.patience = ANSWER_TIMEOUT
        """Seconds within which OpenSpace answers anything; more while it reads a file."""

    def close(self) -> None:
        self._closing.set()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._clouds

    # -- requests -----------------------------------------------------------------------------------------------

    def add(self, content: CloudContent) -> Future[None]:
        def work() -> None:
            self._require_free(content.identifier)
            self._require_parent(str(content.table.get("Parent") or "Root"))
            self._show(content)

        return self._do(work)

    def update(self, identifier: str, change: Callable[[CloudContent], CloudContent]) -> Future[None]:
        """Show what ``change`` makes of what is shown. Raises UnknownTarget."""
        self._find(identifier)
        return self._do(lambda: self._show(change(self._find(identifier).content)))

    def set_color_mapping(self, identifier: str, mapping: Mapping[str, Any] | None) -> Future[None]:
        """Raises UnknownTarget."""
        self._find(identifier)
        return self._do(lambda: self._recolor(self._find(identifier), mapping))

    def remove(self, identifier: str) -> Future[None]:
        """Raises UnknownTarget."""
        self._find(identifier)

        def work() -> None:
            cloud = self._find(identifier)
            problem = EngineError(f"OpenSpace has not removed the scene graph node {identifier!r}")
            try:
                self._run(removal(identifier), about=[identifier])
            except ConnectionLost:
                raise
            except EngineError as error:
                problem = error
            if self._is_node(identifier):
                raise problem
            del self._clouds[identifier]
            cloud.delete()

        return self._do(work)

    def set_style(self, identifier: str, style: Mapping[str, Any]) -> Future[None]:
        """Raises UnknownTarget."""
        self._find(identifier)

        def work() -> None:
            values = {name: self._encoded(name, value) for name, value in style.items()}
            script = "\n".join(setting(identifier, STYLE_PROPERTIES[name], value) for name, value in values.items())
            self._run(script, about=[identifier])
            cloud = self._find(identifier)
            self._clouds[identifier] = replace(cloud, content=_styled(cloud.content, style))

        return self._do(work)

    def resized(self, width: int) -> Future[None]:
        """Frames have another width: sizes in pixels stay what they were, also for nodes being made."""

        def work() -> None:
            with self._asking:  # no size for one width is compared with one for the other
                before, self._width = self._width, width
                for identifier in list(self._clouds):
                    limit = self._read_style(identifier).get("size")
                    if limit is not None:
                        rescaled = node_table.degrees(node_table.pixels(float(limit), before), width)
                        self._run(setting(identifier, STYLE_PROPERTIES["size"], rescaled), about=[identifier])

        return self._do(work)

    def style_of(self, identifier: str) -> dict[str, Any]:
        """As :meth:`PointEngine.point_style`; waits for an answer. Raises UnknownTarget."""
        content = self._find(identifier).content
        with self._asking:
            style, width = self._read_style(identifier), self._width
        if not style:  # the node was removed from outside
            return {}
        pixels, size = _size(content), float(style["size"])
        if abs(size - node_table.degrees(pixels, width)) > 1e-4 * size:
            pixels = min(max(node_table.pixels(size, width), 0.1), 64.0)
        return {
            "visible": bool(style["visible"]),
            "opacity": min(max(float(style["opacity"]), 0.0), 1.0),
            "size": pixels,
            "color": [min(max(channel, 0.0), 1.0) for channel in numbers(style["color"])],
        }

    # -- on its own thread ---------------------------------------------------------------------------------------

    def _show(self, content: CloudContent) -> None:
        """Write the files and replace the present node by one that reads them."""
        before = self._clouds.get(content.identifier)
        cloud = self._write(content)
        try:
            self._pause()
            state = self._node_state(before) if before is not None else None
            try:
                self._load_in_openspace(cloud, keep_range=before is not None and _same_range(before, cloud))
            except Exception:
                self._restore_previous(content.identifier, before, state)
                raise
        except Exception:
            cloud.delete()
            raise
        self._clouds[content.identifier] = cloud
        if before is not None:
            before.delete()

    def _write(self, content: CloudContent) -> Cloud:
        positions = node_table.positions_of(content.table, content.positions)
        colors = node_table.colors_of(content.mapping, content.columns, content.colors)
        points, map = self._file(content.identifier, "csv"), None
        try:
            self._folder.mkdir(exist_ok=True)
            write_points(points, positions.numbers, colors.numbers if colors is not None else None)
            map = self._write_map(content.identifier, colors) if colors is not None else None
            table = node_table.table_of(content.table, positions, points, colors, map, self._width)
        except Exception as problem:
            for file in (points, map):
                if file is not None:
                    with contextlib.suppress(OSError):
                        file.unlink()
            if isinstance(problem, OSError):
                reason = f"the file that OpenSpace reads points from cannot be written: {problem}"
                raise EngineError(reason) from None
            raise
        # What is in the file needs no room here any more.
        return Cloud(content, _bare(positions), _bare(colors) if colors is not None else None, points, map, table)

    def _load_in_openspace(self, cloud: Cloud, keep_range: bool) -> None:
        identifier, count = cloud.content.identifier, len(cloud.content.positions)
        query, read = f"return {value_of(identifier, 'NumberOfDataPoints')}", None
        with self._reading(count) as patience:
            self._scripts.clear_problems()
            try:
                self._scripts.evaluate(addition(cloud.table, keep_range), patience)
                for _ in range(_FRAMES):
                    read = self._scripts.evaluate(query, patience)
                    if read == count:
                        break
                else:
                    raise EngineError(f"it has read {read or 0:.0f} of {count} points")
                # Other clients may run scripts meanwhile: only errors that name our files are ours.
                names = [file.name for file in (cloud.points, cloud.map) if file is not None]
                if problems := self._scripts.problems(names):
                    raise EngineError(problems[0])
            except ConnectionLost:
                raise
            except EngineError as problem:
                # The log says why, which it may do a frame later.
                self._scripts.wait_frame()
                reasons = "; ".join(dict.fromkeys([str(problem), *self._scripts.problems()]))
                raise EngineError(f"OpenSpace cannot show the points: {reasons}") from None

    def _restore_previous(self, identifier: str, before: Cloud | None, state: NodeState | None) -> None:
        """Show what was shown before a node that cannot be shown; nothing if there was nothing."""
        if before is None or state is None:
            self._run_quietly(removal(identifier))
            return
        try:
            with self._reading(len(before.content.positions)) as patience:
                self._scripts.evaluate(restoration(before.table, state), patience)
                self._scripts.wait_frame(patience)
        except EngineError as problem:
            log.warning("the previous points could not be restored: %s", problem)

    def _node_state(self, cloud: Cloud) -> NodeState | None:
        """The present state of the node; None if it was removed from outside."""
        identifier = cloud.content.identifier
        return read_node_state(self._run(query_node_state(identifier, cloud.colors is not None), about=[identifier]))

    @contextlib.contextmanager
    def _reading(self, count: int) -> Iterator[float]:
        """While OpenSpace reads a file of ``count`` points; the seconds within which it answers meanwhile."""
        began = time.monotonic()
        self.patience = ANSWER_TIMEOUT + count * SECONDS_PER_POINT
        try:
            with self._asking:
                yield self.patience
        finally:
            self.patience = ANSWER_TIMEOUT
            self._rested_at = time.monotonic() + min(time.monotonic() - began, MOST_REST)

    def _pause(self) -> None:
        """Let OpenSpace draw for as long as it has stood still."""
        self._closing.wait(max(0.0, self._rested_at - time.monotonic()))
        if self._closing.is_set():
            raise EngineError("the session has ended")

    def _recolor(self, cloud: Cloud, mapping: Mapping[str, Any] | None) -> None:
        """Other colours for the same numbers are another colour map; other numbers need another file. Points with
        colours of their own keep them, and use ``mapping`` when they lose them."""
        content = replace(cloud.content, table=_mapped(cloud.content.table, mapping))
        identifier = content.identifier
        colors = node_table.colors_of(mapping, content.columns, None)
        if content.colors is not None:
            self._clouds[identifier] = replace(cloud, content=content)
            return
        if colors is None or cloud.colors is None or colors.steps != cloud.colors.steps:
            self._show(content)
            return
        span, enabled = (value_of(identifier, f"{_MAPPING}.{name}") for name in ("ValueRange", "Enabled"))
        state = self._run(f"return {{ span = {span}, enabled = {enabled} }}", [identifier])
        map = cloud.map
        try:
            if not np.array_equal(colors.colors, cloud.colors.colors):
                map = self._write_map(identifier, colors)
            self._apply_map(identifier, map if map != cloud.map else None, colors.span, colors.enabled)
            table = node_table.table_of(content.table, cloud.positions, cloud.points, colors, map, self._width)
        except Exception as problem:
            if map != cloud.map and map is not None:
                map.unlink(missing_ok=True)
            try:
                self._apply_map(identifier, cloud.map if map != cloud.map else None, state["span"], state["enabled"])
            except EngineError as other:
                log.warning("the previous colours could not be restored: %s", other)
            if isinstance(problem, OSError):
                raise EngineError(f"the colour map for OpenSpace cannot be written: {problem}") from None
            raise
        self._clouds[identifier] = replace(cloud, content=content, colors=_bare(colors), map=map, table=table)
        if map != cloud.map and cloud.map is not None:
            cloud.map.unlink(missing_ok=True)

    def _apply_map(self, identifier: str, file: Path | None, span: Any, enabled: bool) -> None:
        """Have OpenSpace colour by the map in ``file``, None for the one there is."""
        if file is not None:
            self._run(setting(identifier, f"{_MAPPING}.File", str(file)), about=[identifier, file.name])
            # With the file, read in the same frame, OpenSpace resets the range to that of the node's table.
            with self._asking:
                self._scripts.wait_frame()
        self._run(
            f"{setting(identifier, f'{_MAPPING}.ValueRange', numbers(span))}\n"
            f"{setting(identifier, f'{_MAPPING}.Enabled', enabled)}",
            about=[identifier],
        )

    def _write_map(self, identifier: str, colors: Colors) -> Path:
        """Raises OSError; nothing is left of it then."""
        map = self._file(identifier, "cmap")
        try:
            write_color_map(map, colors.colors)
        except BaseException:
            map.unlink(missing_ok=True)
            raise
        return map

    def _file(self, identifier: str, ending: str) -> Path:
        """A name that was never used: OpenSpace keeps what it knows of a file by its name."""
        return self._folder / f"{identifier[:40]}-{next(self._versions)}.{ending}"

    def _require_free(self, identifier: str) -> None:
        if identifier not in self._clouds and self._is_node(identifier):
            raise EngineError(f"OpenSpace already has a scene graph node {identifier!r}: choose another name")

    def _require_parent(self, parent: str) -> None:
        if not self._is_node(parent):
            raise UnknownTarget(parent, texts(self._run("return openspace.sceneGraphNodes()")))

    # -- internals-----------------------------------------------------------------------------------------------

    def _do(self, work: Callable[[], None]) -> Future[None]:
        def whole() -> None:
            try:
                work()
            except EngineError:
                raise
            except Exception as problem:
                log.exception("points for OpenSpace")
                raise EngineError(f"points for OpenSpace: internal error ({problem}), see the instance's log") from None
            finally:
                self._on_changed()

        try:
            return self._worker.submit(whole)
        except RuntimeError:
            raise EngineError("the session has ended") from None

    def _find(self, identifier: str) -> Cloud:
        if identifier not in self._clouds:
            raise UnknownTarget(identifier, self._clouds)
        return self._clouds[identifier]

    def _encoded(self, name: str, value: Any) -> Any:
        return node_table.degrees(float(value), self._width) if name == "size" else value

    def _read_style(self, identifier: str) -> dict[str, Any]:
        """The properties of :data:`STYLE_PROPERTIES` as they are; empty if the node is gone."""
        values = ", ".join(f"{name} = {value_of(identifier, uri)}" for name, uri in STYLE_PROPERTIES.items())
        script = f"if openspace.hasSceneGraphNode({literal(identifier)}) then\nreturn {{{values}}}\nend"
        values_now = self._run(script, about=[identifier])
        return values_now if isinstance(values_now, dict) else {}

    def _is_node(self, identifier: str) -> bool:
        return self._run(f"return openspace.hasSceneGraphNode({literal(identifier)})") is True

    def _run(self, body: str, about: Iterable[str] = ()) -> Any:
        """Run a script. Errors in the log count if they name one of ``about``, as other clients run scripts as well."""
        with self._asking:
            return self._scripts.run(body, about)

    def _run_quietly(self, body: str) -> None:
        try:
            self._run(body)
        except EngineError as problem:
            log.warning("the node of points that could not be shown was not removed: %s", problem)


def _same_range(before: Cloud, after: Cloud) -> bool:
    """Whether the colours of both were set to follow the same values; the range may have been changed since."""
    one, other = before.colors, after.colors
    if one is None or other is None or "palette" in (one.steps, other.steps):
        return False
    return (one.span, one.steps, one.enabled) == (other.span, other.steps, other.enabled)


def _mapped(table: Mapping[str, Any], mapping: Mapping[str, Any] | None) -> dict[str, Any]:
    renderable = table["Renderable"]
    coloring = {**renderable.get("Coloring", {}), "ColorMapping": mapping}
    return {**table, "Renderable": {**renderable, "Coloring": coloring}}


def _size(content: CloudContent) -> float:
    return float(content.table["Renderable"].get("SizeSettings", {}).get("MaxSize", 1.0))


def _styled(content: CloudContent, style: Mapping[str, Any]) -> CloudContent:
    """``content`` with that style in its table, which holds where there is no node to take it over from."""
    renderable = dict(content.table["Renderable"])
    for name, value in style.items():
        part, _, key = _STYLE_FIELDS[name].rpartition(".")
        renderable |= {part: {**renderable.get(part, {}), key: value}} if part else {key: value}
    return replace(content, table={**content.table, "Renderable": renderable})


def _bare(part: T) -> T:
    """Without its numbers."""
    return replace(part, numbers=_NOTHING)
