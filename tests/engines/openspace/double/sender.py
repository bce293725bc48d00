"""The streaming build's pipeline, run by the system's Python, whose GStreamer comes with the system.

Speaks lines of JSON: out ``{"offer"}`` and ``{"ice"}``, in ``{"answer"}`` and ``{"ice"}``. Needs no signaling itself.
"""

from __future__ import annotations

import json
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

PIPELINE = (
    "ximagesrc use-damage=false show-pointer=false endx={endx} endy={endy} ! "
    "video/x-raw,framerate=30/1 ! videoconvert ! "
    "x264enc tune=zerolatency speed-preset=ultrafast bitrate=3000 key-int-max=60 ! "
    "video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 ! "
    "application/x-rtp,media=video,encoding-name=H264,payload=96 ! "
    "webrtcbin name=sendrecv bundle-policy=max-bundle latency=5"
)


def tell(**message):
    print(json.dumps(message), flush=True)


def main():
    width, height = int(sys.argv[1]), int(sys.argv[2])
    Gst.init(None)
    pipeline = Gst.parse_launch(PIPELINE.format(endx=width - 1, endy=height - 1))
    peer = pipeline.get_by_name("sendrecv")

    def offered(promise, *_):
        promise.wait()
        reply = promise.get_reply()  # owns the offer
        offer = reply.get_value("offer")
        peer.emit("set-local-description", offer, Gst.Promise.new())
        tell(offer=offer.sdp.as_text())

    peer.connect(
        "on-negotiation-needed",
        lambda _: peer.emit("create-offer", None, Gst.Promise.new_with_change_func(offered, None, None)),
    )
    peer.connect(
        "on-ice-candidate",
        lambda _, index, line: tell(ice={"candidate": line, "sdpMLineIndex": index}),
    )

    def take(line):
        message = json.loads(line)
        if "answer" in message:
            _, sdp = GstSdp.SDPMessage.new_from_text(message["answer"])
            answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
            peer.emit("set-remote-description", answer, Gst.Promise.new())
        else:
            peer.emit("add-ice-candidate", message["ice"]["sdpMLineIndex"], message["ice"]["candidate"])
        return False

    loop = GLib.MainLoop()

    def listen():
        for line in sys.stdin:
            GLib.idle_add(take, line)
        GLib.idle_add(loop.quit)

    threading.Thread(target=listen, daemon=True).start()
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
