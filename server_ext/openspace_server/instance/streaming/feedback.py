"""Hears what a viewer's browser asks by RTCP: key frames (PLI, FIR), and packets again (NACK) within a budget.

aiortc keeps both to itself: a track of ready-made packets never hears of a PLI, and every packet asked for is sent
again at once, which keeps a road full for seconds after it became narrow (measured in Chromium, 4 to 0.5 Mbit/s: no
picture for 4.6 s). So two methods of this one sender are replaced by ours, if they look as they did when this was
written; if not, nothing is touched, a warning is logged, and the viewer's reports have to do.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable
from typing import Any

from openspace_server.instance.budget import Budget

log = logging.getLogger(__name__)

SHARE = 0.2
"""Of the video's bit rate, for packets sent again."""
PACKET_BITS = 1200 * 8
LEAST = 8.0
"""Packets per second that may be sent again, however low the bit rate."""
SECONDS_AT_ONCE = 0.3


def listen(sender: Any, key_wanted: Callable[[], None], bit_rate: Callable[[], int]) -> bool:
    """Call ``key_wanted`` at each PLI or FIR and hold resending within a share of ``bit_rate()``, in bit/s.

    False, with a warning, if this aiortc is not the one known here.
    """
    again, key = getattr(sender, "_retransmit", None), getattr(sender, "_send_keyframe", None)
    if (
        not inspect.iscoroutinefunction(again)
        or list(inspect.signature(again).parameters) != ["sequence_number"]
        or not inspect.ismethod(key)
        or inspect.signature(key).parameters
    ):
        log.warning("aiortc has changed: a browser's own requests for key frames are not heard")
        return False
    budgets: dict[int, Budget] = {}

    async def within_budget(sequence_number: int) -> None:
        rate = bit_rate()
        if rate not in budgets:
            budgets.clear()
            packets = max(LEAST, rate * SHARE / PACKET_BITS)
            budgets[rate] = Budget(packets, max(LEAST, packets * SECONDS_AT_ONCE))
        if budgets[rate].allows(time.monotonic()):
            await again(sequence_number)

    sender._retransmit = within_budget
    sender._send_keyframe = key_wanted
    return True
