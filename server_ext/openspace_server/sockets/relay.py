"""Message relay between two WebSockets, one message at a time in each direction.

::

    from openspace_server.sockets.endpoints import RelayHandlerMixin, connect
    from openspace_server.sockets.relay import relay

    upstream = await connect(f"ws://{host}:{port}/bulk")        # the client side
    await upstream.send(Join(...).encode())                     # what must be sent first
    result = await relay(handler.endpoint, upstream)            # handler: a WebSocketHandler with RelayHandlerMixin

Each message is written completely before the next one is read, so a slow reader slows the sender down, and memory
holds at most a few messages per relay. When one endpoint closes, everything it sent is passed on, then the other one
is closed with the same code and reason (1011 "connection lost" when it vanished). ``relay`` returns when both sockets
are gone; cancelling it closes both.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from openspace_server.sockets.endpoints import Endpoint, WebSocketClosedError

SEND_TIMEOUT = 120.0
STALLED_CODE = 1008
GOING_AWAY_CODE = 1001
LAST_MESSAGES_TIMEOUT = 5.0


@dataclass(frozen=True)
class RelayResult:
    """How a relay ended: which side closed first (``"left"`` or ``"right"``), with which code and reason."""

    side: str
    code: int | None
    reason: str | None


async def relay(left: Endpoint, right: Endpoint, *, send_timeout: float = SEND_TIMEOUT) -> RelayResult:
    """Relay until one endpoint closes, then close the other.

    Args:
        send_timeout: seconds that writing one message may take; longer closes both with 1008.
    """
    forth = asyncio.ensure_future(_pump(left, right, send_timeout))
    back = asyncio.ensure_future(_pump(right, left, send_timeout))
    code: int | None = GOING_AWAY_CODE
    reason: str | None = None
    try:
        await asyncio.wait((forth, back), return_when=asyncio.FIRST_COMPLETED)
        first = forth if forth.done() else back
        # A pump ends because its source closed (True) or its sink did (False). In the second case the other pump may
        # still have to deliver messages that the sink sent before it closed, such as the reason.
        if not first.result():
            await asyncio.wait((forth, back), timeout=LAST_MESSAGES_TIMEOUT)
        side = "left" if (first is forth) == first.result() else "right"
        source = left if side == "left" else right
        code, reason = source.close_code, source.close_reason
        if code is None:
            reason = "connection lost"
        return RelayResult(side, code, reason)
    except TimeoutError:
        code, reason = STALLED_CODE, "a message was not received in time"
        return RelayResult("right" if forth.done() else "left", code, reason)
    finally:
        forth.cancel()
        back.cancel()
        await asyncio.gather(forth, back, return_exceptions=True)
        await asyncio.gather(left.close(code, reason), right.close(code, reason))


async def _pump(source: Endpoint, sink: Endpoint, send_timeout: float) -> bool:
    """Pass messages on until ``source`` closes (returns True) or ``sink`` does (returns False)."""
    while (message := await source.receive()) is not None:
        try:
            async with asyncio.timeout(send_timeout):
                await sink.send(message)
        except WebSocketClosedError:
            return False
    return True
