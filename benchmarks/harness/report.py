"""What every benchmark prints and writes: a table for people, JSON for machines, and what the machine was."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"
_folder = RESULTS


def machine() -> dict[str, Any]:
    """Processor, cores and versions: a figure means little without them."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def keep_apart(name: str) -> None:
    """Write the figures of this process into that folder of the results."""
    global _folder
    _folder = RESULTS / name


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which ``percent`` of ``values`` lie, nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


def publish(
    name: str,
    rows: Sequence[tuple[str, ...]],
    figures: dict[str, Any],
    headings: tuple[str, ...] = ("what", "measured", "bound"),
) -> None:
    """Print ``rows`` below ``headings`` as a Markdown table and write ``figures`` to <name>.json in the results."""
    widths = [max(len(row[i]) for row in [*rows, headings]) for i in range(len(headings))]
    told = machine()
    load = f"{told['load']:.1f}" if told["load"] is not None else "unknown"
    print(f"\n{told['processor']}, {told['cores']} cores, load now {load}, Python {told['python']}\n")
    for row in [headings, tuple("-" * w for w in widths), *rows]:
        print("| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |")
    _folder.mkdir(parents=True, exist_ok=True)
    path = _folder / f"{name}.json"
    path.write_text(json.dumps({"machine": told, **figures}, indent=2))
    print(f"\nwritten to {path}")
