"""Relay messages between two WebSockets, both ways, one message at a time each way.

::

    from openspace_server.sockets.ends import RelayHandlerMixin, connect
    from openspace_server.sockets.relay import relay

    upstream = await connect(f"ws://{host}:{port}/bulk")       # tornado client side
    await upstream.send(Join(...).encode())                    # whatever must be said first
    ended = await relay(handler.end, upstream)                 # handler: a WebSocketHandler with RelayHandlerMixin

Each message is written out completely before the next one is read, so a slow reader slows the sender and memory
holds at most a few messages per relay. When one end closes, everything it sent is passed on, then the other end is
closed with the same code and reason (1011 "connection lost" when it vanished). ``relay`` returns when both sockets
are gone; cancelling it closes both.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from openspace_server.sockets.ends import End, WebSocketClosedError

SEND_TIMEOUT = 120.0
STALLED_CODE = 1008
GOING_AWAY_CODE = 1001
LAST_WORDS_TIMEOUT = 5.0


@dataclass(frozen=True)
class Ended:
    """How a relay ended: which side closed first (``"left"`` or ``"right"``), with which code and reason."""

    side: str
    code: int | None
    reason: str | None


async def relay(left: End, right: End, *, send_timeout: float = SEND_TIMEOUT) -> Ended:
    """Relay until one end closes, then close the other.

    Args:
        send_timeout: seconds one message may take to be taken by the receiving end; longer closes both with 1008.
    """
    forth = asyncio.ensure_future(_pump(left, right, send_timeout))
    back = asyncio.ensure_future(_pump(right, left, send_timeout))
    code: int | None = GOING_AWAY_CODE
    reason: str | None = None
    try:
        await asyncio.wait((forth, back), return_when=asyncio.FIRST_COMPLETED)
        first = forth if forth.done() else back
        # A pump ends because its source closed (True) or because its sink did (False); in the second case the sink
        # may have said why before it closed, and the other pump is still to deliver that.
        if not first.result():
            await asyncio.wait((forth, back), timeout=LAST_WORDS_TIMEOUT)
        side = "left" if (first is forth) == first.result() else "right"
        source = left if side == "left" else right
        code, reason = source.close_code, source.close_reason
        if code is None:
            reason = "connection lost"
        return Ended(side, code, reason)
    except TimeoutError:
        code, reason = STALLED_CODE, "a message was not taken in time"
        return Ended("right" if forth.done() else "left", code, reason)
    finally:
        forth.cancel()
        back.cancel()
        await asyncio.gather(forth, back, return_exceptions=True)
        await asyncio.gather(left.close(code, reason), right.close(code, reason))


async def _pump(source: End, sink: End, send_timeout: float) -> bool:
    """Pass messages on until ``source`` closes (returns True) or ``sink`` does (returns False)."""
    while (message := await source.receive()) is not None:
        try:
            async with asyncio.timeout(send_timeout):
                await sink.send(message)
        except WebSocketClosedError:
            return False
    return True
