"""Fan-out of encoded pictures: each viewer has its own short queue, and one that cannot keep up harms nobody else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from openspace_server.instance.streaming.encoder import EncodedPicture
from openspace_server.instance.streaming.key_requests import KeyRequests
from openspace_server.instance.streaming.layers import MAIN
from openspace_server.instance.streaming.send_stats import Flow

QUEUE_LENGTH = 8


class PictureQueue:
    """Pictures on their way to one viewer: at most :data:`QUEUE_LENGTH`, the first one a key frame.

    When it is full, everything waiting is dropped and nothing enters until the next key frame, because a picture is
    useless without those before it. It changes to another stream at that stream's next key frame.

    Attributes:
        rung: the stream that it gets.
        wanted: the stream that it is to get.
        playout_delay: seconds for which the viewer should keep pictures back, so that lost packets come in time.
        stalled: the viewer takes nothing now, so a key frame would be wasted on it.
    """

    def __init__(self, need_key: Callable[[int], None]) -> None:
        self.flow = Flow()
        self.rung = self.wanted = MAIN
        self.overflows = 0
        self.stalled = False
        self.playout_delay = 0.0
        self.keys = KeyRequests(lambda: need_key(self.wanted))
        self._waiting: deque[EncodedPicture] = deque()
        self._arrived = asyncio.Event()
        self._in_step = False
        self._last_pts = -1

    @property
    def dropped(self) -> int:
        return self.flow.dropped

    def put(self, picture: EncodedPicture) -> bool:
        """Take ``picture`` if it belongs here; True if the queue has changed to its stream by it."""
        changed = picture.rung == self.wanted != self.rung and picture.key
        if changed:
            self.rung = picture.rung
        if picture.rung != self.rung:
            return False
        if picture.key:
            self._drop()
            self._in_step = True
            self.keys.satisfied()
        elif self._in_step and len(self._waiting) >= QUEUE_LENGTH:
            self._drop()
            self._in_step = False
            self.overflows += 1
        if not self._in_step:
            self.flow.dropped += 1
            if not self.stalled:
                self.keys.ask()
            return changed
        if picture.pts <= self._last_pts:  # only after a change of streams
            picture = replace(picture, pts=self._last_pts + 1)
        self._last_pts = picture.pts
        self._waiting.append(picture)
        self._arrived.set()
        return changed

    async def get(self) -> EncodedPicture:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        picture = self._waiting.popleft()
        self.flow.taken(picture.at, len(picture.data))
        return picture

    def stall(self, stalled: bool) -> None:
        """The viewer takes nothing any more, or takes pictures again."""
        self.stalled = stalled
        if not stalled and not self._in_step:
            self.keys.ask()

    def _drop(self) -> None:
        self.flow.dropped += len(self._waiting)
        self._waiting.clear()


class PictureFan:
    """Hands each encoded picture to every queue of its stream.

    ``changed`` is called when a queue comes, goes or changes; ``need_key(rung)`` asks for a key frame of a stream.
    """

    def __init__(self, changed: Callable[[], None], need_key: Callable[[int], None]) -> None:
        self._changed = changed
        self._need_key = need_key
        self._queues: set[PictureQueue] = set()
        self._dropped = 0
        self.bit_rates: dict[int, int] = {}
        """What each stream should have, bit/s."""

    @property
    def dropped(self) -> int:
        """Pictures dropped, for viewers that are gone, too."""
        return self._dropped + sum(queue.dropped for queue in self._queues)

    @property
    def queues(self) -> frozenset[PictureQueue]:
        return frozenset(self._queues)

    @property
    def rungs(self) -> set[int]:
        """The streams that somebody gets or is to get."""
        return {rung for queue in self._queues for rung in (queue.rung, queue.wanted)}

    def attach(self) -> PictureQueue:
        queue = PictureQueue(self._need_key)
        self._queues.add(queue)
        self._changed()
        queue.keys.ask()
        return queue

    def detach(self, queue: PictureQueue) -> None:
        if queue in self._queues:
            self._queues.remove(queue)
            self._dropped += queue.dropped
            queue.keys.satisfied()
            self._changed()

    def move(self, queue: PictureQueue, rung: int) -> None:
        """Let ``queue`` change to another stream, at that stream's next key frame."""
        if queue in self._queues and queue.wanted != rung:
            queue.wanted = rung
            self._changed()
            self._need_key(rung)

    def publish(self, picture: EncodedPicture) -> None:
        changed = [queue.put(picture) for queue in self._queues]
        if any(changed):
            self._changed()
