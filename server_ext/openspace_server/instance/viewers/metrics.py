"""Figures of an instance: the ``stats`` message, and Prometheus text."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from openspace_server.instance.viewers.instance_access import InstanceAccess
from openspace_server.instance.viewers.viewer import Viewer

TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def stats_message(instance: InstanceAccess) -> dict[str, Any]:
    """What is drawn, encoded, queued and sent, over the last second, and of each viewer. Times in milliseconds."""
    each = [_figures(viewer) for viewer in instance.viewers]
    watching = [figures for figures in each if "queue_ms" in figures]
    return {
        "type": "stats",
        **instance.draw_loop.stats.message(time.monotonic()),
        "queue_ms": _median(figures["queue_ms"] for figures in watching),
        "send_ms": _median(figures["send_ms"] for figures in watching),
        "frames_sent": instance.director.send_totals.sent,
        "dropped": instance.director.send_totals.dropped,
        "encoder": instance.draw_loop.encoder_name,
        "targets": {
            str(layer): {"bit_rate": settings.bit_rate, "frame_rate": settings.frame_rate, "scale": settings.scale}
            for layer, settings in instance.director.layers.items()
        },
        "viewers": len(each),
        "each": each,
    }


def prometheus(instance: InstanceAccess) -> str:
    """The instance's figures in Prometheus' text format."""
    stats = stats_message(instance)
    transports = Counter(figures["transport"] for figures in stats["each"])
    lines = [
        *_metric("info", "gauge", "What this instance is.", ({"encoder": stats["encoder"]}, 1)),
        *_metric("frames_drawn_total", "counter", "Frames that the engine drew.", ({}, stats["frames_drawn"])),
        *_metric("frames_encoded_total", "counter", "Frames encoded, all layers.", ({}, stats["frames_encoded"])),
        *_metric("frames_sent_total", "counter", "Frames sent to viewers.", ({}, stats["frames_sent"])),
        *_metric("key_frames_total", "counter", "Key frames among the encoded.", ({}, stats["key_frames"])),
        *_metric("encoded_bytes_total", "counter", "Bytes encoded, all layers.", ({}, stats["bytes_encoded"])),
        *_metric("pictures_dropped_total", "counter", "Frames dropped for slow viewers.", ({}, stats["dropped"])),
        *_metric(
            "stage_milliseconds",
            "gauge",
            "Median over the last second, by stage.",
            *(({"stage": stage}, stats[f"{stage}_ms"]) for stage in ("draw", "encode", "queue", "send")),
        ),
        *_metric(
            "stream_frame_rate",
            "gauge",
            "Frames per second of each layer.",
            *(({"rung": str(layer["rung"])}, layer["frame_rate"]) for layer in stats["rungs"]),
        ),
        *_metric(
            "stream_bit_rate",
            "gauge",
            "Bits per second of each layer.",
            *(({"rung": str(layer["rung"])}, layer["bit_rate"]) for layer in stats["rungs"]),
        ),
        *_metric(
            "viewers",
            "gauge",
            "Viewers, by transport.",
            *(({"transport": transport}, count) for transport, count in sorted(transports.items())),
        ),
        *_metric("cpu_seconds_total", "counter", "Processor time used.", ({}, round(time.process_time(), 3))),
        *_metric("tasks", "gauge", "Tasks on the event loop.", ({}, len(asyncio.all_tasks()))),
        *_metric("memory_bytes", "gauge", "Resident memory.", ({}, _resident_bytes())),
    ]
    return "\n".join(lines) + "\n"


def _figures(viewer: Viewer) -> dict[str, Any]:
    transport, report = viewer.transport, viewer.report
    figures: dict[str, Any] = {
        "viewer": viewer.name,
        "role": viewer.role,
        "owner": viewer.is_owner,
        "steers": viewer.is_steering,
        "transport": transport.transport_name,
        "rung": transport.frame_queue.layer if transport.frame_queue is not None else None,
    }
    if transport.send_stats is not None:
        figures |= transport.send_stats.message()
    if transport.round_trip is not None:
        figures["round_trip_ms"] = round(transport.round_trip * 1e3, 1)
    if report is not None:
        figures["report"] = asdict(report)
    return figures


def _median(values: Iterator[float]) -> float:
    known = list(values)
    return round(statistics.median(known), 2) if known else 0.0


def _metric(name: str, kind: str, help: str, *samples: tuple[dict[str, str], float]) -> Iterator[str]:
    name = f"openspace_instance_{name}"
    yield f"# HELP {name} {help}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _resident_bytes() -> int:
    """0 on other systems than Linux."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
