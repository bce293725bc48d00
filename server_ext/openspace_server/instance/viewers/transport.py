"""The contract of transports: what a viewer needs of the connection that reaches it."""

from __future__ import annotations

from typing import Protocol

from openspace_server.instance.streaming.fan_out import FrameQueue
from openspace_server.instance.streaming.send_stats import SendStats


class Transport(Protocol):
    """One connection to one viewer: a WebRTC peer or a WebSocket."""

    @property
    def transport_name(self) -> str:
        """For people, such as ``"webrtc"``."""

    @property
    def carries_arrays(self) -> bool:
        """Whether binary array messages may be sent."""

    @property
    def frame_queue(self) -> FrameQueue | None:
        """The video that it sends now."""

    @property
    def send_stats(self) -> SendStats | None:
        """Of the frames that it sends, None if it sends none."""

    @property
    def round_trip(self) -> float | None:
        """Seconds to the viewer and back as the transport itself measured them, None if it does not."""

    @property
    def is_busy(self) -> bool:
        """Whether the viewer has not yet received what was sent: less important messages can wait."""

    def send(self, message: str | bytes) -> None:
        """Send without waiting; nothing happens if the viewer is gone. Raises ProtocolError if it is too large."""

    async def wait_sent(self) -> None:
        """Wait until what was sent has left, not at all if the viewer is gone."""

    def disconnect(self, reason: str) -> None:
        """Send the reason and close."""
