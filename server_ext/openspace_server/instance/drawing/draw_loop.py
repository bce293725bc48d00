"""The draw loop: the only thread that uses the engine. Sleeps until a frame or a command is due."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from openspace_server.engines.base import Engine, EngineError, Frame, Motion
from openspace_server.instance.drawing.flight_watch import FlightWatch
from openspace_server.instance.streaming.automatic_rate import Load, LoadMeter
from openspace_server.instance.streaming.codecs import CodecChoice
from openspace_server.instance.streaming.encoder import EncodedFrame
from openspace_server.instance.streaming.images import DrawnFrame
from openspace_server.instance.streaming.layers import Layers, LayerSettings
from openspace_server.instance.streaming.pacing import NEVER, DrawPacing
from openspace_server.instance.streaming.stats import DrawStats

log = logging.getLogger(__name__)

UNWATCHED_FLIGHT_INTERVAL = 0.25
"""Seconds between drawings of a flight without viewers, so that it advances and ends in time."""
DEFAULT_RATE = 30
"""Drawings per second at most while no viewer receives frames."""
STALE_AFTER = 0.05
"""Maximum age, in seconds, of the frame from which running time and a moving camera are read."""

T = TypeVar("T")


@dataclass(frozen=True)
class EngineState:
    """The engine's state as sent to viewers, as of the last drawing or change."""

    time: str
    rate: float
    paused: bool
    focus: str
    flying: bool

    def differs(self, other: EngineState | None) -> bool:
        """Whether anything but the time differs."""
        return other is None or (self.rate, self.paused, self.focus, self.flying) != (
            other.rate,
            other.paused,
            other.focus,
            other.flying,
        )


class FrameListener(Protocol):
    """Receives frames, on the event loop's thread: the director."""

    def on_encoded(self, frame: EncodedFrame, /) -> None: ...

    def on_image(self, frame: DrawnFrame, /) -> None:
        """A drawn frame for viewers that get images; only while there are any."""

    def on_load(self, load: Load, /) -> None:
        """Something moves while it is watched; ``load`` is the cost of the last frames of that motion."""


class EngineListener(Protocol):
    """Receives changes of the engine, on the event loop's thread: the instance."""

    def on_first_frame(self) -> None: ...

    def on_engine_state(self, state: EngineState) -> None:
        """Something in ``state`` changed that viewers should know."""

    def on_draw_loop_closed(self, error: Exception | None) -> None:
        """The draw thread has ended and the engine is closed; ``error`` is the reason, None after a stop."""


class SceneUpdater(Protocol):
    """Advances in step with the drawings: scripts, interpolations, recordings."""

    @property
    def busy(self) -> bool:
        """Whether the next step changes the view."""

    def advance(self, now: float) -> None:
        """One step, before each drawing. Never raises."""


class DrawLoop:
    """Runs an engine on its own thread. All methods may be called from the event loop's thread at any time."""

    def __init__(
        self,
        engine: Engine,
        size: tuple[int, int],
        *,
        stamped: bool,
    ) -> None:
        self.stats = DrawStats()
        self.state: EngineState | None = None
        self._engine = engine
        self._updater: SceneUpdater | None = None
        self._size = size
        self._loop = asyncio.get_running_loop()
        self._frames: FrameListener
        self._states: EngineListener
        self._wakeup = threading.Condition()
        self._inbox: list[Callable[[float], None]] = []
        self._is_stopping = self._is_woken = False
        # Below: used by the draw thread only.
        self._pacing = DrawPacing(DEFAULT_RATE)
        self._layers = Layers(self.stats, stamped=stamped)
        self._meter = LoadMeter()
        self._missed = 0
        self._has_images = False
        self._flight = FlightWatch()
        self._frame: Frame | None = None
        self._drawn_at = -NEVER
        self._input_seq = self._drawn_seq = 0

    def start(self, frames: FrameListener, engine: EngineListener) -> None:
        """Open the engine and draw, on a thread of its own. The listeners are called on the event loop's thread."""
        self._frames, self._states = frames, engine
        threading.Thread(target=self._main, name="draw", daemon=True).start()

    def stop(self) -> None:
        """Let the thread close the engine and end, which :meth:`EngineListener.on_draw_loop_closed` reports."""
        with self._wakeup:
            self._is_stopping = True
            self._wakeup.notify()

    @property
    def is_stopping(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._is_stopping

    def wake(self) -> None:
        """The engine's view or state has changed by itself. May be called from any thread."""

        def work(now: float) -> None:
            self._is_woken = False
            self._pacing.on_change(now)

        with self._wakeup:
            if not self._is_woken:
                self._is_woken = True
                self._inbox.append(work)
                self._wakeup.notify()

    def call(
        self, command: Callable[[Engine, float], T], *, fresh: bool = False, changes: bool = False
    ) -> asyncio.Future[T]:
        """Run ``command(engine, now)`` on the draw thread, in the order of calls; a future of its result.

        ``fresh``: first bring time and camera up to date. ``changes``: the view and the state change by it.
        """
        done: asyncio.Future[T] = self._loop.create_future()

        def run(now: float) -> T:
            try:
                return command(self._engine, now)
            finally:
                if changes:
                    self._on_change(now)
                    self._report_state(always=True)

        def work(now: float) -> None:
            if fresh:
                self._refresh(now)
            self._resolve(done, lambda: run(now))

        self._post(work)
        return done

    def move(self, motion: Motion, input_seq: int | None = None) -> None:
        """Apply camera motion and draw at once; ``input_seq`` is in the stamp from then on."""

        def work(now: float) -> None:
            try:
                self._engine.move(motion, now)
            except Exception:
                log.exception("the engine refused %s", motion)
                return
            if input_seq is not None:
                self._input_seq = input_seq & 0xFFFFFFFF
            if motion.axes:
                self._on_change(now)
            else:
                self._on_change(now + self._engine.next_change(now))
            self._report_state()

        self._post(work)

    def fly(self, start: Callable[[Engine, float], None], duration: float) -> asyncio.Future[bool]:
        """Run ``start(engine, now)``, which starts a flight of ``duration`` seconds; True when it has arrived."""
        done: asyncio.Future[bool] = self._loop.create_future()

        def on_end(has_arrived: bool) -> None:
            self._resolve(done, lambda: has_arrived)

        def work(now: float) -> None:
            try:
                start(self._engine, now)
            except Exception as error:
                self._fail(done, error)
                return
            self._flight.start(now + duration, on_end)
            if not self._engine.flying:
                self._flight.end(has_arrived=True)
            self._pacing.on_change(now)
            self._report_state()

        self._post(work)
        return done

    def grab(self, finish: Callable[[Frame], T]) -> asyncio.Future[T]:
        """Draw at once and pass the frame to ``finish``, on the draw thread."""
        done: asyncio.Future[T] = self._loop.create_future()

        def work(now: float) -> None:
            frame = self._draw(now)
            self._resolve(done, lambda: finish(frame))

        self._post(work)
        return done

    @property
    def encoder_name(self) -> str:
        """The encoder of the main layer, for people."""
        return self._layers.encoder_name

    def set_layers(self, plan: Mapping[int, LayerSettings], image_rate: int = 0) -> None:
        """Encode these layers from now on, and hand out frames for images at ``image_rate`` per second (0: none)."""

        def work(now: float) -> None:
            had_images, self._has_images = self._has_images, image_rate > 0
            self._layers.configure(plan)
            self._pacing.is_watched = bool(plan) or self._has_images
            self._pacing.set_rate(max(self._layers.frame_rate, image_rate) or DEFAULT_RATE)
            if self._has_images and not had_images:
                self._report_image()

        self._post(work)

    def use_codec(self, codec: CodecChoice) -> None:
        """Encode with ``codec`` from the next frame on."""
        self._post(lambda now: self._layers.use_codec(codec))

    def set_updater(self, updater: SceneUpdater) -> None:
        """From now on ``updater`` advances before each drawing."""

        def work(now: float) -> None:
            self._updater = updater

        self._post(work)

    def request_key_frame(self, layer: int) -> None:
        """Send a key frame of ``layer`` as soon as the rate limit permits."""
        self._post(lambda now: self._layers.request_key_frame(layer))

    def resize(self, width: int, height: int) -> asyncio.Future[None]:
        """This size from the next drawing on. Done when the engine has accepted it."""
        done: asyncio.Future[None] = self._loop.create_future()

        def apply(now: float) -> None:
            if (width, height) != self._size:
                self._engine.resize(width, height)
                self._size = (width, height)
                self._pacing.on_change(now)

        self._post(lambda now: self._resolve(done, lambda: apply(now)))
        return done

    # -- the draw thread -----------------------------------------------------------------------------------------

    def _main(self) -> None:
        error: Exception | None = None
        try:
            self._engine.on_change(lambda: self._post(self._on_change))
            self._engine.open(*self._size)
            self._draw(time.monotonic())
            self._call_soon(self._states.on_first_frame)
            while not self._is_stopping:
                self._turn()
        except Exception as problem:
            error = problem
            if not isinstance(problem, EngineError):
                log.exception("the draw thread failed")
        try:
            self._engine.close()
        except Exception:
            log.exception("closing the engine failed")
        self._layers.close()
        self._call_soon(self._states.on_draw_loop_closed, error)

    def _turn(self) -> None:
        with self._wakeup:
            if not self._inbox and not self._is_stopping:
                pause = self._wake_at() - time.monotonic()
                if pause > 0:
                    self._wakeup.wait(None if pause == NEVER else pause)
            works, self._inbox = self._inbox, []
        for work in works:
            work(time.monotonic())
        now, drawn = time.monotonic(), self.stats.frames_drawn
        if self._pacing.is_due(now) or (self._is_flight_unwatched() and now >= self._wake_at()):
            self._missed += self._pacing.is_late(now)
            self._draw(now)
        for frame in self._layers.encode(now):
            self._call_soon(self._frames.on_encoded, frame)
        if self._pacing.is_watched and self.stats.frames_drawn > drawn:
            self._measure_load(now)

    def _measure_load(self, now: float) -> None:
        total = Load(now, self.stats.frames_drawn, time.process_time(), self.stats.busy, self._missed)
        if (load := self._meter.on_drawn(total)) is not None:
            self._call_soon(self._frames.on_load, load)

    def _wake_at(self) -> float:
        if not self._is_flight_unwatched():
            return min(self._pacing.wake_at(), self._layers.wake_at())
        at = self._drawn_at + UNWATCHED_FLIGHT_INTERVAL
        if self._flight.is_awaited:
            at = min(at, max(self._flight.ends_at, self._drawn_at + self._pacing.interval))
        return at

    def _is_flight_unwatched(self) -> bool:
        return not self._pacing.is_watched and self._engine.flying

    def _draw(self, now: float) -> Frame:
        started = time.perf_counter()
        if self._updater is not None:
            self._updater.advance(now)
        frame = self._engine.draw(now)
        is_busy = self._updater is not None and self._updater.busy
        change_at = now if is_busy else now + self._engine.next_change(now)
        if frame is self._frame:
            self._drawn_at = now
            self._pacing.on_unchanged(change_at)
        else:
            self.stats.on_drawn(now, time.perf_counter() - started)
            self._frame, self._drawn_at, self._drawn_seq = frame, now, self._input_seq
            self._pacing.on_drawn(now, change_at)
            self._layers.on_drawn(frame, self._drawn_seq)
            if self._has_images:
                self._report_image()
        if self._flight.is_awaited and not self._engine.flying:
            self._flight.end(has_arrived=True)
        self._report_state()
        return frame

    def _refresh(self, now: float) -> None:
        engine = self._engine
        is_running = not engine.paused and engine.rate != 0
        if (is_running or engine.flying or self._pacing.change_at <= now) and now - self._drawn_at > STALE_AFTER:
            self._draw(now)

    def _on_change(self, when: float) -> None:
        self._pacing.on_change(when)
        if self._flight.is_awaited and not self._engine.flying:
            self._flight.end(has_arrived=False)

    # -- from the draw thread to the event loop ------------------------------------------------------------------

    def _report_image(self) -> None:
        if self._frame is not None:
            self._call_soon(self._frames.on_image, DrawnFrame(self._frame, self._drawn_seq, time.monotonic()))

    def _report_state(self, *, always: bool = False) -> None:
        engine = self._engine
        state = EngineState(engine.time, engine.rate, engine.paused, engine.focus, engine.flying)
        before, self.state = self.state, state
        if always or state.differs(before):
            self._call_soon(self._states.on_engine_state, state)

    def _resolve(self, done: asyncio.Future[T], compute: Callable[[], T]) -> None:
        try:
            result = compute()
        except Exception as error:
            self._fail(done, error)
        else:
            self._call_soon(lambda: None if done.done() else done.set_result(result))

    def _fail(self, done: asyncio.Future[Any], error: Exception) -> None:
        self._call_soon(lambda: None if done.done() else done.set_exception(error))

    def _call_soon(self, callback: Callable[..., Any], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop is closed: the process is ending
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _post(self, work: Callable[[float], None]) -> None:
        with self._wakeup:
            self._inbox.append(work)
            self._wakeup.notify()
