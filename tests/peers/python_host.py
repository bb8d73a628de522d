"""A second host of the open host protocol, written from docs/open-host-protocol.md alone.

A square is moved by the left stick or the d-pad of pad 0. Prints one JSON line with its address, then one line for every
input that it acts on, so that a test can compare. Needs aiohttp, aiortc and numpy.
"""
import argparse
import asyncio
import fractions
import json
import struct
import sys
import time
import uuid

import numpy as np
from aiohttp import web
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame, VideoFrame

VERSION = 1
WIDTH, HEIGHT, FPS = 640, 360, 30


def monotonic_micros():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def say(**what):
    print(json.dumps(what), flush=True)


def crc8(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ 0x07) & 0xFF if crc & 0x80 else (crc << 1) & 0xFF
    return crc


def strip_row(value):
    data = (value % 2**48).to_bytes(6, "big")
    bits = "1010" + "".join(f"{b:08b}" for b in data + bytes([crc8(data)])) + "0101"
    cells = np.array([235 if bit == "1" else 16 for bit in bits], dtype=np.uint8)
    return np.repeat(cells, 8)


class World:
    """What the player moves."""

    def __init__(self):
        self.x, self.y = WIDTH // 2, HEIGHT // 2
        self.dx, self.dy = 0.0, 0.0
        self.echo = 0
        self.newest = None
        self.next_edge = None
        self.buttons = 0

    def packet(self, data):
        """One packet of the input channel."""
        if len(data) < 14 or data[0] != VERSION:
            return
        sequence, stamp = struct.unpack_from(">IQ", data, 2)
        if self.newest is not None and not 0 < (sequence - self.newest) % 2**32 < 2**31:
            return
        self.newest, self.echo = sequence, stamp
        at = 14
        while at + 2 <= len(data):
            kind, length = data[at], data[at + 1]
            payload = data[at + 2 : at + 2 + length]
            at += 2 + length
            if len(payload) < length:
                return
            if kind == 2:
                for number, source, down, code in struct.iter_unpack(">HBBH", payload[: len(payload) // 6 * 6]):
                    fresh = self.next_edge is None or (number - self.next_edge) % 65536 < 32768
                    if fresh:
                        self.next_edge = (number + 1) % 65536
                        say(edge=code, source=source, down=bool(down & 1))
            elif kind == 1 and length >= 17 and payload[0] == 0:
                buttons, lx, ly, _, _, _, _ = struct.unpack_from(">IhhhhHH", payload, 1)
                left, right, up, down = (buttons >> bit & 1 for bit in (14, 15, 12, 13))
                self.dx = lx / 32767 + right - left
                self.dy = -ly / 32767 + down - up
                self.buttons = buttons

    def step(self):
        self.x = int(min(max(self.x + self.dx * 8, 40), WIDTH - 40))
        self.y = int(min(max(self.y + self.dy * 8, 60), HEIGHT - 40))


class Picture(MediaStreamTrack):
    kind = "video"

    def __init__(self, world):
        super().__init__()
        self.world, self.count, self.start = world, 0, None

    async def recv(self):
        if self.start is None:
            self.start = time.monotonic()
        self.count += 1
        await asyncio.sleep(max(0, self.start + self.count / FPS - time.monotonic()))
        self.world.step()
        image = np.full((HEIGHT * 3 // 2, WIDTH), 128, dtype=np.uint8)
        luma = image[:HEIGHT]
        luma[:] = 60
        luma[32:, :] += (np.arange(WIDTH) // 16 % 8 * 4).astype(np.uint8)
        luma[self.world.y - 16 : self.world.y + 16, self.world.x - 16 : self.world.x + 16] = 220
        luma[16:32, :512] = strip_row(self.world.echo)
        luma[0:16, :512] = strip_row(monotonic_micros())
        frame = VideoFrame.from_ndarray(image, format="yuv420p")
        frame.pts, frame.time_base = self.count * 90000 // FPS, fractions.Fraction(1, 90000)
        return frame


class Tone(MediaStreamTrack):
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.count, self.start = 0, None

    async def recv(self):
        if self.start is None:
            self.start = time.monotonic()
        await asyncio.sleep(max(0, self.start + self.count * 0.02 - time.monotonic()))
        t = (np.arange(960) + self.count * 960) / 48000
        wave = (np.sin(2 * np.pi * 440 * t) * 8000).astype(np.int16)
        frame = AudioFrame.from_ndarray(np.repeat(wave, 2)[None, :], format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, self.count * 960, fractions.Fraction(1, 48000)
        self.count += 1
        return frame


SESSIONS = {}


def control(channel, world, text):
    """One message of the control channel."""
    try:
        message = json.loads(text)
    except ValueError:
        return
    kind = message.get("type")
    if kind == "hello":
        if VERSION not in message.get("versions", []):
            channel.send(json.dumps({"type": "goodbye", "code": "error", "reason": "no common version"}))
            return
        say(hello=message.get("client"), capabilities=message.get("capabilities", []))
        channel.send(
            json.dumps(
                {"type": "welcome", "version": VERSION, "host": "python-host 1", "game": "square", "capabilities": ["pads", "rumble"]}
            )
        )
        channel.send(json.dumps({"type": "from_the_future", "ignored": True}))
        channel.send(json.dumps({"type": "rumble", "pad": 0, "low": 0.5, "high": 0.25, "millis": 100}))
    elif kind == "ping":
        now = monotonic_micros()
        channel.send(
            json.dumps(
                {
                    "type": "pong",
                    "id": message["id"],
                    "client_micros": message["client_micros"],
                    "host_received_micros": now,
                    "host_sent_micros": monotonic_micros(),
                }
            )
        )
    elif kind == "goodbye":
        say(goodbye=message.get("code"))


async def whep(request):
    offer = RTCSessionDescription(sdp=await request.text(), type="offer")
    peer, world = RTCPeerConnection(), World()
    session = uuid.uuid4().hex
    SESSIONS[session] = peer

    @peer.on("datachannel")
    def opened(channel):
        @channel.on("message")
        def received(data):
            if channel.label == "input" and isinstance(data, bytes):
                world.packet(data)
            elif channel.label == "control" and isinstance(data, str):
                control(channel, world, data)

    peer.addTrack(Picture(world))
    peer.addTrack(Tone())
    try:
        await peer.setRemoteDescription(offer)
        await peer.setLocalDescription(await peer.createAnswer())
    except Exception as error:  # any offer that cannot be answered is the client's fault
        problem = {"type": "about:blank", "title": "The offer cannot be answered", "status": 400, "detail": str(error)}
        return web.json_response(problem, status=400, content_type="application/problem+json")
    return web.Response(
        status=201,
        text=peer.localDescription.sdp,
        content_type="application/sdp",
        headers={"Location": f"/session/{session}", "Access-Control-Expose-Headers": "Location"},
    )


async def stop(request):
    peer = SESSIONS.pop(request.match_info["id"], None)
    if peer is None:
        raise web.HTTPNotFound()
    await peer.close()
    say(deleted=True)
    return web.Response()


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1")
    options = parser.parse_args()
    app = web.Application()
    app.router.add_post("/whep/square", whep)
    app.router.add_delete("/session/{id}", stop)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, options.listen, 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    say(address=f"{options.listen}:{port}")
    # The test closes our input when it is done.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
