"""Prometheus metrics in the default registry, which the Jupyter server's ``/metrics`` shows. No label names a user."""

from __future__ import annotations

import contextlib
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from datetime import datetime

from prometheus_client import Counter, Gauge, Histogram

from openspace_server.orchestrator.store.database import Happening
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
    "openspace_instance_stage_milliseconds", "Median of one picture, by stage", [*INSTANCE, "stage"]
)
INSTANCE_FIGURES = {
    name: Gauge(f"openspace_instance_{name}", text, INSTANCE)
    for name, text in (
        ("frame_rate", "Pictures encoded per second"),
        ("bit_rate", "Bits encoded per second"),
        ("viewers", "Who watches and steers, programs included"),
        ("dropped", "Pictures dropped for viewers that could not follow, since the start"),
        ("frames_drawn", "Frames drawn since the start"),
        ("key_frames", "Key frames among the pictures encoded since the start"),
    )
}
STAGES = ("draw", "encode", "queue", "send")

_granted: dict[str, datetime] = {}


def note(happening: Happening) -> None:
    """Count one event of the log."""
    session, at = happening.session or "", datetime.fromisoformat(happening.at)
    match happening.kind:
        case "reserved":
            STARTS.inc()
            _granted[session] = at
        case "running":
            if session in _granted:
                START_TIME.observe((at - _granted.pop(session)).total_seconds())
        case "crashed":
            CRASHES.inc()
        case "stopped" | "failed" | "lost":
            _granted.pop(session, None)
            ENDS.labels(happening.kind).inc()


def count(sessions: Mapping[str, int], hosts: Sequence[HostRow], busy: Mapping[str, int]) -> None:
    """Set the gauges to what the database says."""
    for state in SessionState:
        if not state.ended:
            SESSIONS.labels(state.lower()).set(sessions.get(state, 0))
    HOSTS.clear()
    SLOTS.clear()
    for (region, kind), number in Tally((host.region, str(host.state)) for host in hosts).items():
        HOSTS.labels(region, kind).set(number)
    for host in hosts:
        if host.state in (HostState.READY, HostState.DRAINING):
            held = busy.get(host.id, 0)
            SLOTS.labels(host.region, "busy").inc(held)
            SLOTS.labels(host.region, "occupied").inc(host.occupied)
            SLOTS.labels(host.region, "free").inc(max(0, host.slots - held - host.occupied) if not host.drain else 0)


def show(session: str, stats: Mapping[str, object]) -> None:
    """Set the gauges of one instance to what it told of itself; anything but numbers is left out."""
    for name, gauge in INSTANCE_FIGURES.items():
        if isinstance(value := stats.get(name), int | float):
            gauge.labels(session).set(value)
    for stage in STAGES:
        if isinstance(value := stats.get(f"{stage}_ms"), int | float):
            INSTANCE_STAGES.labels(session, stage).set(value)


def hide(session: str) -> None:
    """It has ended, or another process follows it now."""
    for gauge in INSTANCE_FIGURES.values():
        with contextlib.suppress(KeyError):
            gauge.remove(session)
    for stage in STAGES:
        with contextlib.suppress(KeyError):
            INSTANCE_STAGES.remove(session, stage)
