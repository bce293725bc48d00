"""Points in the real OpenSpace: written to files, and shown by nodes that read them.

OpenSpace reads a file when its node is made, once, and its picture stands still meanwhile. There is no other way in,
so other points are another file and another node under the same identifier, in the place of the one before within one
frame. All of that happens on a thread of its own, one thing after the other, and OpenSpace is left alone after each
file for as long as it took to read it: whoever sends faster than that has frames left out.
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
from openspace_server.engines.openspace.api.client import ANSWER_TIMEOUT, LinkLost
from openspace_server.engines.openspace.api.lua import OF_SCRIPTS, Scripts, literal, numbers, texts
from openspace_server.engines.openspace.points import node_table as point_table
from openspace_server.engines.openspace.points.files import write_colour_map, write_points
from openspace_server.engines.openspace.points.lua import (
    Kept,
    addition,
    ask_kept,
    read_kept,
    removal,
    restoration,
    setting,
    value_of,
)
from openspace_server.engines.openspace.points.node_table import LOOKS, Colours, Places

log = logging.getLogger(__name__)

OF_POINTS = re.compile(
    OF_SCRIPTS.pattern + r"|point|scene|data ?loader|colou?r ?map|specification|missing|wrong type|unknown|verif",
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
_IN_TABLE = {
    "visible": "Enabled",
    "opacity": "Opacity",
    "size": "SizeSettings.MaxSize",
    "color": "Coloring.FixedColor",
}
"""Where the renderable's table says the looks of points."""
T = TypeVar("T", Places, Colours)


@dataclass(frozen=True)
class Given:
    """What a cloud shows. ``table`` is that of :meth:`PointEngine.add_points`; the arrays have a row per point."""

    table: Mapping[str, Any]
    places: np.ndarray
    columns: Mapping[str, np.ndarray]
    each: np.ndarray | None

    @property
    def identifier(self) -> str:
        return str(self.table["Identifier"])

    @property
    def mapping(self) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.table["Renderable"].get("Coloring", {}).get("ColorMapping")
        return found


@dataclass(frozen=True)
class Cloud:
    """A node that is in OpenSpace's scene, with its files; ``places`` and ``colours`` without their numbers."""

    given: Given
    places: Places
    colours: Colours | None
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
        width: of the picture, pixels.
        changed: called on any thread when the picture has changed.
    """

    def __init__(self, scripts: Scripts, folder: Path, width: int, changed: Callable[[], None]) -> None:
        self._scripts = scripts
        self._folder = folder
        self._width = width
        self._changed = changed
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

    # -- what can be asked for -----------------------------------------------------------------------------------

    def add(self, given: Given) -> Future[None]:
        def work() -> None:
            self._require_free(given.identifier)
            self._require_parent(str(given.table.get("Parent") or "Root"))
            self._show(given)

        return self._do(work)

    def update(self, identifier: str, change: Callable[[Given], Given]) -> Future[None]:
        """Show what ``change`` makes of what is shown. Raises UnknownTarget."""
        self._find(identifier)
        return self._do(lambda: self._show(change(self._find(identifier).given)))

    def colour(self, identifier: str, mapping: Mapping[str, Any] | None) -> Future[None]:
        """Raises UnknownTarget."""
        self._find(identifier)
        return self._do(lambda: self._colour(self._find(identifier), mapping))

    def remove(self, identifier: str) -> Future[None]:
        """Raises UnknownTarget."""
        self._find(identifier)

        def work() -> None:
            cloud = self._find(identifier)
            problem = EngineError(f"OpenSpace has not removed the scene graph node {identifier!r}")
            try:
                self._run(removal(identifier), about=[identifier])
            except LinkLost:
                raise
            except EngineError as told:
                problem = told
            if self._is_node(identifier):
                raise problem
            del self._clouds[identifier]
            cloud.delete()

        return self._do(work)

    def set_style(self, identifier: str, looks: Mapping[str, Any]) -> Future[None]:
        """Raises UnknownTarget."""
        self._find(identifier)

        def work() -> None:
            values = {name: self._encoded(name, value) for name, value in looks.items()}
            script = "\n".join(setting(identifier, LOOKS[name], value) for name, value in values.items())
            self._run(script, about=[identifier])
            cloud = self._find(identifier)
            self._clouds[identifier] = replace(cloud, given=_styled(cloud.given, looks))

        return self._do(work)

    def resized(self, width: int) -> Future[None]:
        """The picture has another width: sizes in pixels stay what they were, for nodes being made, too."""

        def work() -> None:
            with self._asking:  # nobody is to compare sizes for one width with the other
                before, self._width = self._width, width
                for identifier in list(self._clouds):
                    limit = self._told(identifier).get("size")
                    if limit is not None:
                        wanted = point_table.degrees(point_table.pixels(float(limit), before), width)
                        self._run(setting(identifier, LOOKS["size"], wanted), about=[identifier])

        return self._do(work)

    def style_of(self, identifier: str) -> dict[str, Any]:
        """As :meth:`PointEngine.point_style`; waits for an answer. Raises UnknownTarget."""
        given = self._find(identifier).given
        with self._asking:
            told, width = self._told(identifier), self._width
        if not told:  # somebody has removed the node
            return {}
        asked, size = _size(given), float(told["size"])
        if abs(size - point_table.degrees(asked, width)) > 1e-4 * size:
            asked = min(max(point_table.pixels(size, width), 0.1), 64.0)
        return {
            "visible": bool(told["visible"]),
            "opacity": min(max(float(told["opacity"]), 0.0), 1.0),
            "size": asked,
            "color": [min(max(channel, 0.0), 1.0) for channel in numbers(told["color"])],
        }

    # -- on its own thread ---------------------------------------------------------------------------------------

    def _show(self, given: Given) -> None:
        """Write the files and put a node that reads them in the place of the one there was."""
        before = self._clouds.get(given.identifier)
        cloud = self._write(given)
        try:
            self._rest()
            was = self._kept(before) if before is not None else None
            try:
                self._read_by_openspace(cloud, keep_range=before is not None and _same_range(before, cloud))
            except Exception:
                self._bring_back(given.identifier, before, was)
                raise
        except Exception:
            cloud.delete()
            raise
        self._clouds[given.identifier] = cloud
        if before is not None:
            before.delete()

    def _write(self, given: Given) -> Cloud:
        places = point_table.places_of(given.table, given.places)
        colours = point_table.colours_of(given.mapping, given.columns, given.each)
        points, map = self._file(given.identifier, "csv"), None
        try:
            self._folder.mkdir(exist_ok=True)
            write_points(points, places.numbers, colours.numbers if colours is not None else None)
            map = self._write_map(given.identifier, colours) if colours is not None else None
            table = point_table.table_of(given.table, places, points, colours, map, self._width)
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
        return Cloud(given, _bare(places), _bare(colours) if colours is not None else None, points, map, table)

    def _read_by_openspace(self, cloud: Cloud, keep_range: bool) -> None:
        identifier, count = cloud.given.identifier, len(cloud.given.places)
        look, read = f"return {value_of(identifier, 'NumberOfDataPoints')}", None
        with self._reading(count) as patience:
            self._scripts.forget()
            try:
                self._scripts.go_on(addition(cloud.table, keep_range), patience)
                for _ in range(_FRAMES):
                    read = self._scripts.go_on(look, patience)
                    if read == count:
                        break
                else:
                    raise EngineError(f"it has read {read or 0:.0f} of {count} points")
                # Others may ask OpenSpace for something meanwhile: only what names our files is ours.
                names = [file.name for file in (cloud.points, cloud.map) if file is not None]
                if problems := self._scripts.problems(names):
                    raise EngineError(problems[0])
            except LinkLost:
                raise
            except EngineError as problem:
                # The log says why, which it may do a frame later.
                self._scripts.wait_frame()
                reasons = "; ".join(dict.fromkeys([str(problem), *self._scripts.problems()]))
                raise EngineError(f"OpenSpace cannot show the points: {reasons}") from None

    def _bring_back(self, identifier: str, before: Cloud | None, was: Kept | None) -> None:
        """What was shown before a node that cannot be shown; nothing if there was nothing."""
        if before is None or was is None:
            self._run_quietly(removal(identifier))
            return
        try:
            with self._reading(len(before.given.places)) as patience:
                self._scripts.go_on(restoration(before.table, was), patience)
                self._scripts.wait_frame(patience)
        except EngineError as problem:
            log.warning("what was shown before did not come back: %s", problem)

    def _kept(self, cloud: Cloud) -> Kept | None:
        """How the node is now; None if somebody has removed it."""
        identifier = cloud.given.identifier
        return read_kept(self._run(ask_kept(identifier, cloud.colours is not None), about=[identifier]))

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

    def _rest(self) -> None:
        """Let OpenSpace draw for as long as it has stood still."""
        self._closing.wait(max(0.0, self._rested_at - time.monotonic()))
        if self._closing.is_set():
            raise EngineError("the session has ended")

    def _colour(self, cloud: Cloud, mapping: Mapping[str, Any] | None) -> None:
        """Other colours for the same numbers are another colour map; for other numbers it takes another file. Points
        with colours of their own keep them: those of ``mapping`` are theirs when they have none."""
        given = replace(cloud.given, table=_mapped(cloud.given.table, mapping))
        identifier = given.identifier
        colours = point_table.colours_of(mapping, given.columns, None)
        if given.each is not None:
            self._clouds[identifier] = replace(cloud, given=given)
            return
        if colours is None or cloud.colours is None or colours.steps != cloud.colours.steps:
            self._show(given)
            return
        span, enabled = (value_of(identifier, f"{_MAPPING}.{name}") for name in ("ValueRange", "Enabled"))
        was = self._run(f"return {{ span = {span}, enabled = {enabled} }}", [identifier])
        map = cloud.map
        try:
            if not np.array_equal(colours.colours, cloud.colours.colours):
                map = self._write_map(identifier, colours)
            self._map_by(identifier, map if map != cloud.map else None, colours.span, colours.enabled)
            table = point_table.table_of(given.table, cloud.places, cloud.points, colours, map, self._width)
        except Exception as problem:
            if map != cloud.map and map is not None:
                map.unlink(missing_ok=True)
            try:
                self._map_by(identifier, cloud.map if map != cloud.map else None, was["span"], was["enabled"])
            except EngineError as other:
                log.warning("the colours of before did not come back: %s", other)
            if isinstance(problem, OSError):
                raise EngineError(f"the colour map for OpenSpace cannot be written: {problem}") from None
            raise
        self._clouds[identifier] = replace(cloud, given=given, colours=_bare(colours), map=map, table=table)
        if map != cloud.map and cloud.map is not None:
            cloud.map.unlink(missing_ok=True)

    def _map_by(self, identifier: str, file: Path | None, span: Any, enabled: bool) -> None:
        """Have OpenSpace colour by the map in ``file``, None for the one there is."""
        if file is not None:
            self._run(setting(identifier, f"{_MAPPING}.File", str(file)), about=[identifier, file.name])
            # With the file, read in the frame that was asked, OpenSpace takes back the range of the node's table.
            with self._asking:
                self._scripts.wait_frame()
        self._run(
            f"{setting(identifier, f'{_MAPPING}.ValueRange', numbers(span))}\n"
            f"{setting(identifier, f'{_MAPPING}.Enabled', enabled)}",
            about=[identifier],
        )

    def _write_map(self, identifier: str, colours: Colours) -> Path:
        """Raises OSError; nothing is left of it then."""
        map = self._file(identifier, "cmap")
        try:
            write_colour_map(map, colours.colours)
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

    # -- inside --------------------------------------------------------------------------------------------------

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
                self._changed()

        try:
            return self._worker.submit(whole)
        except RuntimeError:
            raise EngineError("the session has ended") from None

    def _find(self, identifier: str) -> Cloud:
        if identifier not in self._clouds:
            raise UnknownTarget(identifier, self._clouds)
        return self._clouds[identifier]

    def _encoded(self, name: str, value: Any) -> Any:
        return point_table.degrees(float(value), self._width) if name == "size" else value

    def _told(self, identifier: str) -> dict[str, Any]:
        """The properties of :data:`LOOKS` as they are; empty if the node is gone."""
        values = ", ".join(f"{name} = {value_of(identifier, uri)}" for name, uri in LOOKS.items())
        script = f"if openspace.hasSceneGraphNode({literal(identifier)}) then\nreturn {{{values}}}\nend"
        told = self._run(script, about=[identifier])
        return told if isinstance(told, dict) else {}

    def _is_node(self, identifier: str) -> bool:
        return self._run(f"return openspace.hasSceneGraphNode({literal(identifier)})") is True

    def _run(self, body: str, about: Iterable[str] = ()) -> Any:
        """Run a script. Errors in the log count if they name one of ``about``: others run scripts, too."""
        with self._asking:
            return self._scripts.run(body, about)

    def _run_quietly(self, body: str) -> None:
        try:
            self._run(body)
        except EngineError as problem:
            log.warning("after points could not be shown: %s", problem)


def _same_range(before: Cloud, after: Cloud) -> bool:
    """Whether the colours of both were asked to follow the same values; somebody may have changed the range since."""
    one, other = before.colours, after.colours
    if one is None or other is None or "palette" in (one.steps, other.steps):
        return False
    return (one.span, one.steps, one.enabled) == (other.span, other.steps, other.enabled)


def _mapped(table: Mapping[str, Any], mapping: Mapping[str, Any] | None) -> dict[str, Any]:
    renderable = table["Renderable"]
    colouring = {**renderable.get("Coloring", {}), "ColorMapping": mapping}
    return {**table, "Renderable": {**renderable, "Coloring": colouring}}


def _size(given: Given) -> float:
    return float(given.table["Renderable"].get("SizeSettings", {}).get("MaxSize", 1.0))


def _styled(given: Given, looks: Mapping[str, Any]) -> Given:
    """With those looks in its table, which hold where no node is there to take them over from."""
    renderable = dict(given.table["Renderable"])
    for name, value in looks.items():
        part, _, key = _IN_TABLE[name].rpartition(".")
        renderable |= {part: {**renderable.get(part, {}), key: value}} if part else {key: value}
    return replace(given, table={**given.table, "Renderable": renderable})


def _bare(part: T) -> T:
    """Without its numbers."""
    return replace(part, numbers=_NOTHING)
