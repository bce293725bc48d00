"""A GStreamer webrtcbin sender, for the system's Python with PyGObject; x264 as fast and as soon as it goes.

    /usr/bin/python3 gstreamer.py <shared file> <command that draws into it> …

Speaks the same JSON lines as ``stock_aiortc.py``, for one viewer.
"""

import json
import mmap
import subprocess
import sys
import threading
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

WIDTH, HEIGHT = 1280, 720
PIPELINE = f"""
webrtcbin name=webrtc bundle-policy=max-bundle latency=0
appsrc name=scene is-live=true format=time do-timestamp=true max-buffers=1 leaky-type=downstream
  caps=video/x-raw,format=BGRx,width={WIDTH},height={HEIGHT},framerate=30/1
! videoconvert ! video/x-raw,format=I420
! x264enc tune=zerolatency speed-preset=ultrafast bitrate=4000 vbv-buf-capacity=250 key-int-max=3000
! video/x-h264,profile=constrained-baseline
! rtph264pay config-interval=-1 aggregate-mode=zero-latency
! application/x-rtp,media=video,encoding-name=H264,payload=96 ! webrtc.
"""


class Sender:
    def __init__(self, file, command):
        Gst.init(None)
        self.pipeline = Gst.parse_launch(PIPELINE)
        self.webrtc = self.pipeline.get_by_name("webrtc")
        self.scene = self.pipeline.get_by_name("scene")
        self.drawer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.file = file
        self.webrtc.connect("notify::ice-gathering-state", self.gathered)

    def start(self):
        threading.Thread(target=self.feed, daemon=True).start()
        threading.Thread(target=self.talk, daemon=True).start()
        GLib.MainLoop().run()

    def feed(self):
        size = WIDTH * HEIGHT * 4
        memory = None
        for line in self.drawer.stdout:
            if memory is None:
                with self.file.open("rb") as file:
                    memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            slot = int(line)
            pixels = memory[slot * size : (slot + 1) * size]
            self.scene.emit("push-buffer", Gst.Buffer.new_wrapped(pixels))

    def talk(self):
        for line in sys.stdin:
            message = json.loads(line)
            if message.get("want") == "offer":
                self.pipeline.set_state(Gst.State.PLAYING)
                self.pipeline.get_state(2 * Gst.SECOND)
                options = Gst.Structure.new_from_string("options,ordered=false,max-retransmits=0")
                self.channel = self.webrtc.emit("create-data-channel", "input", options)
                self.channel.connect("on-message-string", self.steered)
                self.webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered))
            else:
                _, sdp = GstSdp.SDPMessage.new_from_text(message["sdp"])
                answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
                self.webrtc.emit("set-remote-description", answer, Gst.Promise.new())
        self.drawer.kill()
        GLib.idle_add(sys.exit)

    def offered(self, promise):
        reply = promise.get_reply()  # what is in it lives as long as it does
        offer = reply.get_value("offer")
        self.webrtc.emit("set-local-description", offer, Gst.Promise.new())

    def gathered(self, *_):
        if self.webrtc.props.ice_gathering_state == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            sdp = self.webrtc.props.local_description.sdp.as_text()
            print(json.dumps({"type": "offer", "sdp": sdp}), flush=True)

    def steered(self, _channel, text):
        said = json.loads(text)
        self.drawer.stdin.write(f"{said['seq']} {said['orbitX']}\n")
        self.drawer.stdin.flush()


Sender(Path(sys.argv[1]), sys.argv[2:]).start()
