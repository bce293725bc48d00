"""All WebRTC viewers of an instance, those still connecting included."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from openspace_server.instance.instance import Instance
from openspace_server.instance.viewers.channels import ViewerChannels
from openspace_server.instance.viewers.room import check_connecting, check_room
from openspace_server.protocols.signaling import Join

if TYPE_CHECKING:
    from openspace_server.instance.transports.webrtc import Peer

_loading = threading.Lock()


def peer_class() -> type[Peer]:
    """WebRTC, which loads slowly: once here ahead of the first viewer, so that the first picture need not wait."""
    with _loading:
        from openspace_server.instance.transports import playout_delay
        from openspace_server.instance.transports.webrtc import Peer

        playout_delay.install()
    return Peer


class Peers:
    """Makes peers, attaches each as a viewer, and closes those that are gone."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._peers: dict[Peer, Join | ViewerChannels] = {}
        """A peer's ``join`` while it connects, then its channels."""
        self._ending: set[asyncio.Task[None]] = set()

    def check_room(self, join: Join) -> None:
        """Raises ProtocolError if there is no room for ``join`` now."""
        check_room(join, (*self._instance.attached, *self._connecting))

    def join(self, join: Join, gone: Callable[[str], None]) -> Peer:
        """A new peer; ``gone(reason)`` is called when it ends. Raises ProtocolError if there is no room."""
        self.check_room(join)
        check_connecting(join, self._connecting)

        def opened(peer: Peer) -> ViewerChannels:
            channels = self._peers[peer] = self._instance.attach(join, peer)
            return channels

        def ended(peer: Peer, reason: str) -> None:
            member = self._peers.pop(peer, None)
            if isinstance(member, ViewerChannels):
                self._instance.detach(member.viewer)
            closing = asyncio.ensure_future(peer.closed())
            self._ending.add(closing)
            closing.add_done_callback(self._ending.discard)
            gone(reason)

        peer = peer_class()(self._instance.director.fan_out, opened, ended, join.ice_servers)
        self._peers[peer] = join
        return peer

    @property
    def _connecting(self) -> list[Join]:
        return [member for member in self._peers.values() if isinstance(member, Join)]

    async def check_alive(self) -> None:
        """To be called once a second."""
        for peer in list(self._peers):
            await peer.check_alive()

    async def close(self) -> None:
        """End all."""
        for peer in list(self._peers):
            peer.end("the instance stops")
        if self._ending:
            await asyncio.wait(self._ending, timeout=2)
