"""The script host: an engine and all that OpenSpace keeps around its scene, as scripts and API topics see it."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.properties import Property, PropertyTree
from openspace_server.engines.properties.interpolation import Interpolations
from openspace_server.engines.properties.tree import TreeChange
from openspace_server.engines.recording.recorder import Recorder, RecordingState
from openspace_server.engines.scene_engine import SceneEngine
from openspace_server.engines.scripting import library as _library  # noqa: F401  (registers the functions)
from openspace_server.engines.scripting.actions import Actions
from openspace_server.engines.scripting.events import Events
from openspace_server.engines.scripting.logbook import Logbook
from openspace_server.engines.scripting.paths import Paths
from openspace_server.engines.scripting.registry import FUNCTIONS, LuaFunction, missing
from openspace_server.engines.scripting.sandbox import HostFunction, LuaError, Sandbox
from openspace_server.engines.scripting.screenshots import Screenshots
from openspace_server.engines.scripting.standard_properties import ANCHOR, add_standard_properties
from openspace_server.engines.scripting.time_control import TimeControl

log = logging.getLogger(__name__)

MAX_QUEUED_SCRIPTS = 1000
SCRIPTS_PER_STEP = 20


class ScriptHost:
    """Lives on the draw thread, like the engine it wraps; only :attr:`log` may be used from elsewhere.

    Call :meth:`advance` before each drawing.

    Args:
        engine: opened or about to be.
        user: folder for recordings, screenshots and saved states; a temporary one when None.
    """

    def __init__(self, engine: SceneEngine, user: Path | None = None) -> None:
        self.engine = engine
        self.log = Logbook()
        self._own_folder = tempfile.TemporaryDirectory(prefix="openspace-") if user is None else None
        self.paths = Paths(Path(self._own_folder.name) if self._own_folder else user or Path())
        self.actions = Actions()
        self.events = Events(self._trigger_registered)
        self.time = TimeControl(engine)
        self.interpolations = Interpolations()
        self.recorder = Recorder(engine, self.queue_script, self._recording_changed)
        self.screenshots = Screenshots(engine, self.paths)
        self.added: dict[str, dict[str, Any]] = {}
        """The nodes that were added, by identifier: their tables, with tokens such as ${USER} not yet replaced."""
        self.quit_requested = False
        self.has_clients: Callable[[], bool] = lambda: True
        """Whether events have receivers; without any, and while not :attr:`busy`, a step does nothing."""
        self.now = 0.0
        """Wall time of the present step, for functions that a script calls."""
        self.started: float | None = None
        """Wall time of the first step."""
        self._queue: deque[str] = deque()
        self._lua: Sandbox | None = None
        self._focus: str | None = None
        self._flight: tuple[str, str] | None = None
        add_standard_properties(engine, lambda: self.now)
        self.tree.watch(self._tree_changed)

    @property
    def tree(self) -> PropertyTree:
        return self.engine.tree

    @property
    def busy(self) -> bool:
        """Whether the next drawing would differ because of what runs here: keep drawing while this is True."""
        return (
            self.interpolations.running
            or self.time.running
            or bool(self._queue)
            or self.recorder.state in (RecordingState.RECORDING, RecordingState.PLAYING)
        )

    @property
    def mode(self) -> str:
        """As the ``engineMode`` topic names it."""
        if self.recorder.playing:
            return "session_recording_playback"
        return "camera_path" if self.engine.flying else "user_control"

    def close(self) -> None:
        """Free the interpreter and the temporary folder."""
        self._lua = None
        if self._own_folder is not None:
            self._own_folder.cleanup()

    def at(self, now: float) -> ScriptHost:
        """Take ``now`` as the wall time of what comes next."""
        self.now = now
        self.started = now if self.started is None else self.started
        return self

    def advance(self, now: float) -> None:
        """One step: interpolations, smooth time, recording or playback, waiting scripts, and events. Never raises."""
        self.at(now)
        if not self.busy and not self.has_clients():
            return
        for error in self.interpolations.advance(now):
            self.log.warning("PropertyOwner", str(error))
        try:
            self.time.advance(now)
            self.recorder.advance(now)
            self.engine.advance(now)
        except EngineError as error:
            self.log.error("Program", str(error))
            if self.recorder.playing:
                self.recorder.stop_playback()
        for _ in range(min(len(self._queue), SCRIPTS_PER_STEP)):
            self._run_queued(self._queue.popleft())
        self._publish_engine_events()

    # -- scripts -------------------------------------------------------------------------------------------------

    def run_script(self, script: str) -> list[Any]:
        """Run Lua now and return its values. Raises LuaError (also written to the log)."""
        self.recorder.script(script, self.now)
        return self._logged(lambda lua: lua.run(script))

    def call_function(self, name: str, arguments: list[Any]) -> list[Any]:
        """Call one Lua function with Python values. Raises LuaError (also written to the log)."""
        if self.recorder.state == RecordingState.RECORDING:
            self.recorder.script(f"{name}({', '.join(lua_literal(each) for each in arguments)})", self.now)
        return self._logged(lambda lua: lua.invoke(name, arguments))

    def queue_script(self, script: str) -> None:
        """Run Lua at the next step; its values are dropped."""
        if len(self._queue) >= MAX_QUEUED_SCRIPTS:
            self.log.error("ScriptEngine", f"more than {MAX_QUEUED_SCRIPTS} scripts wait; one was dropped")
        else:
            self._queue.append(script)

    def trigger_action(self, identifier: str, arguments: dict[str, Any] | None = None) -> None:
        """Run an action's script at the next step, ``arguments`` being its table ``args``. Raises EngineError."""
        command = self.actions.get(identifier).command
        self.queue_script(f"local args = {lua_literal(arguments or {})}\n{command}")

    # -- properties ----------------------------------------------------------------------------------------------

    def set_property(
        self, uri: str, value: Any, duration: float = 0.0, easing: str = "", postscript: str = ""
    ) -> Property:
        """Set one property, over ``duration`` seconds. Raises PropertyError, EngineError."""
        found = self.tree.get(uri)
        self.change(found, value, duration, easing, postscript)
        return found

    def change(
        self, found: Property, value: Any, duration: float = 0.0, easing: str = "", postscript: str = ""
    ) -> None:
        """Set ``found``, over ``duration`` seconds; ``postscript`` is Lua to run at the end. Raises EngineError."""

        def finished(property: Property) -> None:
            self.events.publish("InterpolationFinished", Property=property.uri)
            if postscript:
                self.queue_script(postscript)

        if duration > 0:
            self.interpolations.start(found, value, duration, self.now, easing, finished)
            return
        self.interpolations.stop(found)
        found.set(value)
        if postscript:
            self.queue_script(postscript)

    # -- inside --------------------------------------------------------------------------------------------------

    def _logged(self, run: Any) -> list[Any]:
        try:
            if self._lua is None:
                self._lua = self._make_lua()
            values: list[Any] = run(self._lua)
        except LuaError as error:
            self.log.error("ScriptEngine", str(error))
            raise
        return values

    def _make_lua(self) -> Sandbox:
        def bound(each: LuaFunction) -> HostFunction:
            return lambda values: each.run(self, values)

        return Sandbox(
            {name: bound(each) for name, each in FUNCTIONS.items()},
            missing=missing,
            on_print=lambda text: self.log.info("print", text),
            on_error=self._function_failed,
        )

    def _function_failed(self, name: str, error: Exception) -> None:
        log.error("%s failed", name, exc_info=error)
        self.log.error("ScriptEngine", f"{name} failed: {error}")

    def _run_queued(self, script: str) -> None:
        with contextlib.suppress(LuaError):  # written to the log already
            self.run_script(script)

    def _trigger_registered(self, action: str, parameters: dict[str, Any]) -> None:
        try:
            self.trigger_action(action, parameters)
        except EngineError as error:
            self.log.error("EventEngine", str(error))

    def _recording_changed(self, state: RecordingState) -> None:
        names = {RecordingState.PLAYING: "Started", RecordingState.PAUSED: "Paused", RecordingState.IDLE: "Finished"}
        if state in names:
            self.events.publish("SessionRecordingPlayback", State=names[state])

    def _tree_changed(self, change: TreeChange) -> None:
        if change.kind == "added":
            self.events.publish("PropertyTreeUpdated", Uri=change.uri)
        elif change.kind == "removed":
            self.events.publish("PropertyTreePruned", Uri=change.uri)
        elif change.kind == "value" and change.uri.endswith(".Renderable.Enabled") and change.property is not None:
            node = change.uri.removesuffix(".Renderable.Enabled").removeprefix("Scene.")
            self.events.publish("RenderableEnabled" if change.property.value else "RenderableDisabled", Node=node)

    def _publish_engine_events(self) -> None:
        """Publish what the engine did by itself."""
        focus = self.engine.focus
        if self._focus is not None and focus != self._focus:
            self.events.publish("FocusNodeChanged", OldNode=self._focus, NewNode=focus)
        if focus != self._focus:
            anchor = self.tree.find(ANCHOR)
            if anchor is not None:
                anchor.update(focus)
        self._focus = focus
        flight = self.engine.flight()
        route = (flight.origin, flight.target) if flight is not None else None
        if route != self._flight:
            if self._flight is not None:
                self.events.publish("CameraPathFinished", Origin=self._flight[0], Destination=self._flight[1])
            if route is not None:
                self.events.publish("CameraPathStarted", Origin=route[0], Destination=route[1])
        self._flight = route


def lua_literal(value: Any, depth: int = 0) -> str:
    """``value`` as Lua source."""
    if depth > 32:
        raise EngineError("a value nested more than 32 deep")
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value).replace("inf", "math.huge").replace("nan", "(0/0)")
    if isinstance(value, str):
        plain = "".join(
            c if c.isprintable() and c not in '"\\' else "".join(f"\\{b:03d}" for b in c.encode("utf-8", "replace"))
            for c in value
        )
        return f'"{plain}"'
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"[{lua_literal(key)}] = {lua_literal(item, depth + 1)}" for key, item in value.items())
            + "}"
        )
    return "{" + ", ".join(lua_literal(item, depth + 1) for item in value) + "}"
