"""Input of one viewer: running totals of its pointer and keys, converted to camera motion."""

from __future__ import annotations

from openspace_server.engines.base import Motion
from openspace_server.protocols.viewer import InputTotals

MAX_STEP = 10.0
"""A single message moves an axis no further than this, in the axis' own unit."""


class ViewerInput:
    """Converts totals to differences. The last sequence number wins, so late and repeated messages change nothing."""

    def __init__(self) -> None:
        self._seq = -1
        self._totals: dict[str, float] = {}
        self._is_held = False

    def motion(self, totals: InputTotals) -> Motion | None:
        """What ``totals`` adds to what was already applied; None for a stale message and for one that adds nothing."""
        if totals.seq <= self._seq:
            return None
        self._seq = totals.seq
        axes: dict[str, float] = {}
        for axis, total in totals.axes.items():
            step = total - self._totals.get(axis, 0.0)
            self._totals[axis] = total
            if step:
                axes[axis] = max(-MAX_STEP, min(MAX_STEP, step))
        if not axes and totals.is_held == self._is_held:
            return None
        self._is_held = totals.is_held
        return Motion(axes, totals.is_held)

    def release(self) -> Motion | None:
        """The motion that releases what this viewer still holds; None if it holds nothing."""
        if not self._is_held:
            return None
        self._is_held = False
        return Motion({}, is_held=False)
