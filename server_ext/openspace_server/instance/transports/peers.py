"""All WebRTC viewers of an instance, including those still connecting."""

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
    """The class of peers. It loads slowly, so it is loaded ahead of the first viewer."""
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
        self._closing: set[asyncio.Task[None]] = set()

    def check_room(self, join: Join) -> None:
        """Raises ProtocolError if there is no room for ``join`` now."""
        check_room(join, (*self._instance.attached, *self._connecting))

    def join(self, join: Join, on_closed: Callable[[str], None]) -> Peer:
        """A new peer; ``on_closed(reason)`` is called when it is closed. Raises ProtocolError if there is no room."""
        self.check_room(join)
        check_connecting(join, self._connecting)

        def on_opened(peer: Peer) -> ViewerChannels:
            channels = self._peers[peer] = self._instance.attach(join, peer)
            return channels

        def on_peer_closed(peer: Peer, reason: str) -> None:
            member = self._peers.pop(peer, None)
            if isinstance(member, ViewerChannels):
                self._instance.detach(member.viewer)
            closing = asyncio.ensure_future(peer.wait_closed())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            on_closed(reason)

        peer = peer_class()(self._instance.director.fan_out, on_opened, on_peer_closed, join.ice_servers)
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
        """Close all."""
        for peer in list(self._peers):
            peer.close("the instance stops")
        if self._closing:
            await asyncio.wait(self._closing, timeout=2)
