#!/usr/bin/env python3
"""A small game host for Entente, written from "The open host protocol, version 1" alone.

The game: two squares, moved by the left stick or the d-pad of pads 0 and 1 (the first one also by the arrow keys), a cross
moved by the pointer, colours that change with keys, buttons and clicks, and a tone of 440 Hz. One player at a time is served,
others wait in the queue.

    pip install aiortc==1.16.0 aiohttp numpy
    python host.py [--listen ADDRESS]          then: entente-player play whep+http://ADDRESS/whep/square

Standard output: the JSON line {"address": ...}, then one line for each noteworthy thing. The end of standard input ends it.
Section numbers in comments are those of the protocol's document.
"""
import argparse
import asyncio
import contextlib
import json
import re
import secrets
import struct
import sys
import threading
import time
from fractions import Fraction

import aioice.ice
import av
import numpy as np
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import h264, vpx
from aiortc.exceptions import OperationError
from aiortc.mediastreams import MediaStreamError

PATH = "/whep/square"
QUEUE_SECONDS, RETRY_AFTER = 10, 2          # section 2, queue: a place lives longer than its Retry-After
CONNECT_SECONDS, DEAD_SECONDS = 15, 10      # section 2, DELETE: sessions that never came up, clients that are gone

# What aiortc keeps in module constants. RTP payloads of 1160 bytes fit 1280 bytes of IPv6 (section 3); two unanswered consent
# checks 5 s apart mean that the client is gone (RFC 7675 allows 30 s).
vpx.PACKET_MAX = h264.PACKET_MAX = 1160
aioice.ice.CONSENT_FAILURES = 2


def micros():
    """The host's clock, of `pong` and of row 0 of the strip: CLOCK_MONOTONIC on Linux."""
    return time.monotonic_ns() // 1000


def say(**line):
    print(json.dumps(line), flush=True)


# ---- The game -----------------------------------------------------------------------------------------------------------------

SIDE, SPEED, NUDGE = 32, 300, 6             # of a square: pixels, pixels per second, pixels for one press of the d-pad
COLOURS = [(180, 90, 160), (120, 60, 200), (90, 200, 110), (200, 128, 128), (140, 190, 60)]         # Y, U, V
GROUNDS = [(40, 128, 128), (50, 150, 110), (45, 110, 140), (60, 120, 120)]
DPAD = {12: (0, -1), 13: (0, 1), 14: (-1, 0), 15: (1, 0)}               # button: direction on the screen
ARROWS = {82: (0, -1), 81: (0, 1), 80: (-1, 0), 79: (1, 0)}             # HID usage: direction on the screen
STRIP = 32                                                              # the height of the timecode strip


def strip_row(value):
    """One row of the timecode strip (timecode.md): 1010, 48 bits, CRC-8, 0101; 64 cells of 8 x 16 pixels."""
    value, crc = value % (1 << 48), 0
    for byte in value.to_bytes(6, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (0x07 if crc & 0x80 else 0)) & 0xFF
    bits = np.array([int(b) for b in f"1010{value:048b}{crc:08b}0101"], np.uint8)
    return np.tile(np.repeat(16 + 219 * bits, 8), (16, 1))


class Game:
    """What the player sees: told of edges and positions by `Input`, advanced and drawn once for each picture."""

    def __init__(self, width, height, rumble):
        self.width, self.height, self.rumble = width, height, rumble
        self.squares = [[width / 3, height / 2], [2 * width / 3, height / 2]]
        self.cross = [width / 2, height / 2]
        self.colour, self.ground, self.size = 0, 0, SIDE
        self.told, self.told_at = [round(v) for v in self.squares[0]], 0      # what `say` has said of the first square
        self.pixels = np.empty((height * 3 // 2, width), np.uint8)      # 4:2:0: Y, then U and V of half the size
        y, u, v = np.split(self.pixels.ravel(), [width * height, width * height * 5 // 4])
        self.planes = y.reshape(height, width), u.reshape(height // 2, -1), v.reshape(height // 2, -1)

    def edge(self, source, code, down):
        """A press or a release, each exactly once."""
        if not down:
            return
        arrow = DPAD.get(code) if source < 2 else ARROWS.get(code) if source == KEYBOARD else None
        if arrow:                                               # so that a tap shorter than a picture moves the square, too
            self.push(source % 2, *arrow, NUDGE)
        elif source == KEYBOARD:
            self.ground += 1
        else:
            self.colour += 1
        if source < 16:
            self.rumble(source)

    def wheel(self, notches):
        self.size = min(max(self.size + 8 * notches, 8), 96)    # up is larger

    def put_cross(self, x, y):
        self.cross = [min(max(x, 0), self.width - 1), min(max(y, 0), self.height - 1)]

    def push(self, number, dx, dy, distance):
        (x, y), half = self.squares[number], self.size / 2
        self.squares[number] = [min(max(x + dx * distance, half), self.width - half),
                                min(max(y + dy * distance, STRIP + half), self.height - half)]

    def advance(self, seconds, inputs):
        for slot in (0, 1):
            dx, dy = (v / 32767 for v in inputs.pads.get(slot, (0, 0))[:2])
            dy = -dy                                            # up is positive on sticks, down on the screen
            arrows = [DPAD[c] for s, c in inputs.held if s == slot and c in DPAD]
            arrows += [ARROWS[c] for s, c in inputs.held if s == KEYBOARD and c in ARROWS and slot == 0]
            for x, y in arrows:
                dx, dy = dx + x, dy + y
            self.push(slot, min(max(dx, -1), 1), min(max(dy, -1), 1), SPEED * seconds)
        place, now = [round(v) for v in self.squares[0]], time.monotonic()
        if place != self.told and now - self.told_at >= 0.2:
            self.told, self.told_at = place, now
            say(square=place)

    def draw(self, inputs):
        def box(left, top, right, bottom, colour):
            rows, columns = slice(max(int(top), 0), int(bottom)), slice(max(int(left), 0), int(right))
            self.planes[0][rows, columns] = colour[0]
            for plane, value in zip(self.planes[1:], colour[1:]):
                plane[rows.start // 2:rows.stop // 2, columns.start // 2:columns.stop // 2] = value

        box(0, 0, self.width, self.height, GROUNDS[self.ground % len(GROUNDS)])
        for slot, (x, y) in enumerate(self.squares):
            if slot == 0 or slot in inputs.pads:
                half = self.size / 2
                box(x - half, y - half, x + half, y + half, COLOURS[(self.colour + slot) % len(COLOURS)])
        x, y = self.cross
        box(x - 8, y - 2, x + 8, y + 2, (235, 128, 128))
        box(x - 2, y - 8, x + 2, y + 8, (235, 128, 128))
        box(0, 0, 512, STRIP, (16, 128, 128))
        self.planes[0][:16, :512] = strip_row(micros())         # section 6: when this picture was drawn, and
        self.planes[0][16:STRIP, :512] = strip_row(inputs.echo)     # the stamp of the newest packet that it reflects
        return av.VideoFrame.from_ndarray(self.pixels, format="yuv420p")


# ---- The `input` channel (section 4) ------------------------------------------------------------------------------------------

KEYBOARD, POINTER = 0x80, 0x81                                  # sources of edges; 0 to 15 are the pads
PAD, EDGES, KEYS, MOUSE, POSITION, PRESENT = 1, 2, 3, 4, 5, 8   # records; contacts and motion sensors are not used here


def parse(data):
    """A packet as (sequence, stamp, {type: payload}, {slot: (buttons, axes)}), or None if it has to be dropped whole."""
    if not 14 <= len(data) <= 1200 or data[0] != 1:
        return None
    sequence, stamp = struct.unpack_from(">IQ", data, 2)
    records, pads, at = {}, {}, 14
    while at < len(data):
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            return None
        kind, payload = data[at], data[at + 2:at + 2 + data[at + 1]]
        at += 2 + len(payload)
        if kind != PAD:
            records[kind] = payload                             # those of unknown type are never looked at
        elif len(payload) >= 17 and payload[0] < 16:
            slot, buttons, *axes = struct.unpack_from(">BI4hHH", payload)
            pads[slot] = {b for b in range(22) if buttons >> b & 1}, [max(a, -32767) for a in axes]
    return sequence, stamp, records, pads


class Input:
    """The state of the player's devices; `feed` follows "what a host does with a packet" step by step."""

    def __init__(self, game):
        self.game = game
        self.newest = self.next_edge = None
        self.echo = 0                       # row 1 of the strip
        self.arrived = None                 # when the newest packet came, None once the silence was noticed
        self.pads = {}                      # slot: [left x, left y, right x, right y, left trigger, right trigger]
        self.held = set()                   # (source, code)
        self.sums, self.position = [0, 0, 0, 0], None

    def turn(self, source, code, down):
        """Presses or releases one thing, unless it is in that position already."""
        if ((source, code) in self.held) != down:
            (self.held.add if down else self.held.discard)((source, code))
            say(edge=code, source=source, down=down)
            self.game.edge(source, code, down)

    def settle(self, source, wanted, release=True):
        """State wins over edges that never came."""
        now = {c for s, c in self.held if s == source}
        for code in sorted(now - wanted) if release else ():
            self.turn(source, code, False)
        for code in sorted(wanted - now):
            self.turn(source, code, True)

    def let_go(self):
        """Releases and centres everything when the client fell silent; its next packet brings the state back."""
        for source, code in sorted(self.held):
            self.turn(source, code, False)
        self.pads = {slot: [0] * 6 for slot in self.pads}

    def feed(self, data):
        packet = parse(data)
        if packet is None:
            return
        sequence, stamp, records, pads = packet
        first = self.newest is None
        if not first and not 1 <= (sequence - self.newest) % (1 << 32) <= (1 << 31) - 1:
            return                                              # overtaken or doubled
        self.newest, self.echo, self.arrived = sequence, stamp, time.monotonic()

        def entries(kind, form, most):                          # of a list: incomplete and surplus ones are ignored
            payload, size = records.get(kind, b""), struct.calcsize(form)
            return [struct.unpack_from(form, payload, i * size) for i in range(min(len(payload) // size, most))]

        present, = entries(PRESENT, ">H", 1) or [None]
        if present:
            for slot in range(16):
                if present[0] >> slot & 1:
                    self.pads.setdefault(slot, [0] * 6)

        # Positions first: a press leaves at once, so what its packet says about positions had happened before it.
        for slot, (_, axes) in pads.items():
            if slot in self.pads:
                self.pads[slot] = axes
        mouse, = entries(MOUSE, ">4IB", 1) or [None]
        if mouse:
            # A first packet with a large sequence comes from a client that joined again: a starting point, not a motion.
            before = mouse[:4] if first and sequence > 255 else self.sums
            dx, dy, _, wheel = ((a - b + (1 << 31)) % (1 << 32) - (1 << 31) for a, b in zip(mouse, before))
            self.sums = mouse[:4]
            if dx or dy:
                self.game.put_cross(self.game.cross[0] + dx, self.game.cross[1] + dy)
        position, = entries(POSITION, ">HH", 1) or [None]
        if position and position != self.position:
            self.game.put_cross(position[0] / 65535 * self.game.width, position[1] / 65535 * self.game.height)
        self.position = position

        for number, source, down, code in entries(EDGES, ">HBBH", 32):
            if self.next_edge is None or (number - self.next_edge) % (1 << 16) <= 32767:
                self.next_edge = (number + 1) % (1 << 16)
                if source in self.pads and code < 22 or source == KEYBOARD or source == POINTER and code < 5:
                    self.turn(source, code, bool(down & 1))

        # Then the state.
        for slot, (buttons, _) in pads.items():
            if slot in self.pads:
                self.settle(slot, buttons)
        if present:
            for slot in [s for s in self.pads if not present[0] >> s & 1]:
                self.settle(slot, set())
                del self.pads[slot]
        if KEYS in records:
            keys = [k for k, in entries(KEYS, ">H", 32)]
            self.settle(KEYBOARD, set(keys), release=len(keys) < 32)
        if mouse:
            self.game.wheel(wheel / 120)
            self.settle(POINTER, {b for b in range(5) if mouse[4] >> b & 1})


# ---- Media (section 3) --------------------------------------------------------------------------------------------------------

class Picture(MediaStreamTrack):
    """The game, drawn and encoded at an even rate.

    aiortc's own encoders would do, but for two things: its VP8 has a noise filter that leaves stale cells in the timecode
    strip, and its H.264 sends key frames that nobody asked for.
    """

    kind = "video"

    def __init__(self, session, codec):
        super().__init__()
        self.session, self.codec = session, codec
        self.fps, self.kbps = session.fps, session.kbps
        self.encoder, self.encoder_kbps, self.keyframe = None, 0, True
        self.count, self.start = 0, None

    def force(self):
        """On PLI, FIR and `keyframe`: the next picture is a key frame."""
        self.keyframe = True

    def encode(self, frame, keyframe):
        if self.encoder is None or self.encoder_kbps != self.kbps:
            self.encoder_kbps = self.kbps
            coder = self.encoder = av.CodecContext.create("libvpx" if self.codec == "VP8" else "libx264", "w")
            coder.width, coder.height, coder.pix_fmt = frame.width, frame.height, "yuv420p"
            coder.framerate, coder.time_base = Fraction(self.fps), Fraction(1, self.fps)
            coder.bit_rate, coder.gop_size, coder.max_b_frames, coder.thread_count = self.kbps * 1000, 1 << 20, 0, 1
            coder.options = {"maxrate": f"{self.kbps}k", "bufsize": f"{self.kbps // 2}k"} | (
                {"deadline": "realtime", "cpu-used": "-6", "lag-in-frames": "0"} if self.codec == "VP8" else
                {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline", "sc_threshold": "0", "forced-idr": "1"})
        frame.pict_type = av.video.frame.PictureType.I if keyframe else av.video.frame.PictureType.NONE
        return b"".join(bytes(p) for p in self.encoder.encode(frame))

    async def recv(self):
        """aiortc asks for the first picture when DTLS is done, and gets a key frame."""
        if self.readyState != "live":
            raise MediaStreamError
        before, now = self.count, time.monotonic()
        if self.start is None:
            self.start = now
        else:                               # the next one, or the one that is due now when this machine was late
            self.count = max(before + 1, int((now - self.start) * self.fps))
            await asyncio.sleep(max(self.start + self.count / self.fps - now, 0))
        # Packets act as they arrive, so stamp, state and picture belong together: nothing waits between these lines.
        self.session.game.advance(min(self.count - before, 4) / self.fps, self.session.inputs)
        frame = self.session.game.draw(self.session.inputs)
        frame.pts, frame.time_base = self.count, Fraction(1, self.fps)
        keyframe, self.keyframe = self.keyframe, False
        packet = av.Packet(await asyncio.to_thread(self.encode, frame, keyframe))
        packet.pts, packet.time_base = self.count * 90000 // self.fps, Fraction(1, 90000)
        return packet


class Tone(MediaStreamTrack):
    """440 Hz in Opus packets of 10 ms."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.pts, self.start = 0, None
        self.encoder = av.CodecContext.create("libopus", "w")
        self.encoder.format, self.encoder.layout, self.encoder.sample_rate = "s16", "stereo", 48000
        self.encoder.bit_rate = 96000
        self.encoder.options = {"application": "lowdelay", "frame_duration": "10"}

    async def recv(self):
        if self.readyState != "live":
            raise MediaStreamError
        self.start = self.start or time.monotonic()
        await asyncio.sleep(max(self.start + self.pts / 48000 - time.monotonic(), 0))
        wave = (6000 * np.sin(2 * np.pi * 440 / 48000 * (self.pts + np.arange(480)))).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None, :], format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48000, self.pts
        packet = self.encoder.encode(frame)[0]
        packet.pts, packet.time_base = self.pts, Fraction(1, 48000)
        self.pts += 480
        return packet


# ---- A session ----------------------------------------------------------------------------------------------------------------

def whole(value, bits):
    """Whether a JSON value is an unsigned integer of so many bits."""
    return type(value) is int and 0 <= value < 1 << bits


def strings(value):
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


class Session:
    """One player: the connection, the `control` channel, and the watch over both."""

    def __init__(self, wishes):
        self.id, self.born, self.over = secrets.token_urlsafe(16), time.monotonic(), False
        self.control = self.heard = self.picture = self.sender = self.watcher = None
        # The wishes, as nearly as they can be met; the strip needs 640 x 360.
        self.width = min(max(wishes.get("width", 640), 640), 1280) // 2 * 2
        self.height = min(max(wishes.get("height", 360), 360), 720) // 2 * 2
        self.fps = min(max(wishes.get("fps", 30), 10), 60)
        self.kbps = min(max(wishes.get("bitrate_kbps", 2000), 100), 5000)
        self.game = Game(self.width, self.height, self.rumble)
        self.inputs = Input(self.game)
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.on("datachannel", self.on_channel)
        self.peer.on("connectionstatechange", self.on_state)

    async def answer(self, offer):
        """The answer to an offer (section 2). Raises OperationError without a common codec, others for a bad offer."""
        await self.peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        kinds = [t.kind for t in self.peer.getTransceivers()]
        if "video" not in kinds:
            raise ValueError("it has no video section")
        # Tracks that are added now become `sendonly` sections; the codec is the first of those that both sides know.
        sdp = (await self.peer.createAnswer()).sdp
        self.picture = Picture(self, re.search(r"m=video.*?a=rtpmap:\d+ (\w+)/", sdp, re.S)[1])
        self.sender = self.peer.addTrack(self.picture)
        self.sender._send_keyframe = self.picture.force         # what aiortc calls on PLI and FIR
        if "audio" in kinds:
            self.peer.addTrack(Tone())
        sdp = (await self.peer.createAnswer()).sdp
        sdp = sdp.replace("a=setup:active", "a=setup:passive")  # "passive connects faster"
        await self.peer.setLocalDescription(RTCSessionDescription(sdp, "answer"))
        self.watcher = asyncio.create_task(self.watch())
        sdp = re.sub(r"a=fingerprint:(?!sha-256 ).*\r\n", "", self.peer.localDescription.sdp)
        return re.sub(r"(a=rtpmap:(\d+) opus/48000/2\r\n)", r"\1a=fmtp:\2 stereo=1;sprop-stereo=1\r\n", sdp)

    async def on_state(self):
        if self.peer.connectionState in ("closed", "failed"):
            await self.end("connection " + self.peer.connectionState)

    def on_channel(self, channel):
        if channel.label == "input":
            channel.on("message", lambda m: isinstance(m, bytes) and not self.over and self.inputs.feed(m))
        elif channel.label == "control" and self.control is None:
            self.control = channel
            channel.on("message", self.on_control)

    async def watch(self):
        """Ends dead sessions, lets go of what a silent client held, follows the loss that the client reports."""
        reported = better = self.born
        while True:
            await asyncio.sleep(0.1)
            now = time.monotonic()
            if self.inputs.arrived is not None and now - self.inputs.arrived > 1:
                self.inputs.arrived = None
                self.inputs.let_go()
            if self.peer.connectionState in ("new", "connecting") and now - self.born > CONNECT_SECONDS:
                return await self.end("never connected")
            if self.heard is not None and now - self.heard > DEAD_SECONDS:
                return await self.end("connection lost")
            if now - reported < 1:
                continue
            reported = now                  # section 3, RTCP: less when a tenth is lost, later more; each costs a key frame
            reports = (await self.sender.getStats()).values()
            loss = max((r.fractionLost / 256 for r in reports if r.type == "remote-inbound-rtp"), default=0)
            if loss > 0.1 or self.picture.kbps < self.kbps and now > better:
                self.picture.kbps = min(max(int(self.picture.kbps * (0.7 if loss > 0.1 else 1.25)), 100), self.kbps)
                better = now + 10

    # -- The `control` channel (section 5)

    def send(self, kind, **fields):
        if self.control is not None and self.control.readyState == "open":
            self.control.send(json.dumps({"type": kind, **fields}))

    def rumble(self, slot):
        self.send("rumble", pad=slot, low=0.4, high=0.8, millis=150)

    def on_control(self, raw):
        received = micros()
        try:
            raw = raw.encode() if isinstance(raw, str) else raw
            message = json.loads(raw.decode()) if len(raw) <= 16384 else None
        except (ValueError, RecursionError):
            return
        if self.over or not isinstance(message, dict) or not isinstance(message.get("type"), str):
            return
        answer = {"hello": self.on_hello, "ping": self.on_ping, "keyframe": self.on_keyframe, "format": self.on_format,
                  "goodbye": self.on_goodbye}.get(message["type"])
        if answer is None or answer(message, received) is not False:
            self.heard = time.monotonic()                       # any valid message is a sign of life

    def on_hello(self, message, _):
        versions, client, can = message.get("versions"), message.get("client"), message.get("capabilities", [])
        if not (isinstance(versions, list) and all(whole(v, 8) for v in versions) and isinstance(client, str) and strings(can)):
            return False
        say(hello=client, capabilities=can)
        if 1 in versions:
            self.send("welcome", version=1, host="stranger-host 1.0", game="Square",
                      capabilities=["pads", "keyboard", "pointer", "rumble"])
        else:
            asyncio.create_task(self.end("no common version", "error", "it speaks version 1 of the protocol only"))

    def on_ping(self, message, received):
        if not (whole(message.get("id"), 32) and whole(message.get("client_micros"), 64)):
            return False
        self.send("pong", id=message["id"], client_micros=message["client_micros"],
                  host_received_micros=received, host_sent_micros=micros())

    def on_keyframe(self, *_):
        self.picture.force()

    def on_format(self, message, _):
        rate = message.get("bitrate_kbps")
        if not all(whole(message.get(k), 32) for k in ("width", "height", "fps")) or not (rate is None or whole(rate, 32)):
            return False
        self.send("format", width=self.width, height=self.height, fps=self.fps, bitrate_kbps=self.kbps)
        self.send("notice", text="This host keeps the format that it began with.")

    def on_goodbye(self, message, _):
        if not isinstance(message.get("code"), str) or not isinstance(message.get("reason", ""), str):
            return False
        say(goodbye=message["code"])
        asyncio.create_task(self.end("goodbye"))

    async def end(self, why, code=None, reason=""):
        """The end, for whatever reason, once. With a code the client is told first and given a moment to hear it."""
        if self.over:
            return
        self.over = True
        if code:
            self.send("goodbye", code=code, reason=reason)
            await asyncio.sleep(0.15)
        self.inputs.let_go()
        say(ended=why)
        if self.watcher and self.watcher is not asyncio.current_task():
            self.watcher.cancel()
        await self.peer.close()


# ---- HTTP (section 2) ---------------------------------------------------------------------------------------------------------

def problem(status, title, detail, headers=None, **more):
    body = json.dumps({"title": title, "status": status, "detail": detail, **more})
    return web.Response(status=status, text=body, content_type="application/problem+json", headers=headers)


@web.middleware
async def dress(request, handler):
    """Problem bodies for aiohttp's own errors (404, 405, 413) and for ours (500).

    A PATCH gets 405: aiortc cannot restart ICE, and a client that is told so at once joins again.
    """
    try:
        return await handler(request)
    except web.HTTPException as error:
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return problem(error.status, error.reason, f"{request.method} {request.path}: {error.reason}.", allow)
    except Exception as error:
        print(f"{request.method} {request.path}: {error!r}", file=sys.stderr)
        return problem(500, "Internal error", "The host failed.")


class Host:
    def __init__(self):
        self.session = None
        self.queue = {}                     # token: (asked about when, and more than once?); in the order of arrival
        self.app = web.Application(middlewares=[dress], client_max_size=64 * 1024)
        self.app.add_routes([web.post(PATH, self.post), web.delete(PATH, self.leave),
                             web.delete("/session/{id}", self.delete)])

    async def post(self, request):
        if request.content_type != "application/sdp":
            return problem(415, "Unsupported media type", "The offer has to be application/sdp.")
        offer = await request.text()
        wishes = {name: int(value) for name, value in request.query.items()         # the last one of a name counts
                  if name in ("width", "height", "fps", "bitrate_kbps") and re.fullmatch(r"[0-9]{1,9}", value)}

        # The queue. A player that joins again after an outage may come before its own DELETE; it gets a place, leaves it
        # without a word and starts afresh 0.5 s later. So only places that were asked about again keep others waiting.
        now, token = time.monotonic(), request.query.get("queue")
        self.queue = {t: place for t, place in self.queue.items() if now - place[0] < QUEUE_SECONDS}
        before = list(self.queue)[:list(self.queue).index(token) if token in self.queue else None]
        ahead = sum(self.queue[t][1] for t in before)
        if ahead or self.session and not self.session.over:
            back = token in self.queue
            token = token if back else secrets.token_urlsafe(12)
            self.queue[token] = now, back
            again = {"Retry-After": str(RETRY_AFTER), "Location": str(request.rel_url.update_query(queue=token))}
            return problem(503, "Somebody is playing", "The host has room for one player.", again, queue_position=ahead + 1)
        self.queue.pop(token, None)

        session = self.session = Session(wishes)
        try:
            answer = await session.answer(offer)
        except Exception as error:
            session.over = True
            with contextlib.suppress(Exception):                # aiortc cannot always close what it could not begin
                await session.peer.close()
            if isinstance(error, OperationError):
                return problem(406, "No common codec", "This host sends VP8 or H.264, and Opus.")
            return problem(400, "Bad offer", f"The offer cannot be used: {error}.")
        return web.Response(status=201, text=answer, content_type="application/sdp",
                            headers={"Location": f"/session/{session.id}"})

    async def leave(self, request):
        """DELETE of a place in the queue."""
        if self.queue.pop(request.query.get("queue"), None) is None:
            raise web.HTTPNotFound()
        return web.Response(status=200)

    async def delete(self, request):
        """The end of a session; 404 when it is over already, after the client's `goodbye` for example."""
        session = self.session
        if session is None or request.match_info["id"] != session.id:
            raise web.HTTPNotFound()
        say(deleted=True)
        if session.over:
            raise web.HTTPNotFound()
        await session.end("deleted")
        return web.Response(status=200)


async def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--listen", metavar="ADDRESS", default="127.0.0.1:0")
    address, _, port = parser.parse_args().listen.rpartition(":")
    host = Host()
    runner = web.AppRunner(host.app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, address.strip("[]"), int(port)).start()
    name, port = runner.addresses[0][:2]
    say(address=f"[{name}]:{port}" if ":" in name else f"{name}:{port}")

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(stop.set)), daemon=True).start()
    await stop.wait()
    if host.session:
        await host.session.end("shutdown", "shutdown", "it was stopped")
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
