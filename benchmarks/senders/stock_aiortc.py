"""A sender on stock aiortc, written as its documentation does: a track that draws a frame whenever it is asked.

Speaks JSON lines: ``{"want": "offer"}`` on stdin is answered by ``{"sdp", "type"}``, which wants its like.
Each offer is a viewer of its own, with an encoder of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription, VideoStreamTrack
from aiortc.contrib.media import MediaRelay
from av import VideoFrame

from benchmarks.senders.scene import Scene


class SceneTrack(VideoStreamTrack):
    """30 frames per second, by aiortc's own clock. ``moving``: it turns by itself."""

    def __init__(self, scene: Scene, *, moving: bool) -> None:
        super().__init__()
        self._scene = scene
        self._moving = moving
        self._drawn = 0

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        if self._moving:
            self._drawn += 1
            self._scene.steer(self._drawn, self._drawn / 240)
        frame = VideoFrame.from_ndarray(self._scene.draw(), format="bgra")
        frame.pts, frame.time_base = pts, time_base
        return frame


async def serve(codec: str, references: Path | None, engine: str, *, shared: bool) -> None:
    scene = Scene(references, engine)
    relay, track = MediaRelay(), SceneTrack(scene, moving=shared)
    connections: list[RTCPeerConnection] = []

    def steered(message: str) -> None:
        said = json.loads(message)
        scene.steer(said["seq"], said["orbitX"])

    async def offer() -> dict[str, str]:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connections.append(connection)
        sender = connection.addTrack(relay.subscribe(track) if shared else track)
        transceiver = next(t for t in connection.getTransceivers() if t.sender is sender)
        known = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences([c for c in known if c.mimeType.lower() == f"video/{codec}".lower()])
        connection.createDataChannel("input", ordered=False, maxRetransmits=0).on("message", steered)
        await connection.setLocalDescription(await connection.createOffer())
        return {"sdp": connection.localDescription.sdp, "type": "offer"}

    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        message: dict[str, Any] = json.loads(line)
        if message.get("want") == "offer":
            print(json.dumps(await offer()), flush=True)
        else:
            await connections[-1].setRemoteDescription(RTCSessionDescription(message["sdp"], "answer"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("codec", choices=["H264", "VP8"])
    parser.add_argument("--references", type=Path)
    parser.add_argument("--engine", default="", help="what draws, if not what all draw")
    parser.add_argument("--shared", action="store_true", help="for several viewers, through a relay; turns by itself")
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.codec, chosen.references, chosen.engine, shared=chosen.shared))


if __name__ == "__main__":
    main()
