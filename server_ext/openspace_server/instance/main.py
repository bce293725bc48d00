"""Main program of the instance process, from its configuration line to its end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading

import cv2

from openspace_server.engines.base import EngineContext, EngineError
from openspace_server.instance.api.open import SceneApi, open_api
from openspace_server.instance.instance import Instance
from openspace_server.instance.process.engine_registry import make_engine
from openspace_server.instance.process.host_pipe import Configuration, HostPipe
from openspace_server.instance.process.memory import SpareMemory
from openspace_server.instance.process.parent_death import end_with_parent
from openspace_server.instance.streaming.automatic_rate import STEADY_RATE
from openspace_server.instance.transports.server import Server
from openspace_server.protocols.fields import ProtocolError, parse_object, text
from openspace_server.protocols.limits import check_size

log = logging.getLogger(__name__)

END_TIMEOUT = 8.0
"""Seconds that a stop may take before the process is ended by force."""
SWITCH_INTERVAL = 0.001
"""Seconds after which a thread yields the interpreter: input must not wait for Python code of the engine."""


def main() -> int:
    """Run until stopped; the exit code: 0 after a stop, 1 after a ``failed`` event."""
    host = HostPipe()
    logging.basicConfig(
        level=os.environ.get("OPENSPACE_LOG", "INFO"), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("aioice").setLevel(logging.WARNING)
    end_with_parent()
    try:
        line = host.read_line()
        if line is None:
            return 0
        return asyncio.run(_run(Configuration.decode(line), host))
    except (EngineError, ProtocolError) as problem:
        log.error("%s", problem)
        host.send("failed", reason=str(problem))
    except Exception as problem:
        log.exception("the instance failed")
        host.send("failed", reason=f"{type(problem).__name__}: {problem}".splitlines()[0])
    return 1


async def _run(configuration: Configuration, host: HostPipe) -> int:
    cv2.setNumThreads(1)
    sys.setswitchinterval(SWITCH_INTERVAL)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)

    engine = make_engine(configuration.engine)
    instance = Instance(
        configuration,
        engine,
        on_resize=lambda width, height: host.send("resolution", width=width, height=height),
        on_viewers=lambda count: host.send("viewers", count=count),
    )
    engine.attach(
        EngineContext(
            configuration.id,
            configuration.api_port,
            configuration.api_tcp_port,
            configuration.frame_rate or STEADY_RATE,
            on_changed=instance.draw_loop.wake,
            on_progress=lambda text: host.send("progress", reason=text),
            is_ending=lambda: stop.is_set() or instance.draw_loop.is_stopping,
        )
    )
    api: SceneApi | None = None
    server = Server(instance, configuration.session, configuration.secret)
    host.send("listening", port=server.port)
    commands = Commands(instance, stop)
    host.listen(
        on_line=lambda line: _threadsafe(loop, commands.receive, line),
        on_closed=lambda: _threadsafe(loop, stop.set),
    )
    instance.start()
    ticking = asyncio.create_task(_tick(instance, server))
    probing: asyncio.Task[None] | None = None
    try:
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((instance.ready, instance.closed, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set() and not instance.closed.done():
            await instance.ready
            host.send("running")
            opening = asyncio.create_task(open_api(instance, engine, configuration))
            await asyncio.wait((opening, instance.closed, stopped), return_when=asyncio.FIRST_COMPLETED)
            if opening.done():
                api = opening.result()
                host.send("api", port=api.port if api is not None else engine.api_port or 0)
            opening.cancel()
            # What is loaded now stays: collecting garbage among it would delay frames by tens of milliseconds.
            gc.freeze()
            probing = asyncio.create_task(instance.find_encoder())
            await asyncio.wait((instance.closed, stopped, ticking), return_when=asyncio.FIRST_COMPLETED)
        if ticking.done():
            ticking.result()
        if instance.closed.done() and (error := instance.closed.result()) is not None:
            raise error
    finally:
        stopped.cancel()
        ticking.cancel()
        if probing is not None:
            probing.cancel()
        _end_by_force_later()
        await server.close()
        if api is not None:
            await api.close()
        instance.draw_loop.stop()
        await instance.closed
        if api is not None:
            api.script_host.close()
        if instance.ready.done():
            instance.ready.exception()
    return 0


async def _tick(instance: Instance, server: Server) -> None:
    spare = SpareMemory()
    while True:
        await asyncio.sleep(1)
        instance.tick()
        await server.check_alive()
        await spare.update(len(instance.viewers))


class Commands:
    """Commands of the host while the instance runs. A wrong line is logged and changes nothing."""

    def __init__(self, instance: Instance, stop: asyncio.Event) -> None:
        self._instance = instance
        self._stop = stop
        self._tasks: set[asyncio.Task[None]] = set()

    def receive(self, line: bytes) -> None:
        task = asyncio.create_task(self._run(line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, line: bytes) -> None:
        try:
            message = parse_object(line)
            match text(message, "command"):
                case "STOP":
                    self._stop.set()
                case "RESOLUTION":
                    width, height = check_size(message)
                    await self._instance.change_settings(
                        lambda settings: settings.sized(width, height, follow=False), by_host=True
                    )
                case other:
                    raise ProtocolError(f"command: expected STOP or RESOLUTION, got {other}")
        except (ProtocolError, EngineError) as problem:
            log.warning("host command refused: %s", problem)


def _threadsafe(loop: asyncio.AbstractEventLoop, call: object, *arguments: object) -> None:
    loop.call_soon_threadsafe(call, *arguments)  # type: ignore[arg-type]


def _end_by_force_later() -> None:
    """End the process even if an engine or a library hangs."""
    timer = threading.Timer(END_TIMEOUT, os._exit, (1,))
    timer.daemon = True
    timer.start()
