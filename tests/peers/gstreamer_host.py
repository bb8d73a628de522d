"""GStreamer's webrtcbin as a WHEP host: --codec h264|h264-444|vp8. Prints one JSON line with its address.

Runs with the system's Python (python3-gi). The picture is videotestsrc's SMPTE bars (75 %); the sound a 440 Hz tone.
"""
import argparse
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

ENCODERS = {
    "h264": (
        "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=600 bitrate=3000 ! "
        "video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency ! "
        "application/x-rtp,media=video,encoding-name=H264,payload={pt}"
    ),
    "h264-444": (
        "videoconvert ! video/x-raw,format=Y444 ! "
        "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=600 bitrate=3000 ! "
        "video/x-h264,profile=high-4:4:4 ! rtph264pay config-interval=-1 aggregate-mode=zero-latency ! "
        "application/x-rtp,media=video,encoding-name=H264,payload={pt}"
    ),
    "vp8": (
        "vp8enc deadline=1 cpu-used=8 target-bitrate=3000000 keyframe-max-dist=600 ! rtpvp8pay ! "
        "application/x-rtp,media=video,encoding-name=VP8,payload={pt}"
    ),
}


def payload_types(sdp, codec):
    """The offer's payload types for the codec (first match) and Opus.

    webrtcbin matches H.264 by profile; the encoder here makes constrained baseline (42 in profile-level-id) or High 4:4:4
    Predictive (f4).
    """
    video, audio = None, 111
    codec, profile = ("h264", "f4") if codec == "h264-444" else (codec, "42")
    parameters = dict(line[7:].split(" ", 1) for line in sdp.splitlines() if line.startswith("a=fmtp:"))
    for line in sdp.splitlines():
        if line.startswith("a=rtpmap:"):
            number, name = line[9:].split(" ", 1)
            name = name.lower()
            fits = codec != "h264" or (
                "profile-level-id=" + profile in parameters.get(number, "") and "packetization-mode=1" in parameters[number]
            )
            if name.startswith(codec + "/") and video is None and fits:
                video = int(number)
            if name.startswith("opus/"):
                audio = int(number)
    return video, audio


class Session:
    def __init__(self, offer, codec):
        video, audio = payload_types(offer, codec)
        if video is None:
            raise ValueError("the offer has no " + codec)
        self.pipeline = Gst.parse_launch(
            "webrtcbin name=peer bundle-policy=max-bundle latency=0 "
            "videotestsrc is-live=true pattern=smpte75 ! video/x-raw,width=640,height=360,framerate=30/1 ! "
            f"queue ! {ENCODERS[codec].format(pt=video)} ! peer. "
            "audiotestsrc is-live=true freq=440 volume=0.25 ! audio/x-raw,rate=48000,channels=2 ! queue ! "
            f"opusenc frame-size=10 ! rtpopuspay ! application/x-rtp,media=audio,encoding-name=OPUS,payload={audio} ! peer."
        )
        self.peer = self.pipeline.get_by_name("peer")
        self.done = threading.Event()
        self.peer.connect("notify::ice-gathering-state", self.gathering)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.wait(lambda promise: self.peer.emit("set-remote-description", self.parse(offer), promise))
        for index in range(4):
            transceiver = self.peer.emit("get-transceiver", index)
            if transceiver:
                transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
                transceiver.set_property("do-nack", True)
        reply = self.wait(lambda promise: self.peer.emit("create-answer", None, promise))
        answer = reply.get_value("answer")
        self.wait(lambda promise: self.peer.emit("set-local-description", answer, promise))
        self.done.wait(3)
        self.answer = self.peer.get_property("local-description").sdp.as_text()

    @staticmethod
    def parse(text):
        _, message = GstSdp.SDPMessage.new_from_text(text)
        return GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message)

    @staticmethod
    def wait(call):
        promise = Gst.Promise.new()
        call(promise)
        promise.wait()
        return promise.get_reply()

    def gathering(self, peer, _):
        if peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self.done.set()

    def close(self):
        self.pipeline.set_state(Gst.State.NULL)


SESSIONS = {}


class Host(BaseHTTPRequestHandler):
    codec = "h264"

    def log_message(self, *_):
        pass

    def do_POST(self):
        offer = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            session = Session(offer, self.codec)
        except Exception as error:
            print(json.dumps({"error": repr(error)}), flush=True)
            self.send_response(400)
            self.end_headers()
            return
        name = str(len(SESSIONS) + 1)
        SESSIONS[name] = session
        body = session.answer.encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/sdp")
        self.send_header("Location", f"/session/{name}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_DELETE(self):
        session = SESSIONS.pop(self.path.rsplit("/", 1)[-1], None)
        if session:
            session.close()
        self.send_response(200 if session else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()
        print(json.dumps({"deleted": bool(session)}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codec", choices=sorted(ENCODERS), default="h264")
    Host.codec = parser.parse_args().codec
    Gst.init(None)
    loop = GLib.MainLoop()
    threading.Thread(target=loop.run, daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"address": f"127.0.0.1:{server.server_port}"}), flush=True)
    sys.stdin.read()
    for session in SESSIONS.values():
        session.close()


main()
