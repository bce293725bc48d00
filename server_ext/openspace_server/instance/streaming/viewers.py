"""Fan-out of encoded pictures: each viewer has its own short queue, and one that cannot keep up harms nobody else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from openspace_server.instance.streaming.encoder import EncodedPicture

QUEUE_LENGTH = 8


class PictureQueue:
    """Pictures on their way to one viewer: at most :data:`QUEUE_LENGTH`, the first one a key frame.

    When it is full, everything waiting is dropped and nothing enters until the next key frame, because a picture is
    useless without those before it.
    """

    def __init__(self, need_key: Callable[[], None]) -> None:
        self._need_key = need_key
        self._waiting: deque[EncodedPicture] = deque()
        self._arrived = asyncio.Event()
        self._in_step = False
        self.dropped = 0

    def put(self, picture: EncodedPicture) -> None:
        if picture.key:
            self.dropped += len(self._waiting)
            self._waiting.clear()
            self._in_step = True
        elif self._in_step and len(self._waiting) >= QUEUE_LENGTH:
            self.dropped += len(self._waiting)
            self._waiting.clear()
            self._in_step = False
        if not self._in_step:
            self.dropped += 1
            self._need_key()
            return
        self._waiting.append(picture)
        self._arrived.set()

    async def get(self) -> EncodedPicture:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()


class PictureFan:
    """Hands each encoded picture to every queue. ``watched`` hears the number of queues whenever it changes."""

    def __init__(self, watched: Callable[[int], None], need_key: Callable[[], None]) -> None:
        self._watched = watched
        self._need_key = need_key
        self._queues: set[PictureQueue] = set()

    @property
    def dropped(self) -> int:
        """Pictures dropped for the viewers now attached."""
        return sum(queue.dropped for queue in self._queues)

    def attach(self) -> PictureQueue:
        queue = PictureQueue(self._need_key)
        self._queues.add(queue)
        self._watched(len(self._queues))
        self._need_key()
        return queue

    def detach(self, queue: PictureQueue) -> None:
        if queue in self._queues:
            self._queues.remove(queue)
            self._watched(len(self._queues))

    def publish(self, picture: EncodedPicture) -> None:
        for queue in self._queues:
            queue.put(picture)
