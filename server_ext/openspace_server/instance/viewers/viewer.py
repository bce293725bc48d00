"""A viewer: one attached client, what it may do, and how messages reach it."""

from __future__ import annotations

import time
import uuid
from typing import Any

from openspace_server.instance.viewers.input import ViewerInput
from openspace_server.instance.viewers.rate_limit import RateLimit
from openspace_server.instance.viewers.steering_control import SteeringControl
from openspace_server.instance.viewers.transport import Transport
from openspace_server.protocols.shared_memory import OfferedMemory
from openspace_server.protocols.signaling import Join, Role
from openspace_server.protocols.viewer import Report

GRABS = 10.0
"""Frames as arrays per second for viewers that do not steer: each has to be drawn."""


class Viewer:
    """One attached client.

    Attributes:
        name: for people, unique to its party.
        is_owner: a controller of the session's owner.
        is_trusted: the session's owner, whether as a controller or as a spectator.
        is_observer: the orchestrator, which does not watch.
        last_seen: time of the last sign of life, of :func:`time.monotonic`.
        report: the last measurements of its browser.
        memory: shared with a viewer on this machine.
        tour_pose: where a tour of this viewer last put the camera, as the engine describes it.
        is_greeted: it has received ``hello``, which comes before everything unrequested.
    """

    def __init__(self, join: Join, transport: Transport, steering: SteeringControl) -> None:
        self.transport = transport
        self.role = join.role
        self.is_owner = join.owner and join.role is Role.CONTROLLER
        self.is_trusted = join.owner
        self.is_observer = join.observer
        self.origin, self.party, self.share = join.origin, join.party, join.share
        self.name = steering.free_name(join.viewer or uuid.uuid4().hex[:12], join.party)
        self.last_seen = time.monotonic()
        self.input = ViewerInput()
        self.grab_limit = RateLimit(GRABS, GRABS)
        self.report: Report | None = None
        self.memory: OfferedMemory | None = None
        self.tour_pose: Any = None
        self.watches_stats = False
        self.watches_picks = False
        self.is_greeted = False
        self._steering = steering

    @property
    def is_steering(self) -> bool:
        return self._steering.is_steering(self)

    def refusal(self) -> str:
        """Why this viewer does not steer and what it may do."""
        return self._steering.refusal(self)

    def send(self, message: str | bytes) -> None:
        """Send without waiting. Raises ProtocolError if it is too large."""
        self.transport.send(message)

    def notify(self, message: str) -> bool:
        """Send an unrequested message; False if the viewer is not ready for it now."""
        if not self.is_greeted or self.transport.is_busy:
            return False
        self.send(message)
        return True

    def announce(self, message: str) -> None:
        """Send an unrequested message that is too important to wait."""
        if self.is_greeted:
            self.send(message)

    def request_key_frame(self) -> None:
        if self.transport.frame_queue is not None:
            self.transport.frame_queue.key_requests.request()

    def forget_memory(self) -> None:
        """Release the shared memory: answers are sent over the socket again."""
        if self.memory is not None:
            self.memory.close()
            self.memory = None
