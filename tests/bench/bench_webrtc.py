"""µs of CPU a packet between browsers and phones: `python -m tests.bench.bench_webrtc [--calls N]`.

A child is both ends of each call: it sends 50 packets a second from each, over SRTP as a browser
and as it is as a phone, and drains what comes. What is measured is the CPU time of this process
alone, with all its threads, which does nothing but relay. First PCMU as it is, then Opus to PCMU
and back.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sys
import time
from collections.abc import Callable
from itertools import cycle, islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from statistics import median

import uvloop

from media import sdp
from media.codecs import PCMU
from media.profile import Profile
from media.relay import Relay, RelayHost
from media.rtp import RtpHeader
from media.sdp import Address
from media.transcoding import ToOpus
from media.webrtc_description import WebRtcSaid
from media.webrtc_end import WebRtcEnd, WebRtcEnds
from media.webrtc_host import WebRtcHost
from media.webrtc_parameters import LocalParameters
from media.webrtc_transport import TransportState, WebRtcTransport
from tests.media.descriptions import audio
from tests.media.descriptions import sdp as described
from tests.media.tone import frames, mu_law_tone
from tests.media.webrtc_descriptions import browser

HOST = "127.0.0.1"
PORTS, PEER_PORTS = (20_000, 24_999), (25_000, 29_999)
ROUNDS = 4
ROUND_S = 1.0
FRAME_S = 0.02
OPUS = 111
# A second of each tone is made beforehand, and sent again and again.
FRAMES = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20)
    calls = parser.parse_args().calls
    for payload_type in (PCMU, OPUS):
        ours, theirs = Pipe()
        child = os.fork()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if not child:
                runner.run(peers(theirs, calls, payload_type))
                os._exit(0)
            runner.run(relayed(ours, calls, payload_type))
        os.waitpid(child, 0)


async def relayed(pipe: Connection, calls: int, payload_type: int) -> None:
    host = RelayHost(HOST, PORTS, random.Random(1), time.monotonic)
    host.browsers = ends = WebRtcEnds(WebRtcHost(host, time.monotonic))
    opened = [ends.end(we_offer=False) for _ in range(calls)]
    connected = [asyncio.Event() for _ in opened]
    for end, event in zip(opened, connected, strict=True):
        end.transport.on_state = when_connected(event)
    relays = [host.join((end, host.end(Profile.PLAIN)), lambda event: None) for end in opened]
    answers = []
    before = time.process_time()
    for relay, (local, phone_port) in zip(relays, pipe.recv(), strict=True):
        answers.append(agreed(relay, local, phone_port, payload_type))
    pipe.send(answers)
    await asyncio.gather(*[one.wait() for one in connected])
    set_up_ms = (time.process_time() - before) / calls * 1e3
    await asyncio.sleep(ROUND_S)
    spent = [await one_round(relays) for _ in range(ROUNDS)]
    report(payload_type, calls, spent, set_up_ms, opened, host.transcoding.dropped)
    pipe.send(None)
    for relay in relays:
        relay.close()
    await ends.host.closed()
    host.close()


def report(
    payload_type: int,
    calls: int,
    spent: list[float],
    set_up_ms: float,
    opened: list[WebRtcEnd],
    dropped: int,
) -> None:
    lost = sum([end.leg.heard.lost + end.leg.peer.heard.lost for end in opened])
    sys.stdout.write(
        f"{'PCMU' if payload_type == PCMU else 'Opus to PCMU'}: {min(spent):.2f} µs a packet "
        f"(median {median(spent):.2f}), {calls} calls, {set_up_ms:.1f} ms a set-up, {lost} lost, "
        f"{dropped} dropped before a codec\n"
    )


def when_connected(event: asyncio.Event) -> Callable[[TransportState], None]:
    def state_changed(state: TransportState) -> None:
        if state is TransportState.CONNECTED:
            event.set()

    return state_changed


def agreed(
    relay: Relay, local: LocalParameters, phone_port: int, payload_type: int
) -> tuple[WebRtcSaid, int]:
    """What the browser's and the phone's end are told."""
    transport = (
        f"ice-ufrag:{local.ufrag}",
        f"ice-pwd:{local.pwd}",
        f"fingerprint:{local.fingerprint.hash} {local.fingerprint.octets}",
        "setup:actpass",
        "rtcp-mux",
        *[f"candidate:{one}" for one in local.candidates],
    )
    offered = relay.offer(0, browser(formats=(str(payload_type),), transport=transport))
    phone = described(audio(phone_port, "rtpmap:0 PCMU/8000", formats=("0",)), host=HOST)
    answer = sdp.parse(relay.answer(1, phone))
    return WebRtcSaid.of(answer, answer.media[0]), sdp.parse(offered).media[0].port


async def one_round(relays: list[Relay]) -> float:
    def came() -> int:
        return sum(relay.heard(end).packets for relay in relays for end in (0, 1))

    before, packets = time.process_time(), came()
    await asyncio.sleep(ROUND_S)
    spent = time.process_time() - before
    return spent / max(1, came() - packets) * 1e6


async def peers(pipe: Connection, calls: int, payload_type: int) -> None:
    """The child: browsers and phones."""
    host = RelayHost(HOST, PEER_PORTS, random.Random(2), time.monotonic)
    web = WebRtcHost(host, time.monotonic)
    browsers = [WebRtcTransport(web, controlling=True) for _ in range(calls)]
    phones = [host.take_pair()[0] for _ in range(calls)]
    locals_ = [await one.gather() for one in browsers]
    pipe.send([(local, pair.port) for local, pair in zip(locals_, phones, strict=True)])
    answers = pipe.recv()
    for one, (said, _) in zip(browsers, answers, strict=True):
        one.connect(said.remote, is_client=False)
    targets = [Address(HOST, port) for _, port in answers]
    phone_frames = list(islice(frames(mu_law_tone(440)), FRAMES))
    web_frames = phone_frames if payload_type == PCMU else encoded(phone_frames)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number, frame, web_frame in zip(range(1 << 16), cycle(phone_frames), cycle(web_frames)):
        if pipe.poll():
            break
        ticks = 160 if payload_type == PCMU else 960
        phone_packet = bytes(RtpHeader(PCMU, number, number * 160, 1)) + frame
        web_packet = bytes(RtpHeader(payload_type, number, number * ticks, 2)) + web_frame
        for at, (one, pair, target) in enumerate(zip(browsers, phones, targets, strict=True)):
            # Spread over the time of a frame, as calls are.
            due = begun + (number + at / calls) * FRAME_S
            await asyncio.sleep(max(0.0, due - loop.time()))
            with contextlib.suppress(OSError):
                pair.send_rtp(phone_packet, target)
                one.send_rtp(web_packet)


def encoded(phone_frames: list[bytes]) -> list[bytes]:
    transcoding = ToOpus(OPUS)
    packets = [
        bytes(RtpHeader(PCMU, number, number * 160, 1)) + one
        for number, one in enumerate(phone_frames)
    ]
    return [made[12:] for one in packets for made in transcoding.convert(one)]


if __name__ == "__main__":
    main()
