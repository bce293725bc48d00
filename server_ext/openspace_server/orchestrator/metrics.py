"""Prometheus metrics in the default registry, served at the Jupyter server's ``/metrics``. No label names a user."""

from __future__ import annotations

import contextlib
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from datetime import datetime

from prometheus_client import Counter, Gauge, Histogram

from openspace_server.orchestrator.store.database import LogEvent
from openspace_server.orchestrator.store.models import HostRow, HostState
from openspace_server.protocols.sessions import SessionState

STARTS = Counter("openspace_session_starts", "Slots granted to sessions, warm ones and restarts included")
REFUSALS = Counter("openspace_session_refusals", "Sessions refused", ["reason"])
ENDS = Counter("openspace_session_ends", "Sessions ended", ["state"])
CRASHES = Counter("openspace_instance_crashes", "Instances that ended by themselves")
START_TIME = Histogram(
    "openspace_session_start_seconds",
    "From the grant of a slot until the instance runs",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120),
)
SESSIONS = Gauge("openspace_sessions", "Live sessions", ["state"])
HOSTS = Gauge("openspace_hosts", "Render hosts", ["region", "state"])
SLOTS = Gauge("openspace_slots", "Slots of the hosts that answer", ["region", "use"])

INSTANCE = ["session"]
INSTANCE_STAGES = Gauge(
    "openspace_instance_stage_milliseconds", "Median time of one frame, by stage", [*INSTANCE, "stage"]
)
INSTANCE_FIGURES = {
    name: Gauge(f"openspace_instance_{name}", text, INSTANCE)
    for name, text in (
        ("frame_rate", "Frames encoded per second"),
        ("bit_rate", "Bits encoded per second"),
        ("viewers", "Attached viewers, programs included"),
        ("dropped", "Frames dropped for slow viewers, since the start"),
        ("frames_drawn", "Frames drawn since the start"),
        ("frames_encoded", "Frames encoded since the start, all layers"),
        ("frames_sent", "Frames sent to viewers since the start"),
        ("key_frames", "Key frames encoded since the start"),
    )
}
STAGES = ("draw", "encode", "queue", "send")

_allocated: dict[str, datetime] = {}
"""When sessions that have not run yet got their slots."""


def count_event(event: LogEvent) -> None:
    """Count one event of the log."""
    session, at = event.session or "", datetime.fromisoformat(event.at)
    match event.kind:
        case "reserved":
            STARTS.inc()
            _allocated[session] = at
        case "running":
            if session in _allocated:
                START_TIME.observe((at - _allocated.pop(session)).total_seconds())
        case "crashed":
            CRASHES.inc()
        case "stopped" | "failed" | "lost":
            _allocated.pop(session, None)
            ENDS.labels(event.kind).inc()


def set_gauges(sessions: Mapping[str, int], hosts: Sequence[HostRow], busy: Mapping[str, int]) -> None:
    """Set the gauges of sessions, hosts and slots from the database."""
    for state in SessionState:
        if not state.is_ended:
            SESSIONS.labels(state.lower()).set(sessions.get(state, 0))
    HOSTS.clear()
    SLOTS.clear()
    for (region, host_state), number in Tally((host.region, str(host.state)) for host in hosts).items():
        HOSTS.labels(region, host_state).set(number)
    for host in hosts:
        if host.state in (HostState.READY, HostState.DRAINING):
            own = busy.get(host.id, 0)
            SLOTS.labels(host.region, "busy").inc(own)
            SLOTS.labels(host.region, "occupied").inc(host.occupied)
            SLOTS.labels(host.region, "free").inc(max(0, host.slots - own - host.occupied) if not host.drain else 0)


def set_instance(session: str, stats: Mapping[str, object]) -> None:
    """Set the gauges of one instance from the statistics that it reports; all but numbers are ignored."""
    for name, gauge in INSTANCE_FIGURES.items():
        if isinstance(value := stats.get(name), int | float):
            gauge.labels(session).set(value)
    for stage in STAGES:
        if isinstance(value := stats.get(f"{stage}_ms"), int | float):
            INSTANCE_STAGES.labels(session, stage).set(value)


def remove_instance(session: str) -> None:
    """Remove its gauges: it has ended, or another process follows it now."""
    for gauge in INSTANCE_FIGURES.values():
        with contextlib.suppress(KeyError):
            gauge.remove(session)
    for stage in STAGES:
        with contextlib.suppress(KeyError):
            INSTANCE_STAGES.remove(session, stage)
