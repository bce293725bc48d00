"""Fan-out of encoded frames: one short queue per viewer, so that a slow one does not affect the others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from openspace_server.instance.streaming.encoder import EncodedFrame
from openspace_server.instance.streaming.key_requests import KeyRequests
from openspace_server.instance.streaming.layers import MAIN
from openspace_server.instance.streaming.send_stats import SendStats, SendTotals

QUEUE_LENGTH = 8


class FrameQueue:
    """Frames queued for one viewer: at most :data:`QUEUE_LENGTH`, the first one a key frame.

    When it is full, all of them are dropped and none enters until the next key frame, because a frame is useless
    without those before it. It changes to another layer at that layer's next key frame.

    Attributes:
        layer: the layer that it gets.
        next_layer: the layer that it is to get.
        playout_delay: seconds for which the viewer should delay frames, so that lost packets arrive in time.
        is_stalled: the viewer receives nothing now, so a key frame would be wasted on it.
    """

    def __init__(self, request_key_frame: Callable[[int], None], totals: SendTotals | None = None) -> None:
        self.stats = SendStats(totals)
        self.layer = self.next_layer = MAIN
        self.overflows = 0
        self.is_stalled = False
        self.playout_delay = 0.0
        self.key_requests = KeyRequests(lambda: request_key_frame(self.next_layer))
        self._frames: deque[EncodedFrame] = deque()
        self._arrived = asyncio.Event()
        self._is_decodable = False
        self._last_pts = -1

    def put(self, frame: EncodedFrame) -> bool:
        """Add ``frame`` if it is of this queue's layer; True if the queue has changed to its layer with it."""
        has_changed = frame.layer == self.next_layer != self.layer and frame.is_key
        if has_changed:
            self.layer = frame.layer
        if frame.layer != self.layer:
            return False
        if frame.is_key:
            self._drop()
            self._is_decodable = True
            self.key_requests.cancel()
        elif self._is_decodable and len(self._frames) >= QUEUE_LENGTH:
            self._drop()
            self._is_decodable = False
            self.overflows += 1
        if not self._is_decodable:
            self.stats.on_dropped()
            if not self.is_stalled:
                self.key_requests.request()
            return has_changed
        if frame.pts <= self._last_pts:  # only after a change of layers
            frame = replace(frame, pts=self._last_pts + 1)
        self._last_pts = frame.pts
        self._frames.append(frame)
        self._arrived.set()
        return has_changed

    async def get(self) -> EncodedFrame:
        while not self._frames:
            self._arrived.clear()
            await self._arrived.wait()
        frame = self._frames.popleft()
        self.stats.on_taken(frame.at, len(frame.data))
        return frame

    def set_stalled(self, is_stalled: bool) -> None:
        """The viewer receives nothing any more, or receives frames again."""
        self.is_stalled = is_stalled
        if not is_stalled and not self._is_decodable:
            self.key_requests.request()

    def _drop(self) -> None:
        self.stats.on_dropped(len(self._frames))
        self._frames.clear()


class FanOut:
    """Puts each encoded frame into every queue of its layer.

    ``on_change()`` is called when a queue is attached, detached or changes its layer; ``request_key_frame(layer)``
    requests a key frame of a layer. ``totals`` count what is sent and dropped.
    """

    def __init__(
        self,
        on_change: Callable[[], None],
        request_key_frame: Callable[[int], None],
        totals: SendTotals | None = None,
    ) -> None:
        self._on_change = on_change
        self._request_key_frame = request_key_frame
        self._queues: set[FrameQueue] = set()
        self._totals = totals

    @property
    def queues(self) -> frozenset[FrameQueue]:
        return frozenset(self._queues)

    @property
    def layers(self) -> set[int]:
        """The layers that viewers get or are to get."""
        return {layer for queue in self._queues for layer in (queue.layer, queue.next_layer)}

    def attach(self) -> FrameQueue:
        queue = FrameQueue(self._request_key_frame, self._totals)
        self._queues.add(queue)
        self._on_change()
        queue.key_requests.request()
        return queue

    def detach(self, queue: FrameQueue) -> None:
        if queue in self._queues:
            self._queues.remove(queue)
            queue.key_requests.cancel()
            self._on_change()

    def move(self, queue: FrameQueue, layer: int) -> None:
        """Let ``queue`` change to another layer, at that layer's next key frame."""
        if queue in self._queues and queue.next_layer != layer:
            queue.next_layer = layer
            self._on_change()
            self._request_key_frame(layer)

    def publish(self, frame: EncodedFrame) -> None:
        have_changed = [queue.put(frame) for queue in self._queues]
        if any(have_changed):
            self._on_change()
