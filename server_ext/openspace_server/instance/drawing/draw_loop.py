"""The draw thread: the only one that touches the engine. Sleeps until there is something to draw, encode or answer."""

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
"""Seconds between drawings of a flight that nobody watches: only so that it goes on and ends in time."""
DEFAULT_RATE = 30
"""Drawings per second at most while nobody receives pictures."""
STALE_AFTER = 0.05
"""Running time or a moving camera is told from a picture no older than this, in seconds."""

T = TypeVar("T")


@dataclass(frozen=True)
class EngineState:
    """What viewers are told of the engine, as of the last drawing or change."""

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


class Audience(Protocol):
    """Who hears the draw thread, on the event loop's thread."""

    def drawn(self) -> None:
        """The first picture was drawn."""

    def encoded(self, frame: EncodedFrame) -> None: ...

    def image_drawn(self, drawn: DrawnFrame) -> None:
        """A frame for those who get images; only while somebody does."""

    def moved(self, load: Load) -> None:
        """Something is moving before somebody's eyes; ``load`` is what the last pictures of that cost."""

    def engine_changed(self, state: EngineState) -> None:
        """Something in ``state`` changed that viewers should know."""

    def ended(self, error: Exception | None) -> None:
        """The draw thread is over and the engine closed; ``error`` is why, None after a stop."""


class Companion(Protocol):
    """What runs beside the engine, step by step with its drawings: scripts, interpolations, recordings."""

    @property
    def busy(self) -> bool:
        """Whether the next step changes the picture."""

    def advance(self, now: float) -> None:
        """One step, before each drawing. Never raises."""


class DrawLoop:
    """Runs an engine on its own thread. All methods may be called from the event loop's thread at any time."""

    def __init__(
        self,
        engine: Engine,
        size: tuple[int, int],
        audience: Audience,
        *,
        stamped: bool,
    ) -> None:
        self.stats = DrawStats()
        self.state: EngineState | None = None
        self._engine = engine
        self._companion: Companion | None = None
        self._size = size
        self._audience = audience
        self._events = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._main, name="draw", daemon=True)
        self._wakeup = threading.Condition()
        self._inbox: list[Callable[[float], None]] = []
        self._stopping = self._woken = False
        # Below: the draw thread's own.
        self._pacing = DrawPacing(DEFAULT_RATE)
        self._layers = Layers(self.stats, stamped=stamped)
        self._meter = LoadMeter()
        self._missed = 0
        self._images = False
        self._flight = FlightWatch()
        self._frame: Frame | None = None
        self._drawn_at = -NEVER
        self._input_seq = self._drawn_seq = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let the thread close the engine and end; :meth:`Audience.ended` tells when."""
        with self._wakeup:
            self._stopping = True
            self._wakeup.notify()

    @property
    def stopping(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopping

    def wake(self) -> None:
        """The engine's picture or state has changed by itself. May be called from any thread."""

        def work(now: float) -> None:
            self._woken = False
            self._pacing.on_change(now)

        with self._wakeup:
            if not self._woken:
                self._woken = True
                self._inbox.append(work)
                self._wakeup.notify()

    def call(
        self, command: Callable[[Engine, float], T], *, fresh: bool = False, changes: bool = False
    ) -> asyncio.Future[T]:
        """Run ``command(engine, now)`` on the draw thread, in the order of calls; its result or exception comes back.

        ``fresh``: first bring time and camera up to date. ``changes``: the picture and the state change by it.
        """
        answer: asyncio.Future[T] = self._events.create_future()

        def run(now: float) -> T:
            try:
                return command(self._engine, now)
            finally:
                if changes:
                    self._changed(now)
                    self._tell_state(always=True)

        def work(now: float) -> None:
            if fresh:
                self._refresh(now)
            self._answer(answer, lambda: run(now))

        self._post(work)
        return answer

    def move(self, motion: Motion, input_seq: int | None = None) -> None:
        """Apply camera motion and draw at once; ``input_seq`` is what the stamp shows from then on."""

        def work(now: float) -> None:
            try:
                self._engine.move(motion, now)
            except Exception:
                log.exception("the engine refused %s", motion)
                return
            if input_seq is not None:
                self._input_seq = input_seq & 0xFFFFFFFF
            if motion.axes:
                self._changed(now)
            else:
                self._changed(now + self._engine.next_change(now))
            self._tell_state()

        self._post(work)

    def fly(self, start: Callable[[Engine, float], None], duration: float) -> asyncio.Future[bool]:
        """Run ``start(engine, now)``, which starts a flight of ``duration`` seconds; True when it arrived."""
        answer: asyncio.Future[bool] = self._events.create_future()

        def tell(arrived: bool) -> None:
            self._answer(answer, lambda: arrived)

        def work(now: float) -> None:
            try:
                start(self._engine, now)
            except Exception as error:
                self._fail(answer, error)
                return
            self._flight.started(now + duration, tell)
            if not self._engine.flying:
                self._flight.ended(arrived=True)
            self._pacing.on_change(now)
            self._tell_state()

        self._post(work)
        return answer

    def grab(self, finish: Callable[[Frame], T]) -> asyncio.Future[T]:
        """Draw at once and hand the frame to ``finish``, on the draw thread."""
        answer: asyncio.Future[T] = self._events.create_future()

        def work(now: float) -> None:
            frame = self._draw(now)
            self._answer(answer, lambda: finish(frame))

        self._post(work)
        return answer

    @property
    def encoder_name(self) -> str:
        """The encoder of the main layer, for people."""
        return self._layers.encoder_name

    def set_layers(self, plan: Mapping[int, LayerSettings], image_rate: int = 0) -> None:
        """Encode these layers from now on, and hand out frames for images at ``image_rate`` per second (0: none)."""

        def work(now: float) -> None:
            before, self._images = self._images, image_rate > 0
            self._layers.configure(plan)
            self._pacing.is_watched = bool(plan) or self._images
            self._pacing.set_rate(max(self._layers.frame_rate, image_rate) or DEFAULT_RATE)
            if self._images and not before:
                self._tell_image()

        self._post(work)

    def use_codec(self, codec: CodecChoice) -> None:
        """Encode with ``codec`` from the next picture on."""
        self._post(lambda now: self._layers.use_codec(codec))

    def accompany(self, companion: Companion) -> None:
        """From now on ``companion`` takes a step before each drawing."""

        def work(now: float) -> None:
            self._companion = companion

        self._post(work)

    def request_key_frame(self, layer: int) -> None:
        """Send a key frame of ``layer`` as soon as the rate limit permits."""
        self._post(lambda now: self._layers.request_key_frame(layer))

    def resize(self, width: int, height: int) -> asyncio.Future[None]:
        """This size from the next drawing on. Done when the engine has taken it."""
        answer: asyncio.Future[None] = self._events.create_future()

        def apply(now: float) -> None:
            if (width, height) != self._size:
                self._engine.resize(width, height)
                self._size = (width, height)
                self._pacing.on_change(now)

        self._post(lambda now: self._answer(answer, lambda: apply(now)))
        return answer

    # -- the draw thread -----------------------------------------------------------------------------------------

    def _main(self) -> None:
        error: Exception | None = None
        try:
            self._engine.on_change(lambda: self._post(self._changed))
            self._engine.open(*self._size)
            self._draw(time.monotonic())
            self._tell(self._audience.drawn)
            while not self._stopping:
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
        self._tell(self._audience.ended, error)

    def _turn(self) -> None:
        with self._wakeup:
            if not self._inbox and not self._stopping:
                pause = self._wake_at() - time.monotonic()
                if pause > 0:
                    self._wakeup.wait(None if pause == NEVER else pause)
            works, self._inbox = self._inbox, []
        for work in works:
            work(time.monotonic())
        now, drawn = time.monotonic(), self.stats.frames_drawn
        if self._pacing.is_due(now) or (self._flight_unwatched() and now >= self._wake_at()):
            self._missed += self._pacing.is_late(now)
            self._draw(now)
        for frame in self._layers.encode(now):
            self._tell(self._audience.encoded, frame)
        if self._pacing.is_watched and self.stats.frames_drawn > drawn:
            self._weigh(now)

    def _weigh(self, now: float) -> None:
        total = Load(now, self.stats.frames_drawn, time.process_time(), self.stats.busy, self._missed)
        if (load := self._meter.on_drawn(total)) is not None:
            self._tell(self._audience.moved, load)

    def _wake_at(self) -> float:
        if not self._flight_unwatched():
            return min(self._pacing.wake_at(), self._layers.wake_at())
        at = self._drawn_at + UNWATCHED_FLIGHT_INTERVAL
        if self._flight.awaited:
            at = min(at, max(self._flight.ends_at, self._drawn_at + self._pacing.interval))
        return at

    def _flight_unwatched(self) -> bool:
        return not self._pacing.is_watched and self._engine.flying

    def _draw(self, now: float) -> Frame:
        started = time.perf_counter()
        if self._companion is not None:
            self._companion.advance(now)
        frame = self._engine.draw(now)
        busy = self._companion is not None and self._companion.busy
        change_at = now if busy else now + self._engine.next_change(now)
        if frame is self._frame:
            self._drawn_at = now
            self._pacing.on_unchanged(change_at)
        else:
            self.stats.on_drawn(now, time.perf_counter() - started)
            self._frame, self._drawn_at, self._drawn_seq = frame, now, self._input_seq
            self._pacing.on_drawn(now, change_at)
            self._layers.on_drawn(frame, self._drawn_seq)
            if self._images:
                self._tell_image()
        if self._flight.awaited and not self._engine.flying:
            self._flight.ended(arrived=True)
        self._tell_state()
        return frame

    def _refresh(self, now: float) -> None:
        engine = self._engine
        runs = not engine.paused and engine.rate != 0
        if (runs or engine.flying or self._pacing.change_at <= now) and now - self._drawn_at > STALE_AFTER:
            self._draw(now)

    def _changed(self, when: float) -> None:
        self._pacing.on_change(when)
        if self._flight.awaited and not self._engine.flying:
            self._flight.ended(arrived=False)

    # -- from the draw thread to the event loop ------------------------------------------------------------------

    def _tell_image(self) -> None:
        if self._frame is not None:
            self._tell(self._audience.image_drawn, DrawnFrame(self._frame, self._drawn_seq, time.monotonic()))

    def _tell_state(self, *, always: bool = False) -> None:
        engine = self._engine
        state = EngineState(engine.time, engine.rate, engine.paused, engine.focus, engine.flying)
        before, self.state = self.state, state
        if always or state.differs(before):
            self._tell(self._audience.engine_changed, state)

    def _answer(self, answer: asyncio.Future[T], value: Callable[[], T]) -> None:
        try:
            result = value()
        except Exception as error:
            self._fail(answer, error)
        else:
            self._tell(lambda: None if answer.done() else answer.set_result(result))

    def _fail(self, answer: asyncio.Future[Any], error: Exception) -> None:
        self._tell(lambda: None if answer.done() else answer.set_exception(error))

    def _tell(self, hear: Callable[..., Any], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop is closed: the process is ending
            self._events.call_soon_threadsafe(hear, *arguments)

    def _post(self, work: Callable[[float], None]) -> None:
        with self._wakeup:
            self._inbox.append(work)
            self._wakeup.notify()
