"""µs of CPU a relayed packet: `python -m tests.bench.bench_relay [--calls N] [--rate PACKETS]`.

A child sends 172 octets a packet to both ends of each call, and drains what comes back; what is
measured is the CPU time of this process alone, which does nothing but relay, and what the child
did not get back. Then the parts of the path by themselves, without sockets.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import uvloop
from pylibsrtp import Policy, Session

from media import sdp
from media.audio_stream import AudioStream
from media.leg import Leg, describe, join
from media.offer_answer import Negotiation
from media.reception import Reception
from media.relay import Relay, RelayHost
from media.sdes import KEY_OCTETS, Crypto, Suite
from media.sdp import Address
from media.srtp import policy
from media.transport_description import PlainDescription
from tests.media.descriptions import FORMATS, audio, spoken
from tests.media.descriptions import sdp as description
from tests.media.leg_transports import Ignoring
from tests.media.packets import packet

HOST = "127.0.0.1"
ROUNDS = 5
ROUND_S = 1.0
# Sockets between two looks at the clock.
BURST = 10
PACKETS_OF_A_PART, ROUNDS_OF_A_PART = 10_000, 20
SOURCE = ("198.51.100.7", 49_170)
Take = Callable[[bytes, float], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--rate", type=int, default=10_000, help="packets a second, of all calls")
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(relayed(arguments.calls, arguments.rate))
    parts()


async def relayed(calls: int, rate: int) -> None:
    host = RelayHost(HOST, (20_000, 29_999), random.Random(1), time.monotonic)
    ends = [bound() for _ in range(2 * calls)]
    relays: list[Relay] = []
    for first, second in zip(ends[::2], ends[1::2], strict=True):
        relays.append(host.open(lambda event: None))
        for end, port in zip((second, first), agreed(relays[-1], first, second), strict=True):
            end.connect((HOST, port))
    reading, writing = os.pipe()
    if not os.fork():
        os.write(writing, b"%d %d" % load(ends, rate, time.monotonic() + ROUND_S * (ROUNDS + 1)))
        os._exit(0)
    await asyncio.sleep(ROUND_S / 2)
    spent = [await one_round(relays) for _ in range(ROUNDS)]
    await asyncio.sleep(ROUND_S)  # The last of them come back; then the child is over.
    sent, back = map(int, os.read(reading, 100).split())
    sys.stdout.write(
        f"relayed: {min(spent):.2f} µs a packet (median {median(spent):.2f}), {calls} calls, "
        f"{sent / ROUND_S / (ROUNDS + 1):,.0f} packets/s, {sent - back} of {sent:,} not back, "
        f"{sum(relay.leg(end).unsent for relay in relays for end in (0, 1))} not taken\n"
    )
    for relay in relays:
        relay.close()


def agreed(relay: Relay, first: socket.socket, second: socket.socket) -> tuple[int, int]:
    """The ports that the second and the first send to."""
    offered = relay.offer(0, spoken(first.getsockname()[1], host=HOST))
    answered = relay.answer(1, spoken(second.getsockname()[1], host=HOST))
    return sdp.parse(offered).media[0].port, sdp.parse(answered).media[0].port


async def one_round(relays: list[Relay]) -> float:
    def came() -> int:
        return sum(relay.heard(end).packets for relay in relays for end in (0, 1))

    before, packets = time.process_time(), came()
    await asyncio.sleep(ROUND_S)
    spent = time.process_time() - before
    return spent / max(1, came() - packets) * 1e6


def load(ends: list[socket.socket], rate: int, until: float) -> tuple[int, int]:
    """How many were sent, and how many came."""
    sent = back = sequence = 0
    due = time.monotonic()
    while due < until:
        sequence += 1
        octets = packet(sequence)
        for at in range(0, len(ends), BURST):
            for end in ends[at : at + BURST]:
                end.send(octets)
                sent += 1
                with contextlib.suppress(OSError):
                    while end.recv(2_048):
                        back += 1
            due += BURST / rate
            time.sleep(max(0.0, due - time.monotonic()))
    time.sleep(0.2)
    for end in ends:
        with contextlib.suppress(OSError):
            while end.recv(2_048):
                back += 1
    return sent, back


def bound() -> socket.socket:
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.bind((HOST, 0))
    end.setblocking(False)
    return end


def parts() -> None:
    packets = [packet(sequence) for sequence in range(1, PACKETS_OF_A_PART + 1)]
    report("leg.rtp_received", lambda: legs()[0], packets)
    report("leg.rtp_received, PCMU to PCMA", lambda: legs(("0",), ("8",))[0], packets)
    report("leg.rtp_received, in a stream of ours", tracked, packets)
    report("leg.rtp_received, 20 ms to 40 ms", lambda: legs(ptime=40)[0], packets)
    report("reception.received", lambda: Reception().received, packets)
    for suite in Suite:
        protected = protector(suite, Policy.SSRC_ANY_OUTBOUND)
        ciphered = [protected.protect(one) for one in packets]
        report(f"{suite}: protected", partial(protecting, suite), packets)
        report(f"{suite}: plain", partial(deciphering, suite), ciphered)
    near, far = [PlainDescription(Address(HOST, port)) for port in (20_000, 20_002)]
    negotiation = Negotiation((near, far), (1, 2))
    offer = spoken()

    def agree(octets: bytes, now: float) -> None:
        negotiation.offer(0, offer)
        negotiation.answer(1, offer)

    report("an offer and its answer rewritten", lambda: agree, packets)


def legs(
    first: tuple[str, ...] = FORMATS, second: tuple[str, ...] = FORMATS, ptime: int = 20
) -> tuple[Take, Leg]:
    """What the first takes, and the second that is sent it."""
    pair = Leg(Ignoring()), Leg(Ignoring())
    join(*pair)
    streams = []
    for formats, asked in ((first, 20), (second, ptime)):
        said = sdp.parse(description(audio(SOURCE[1], f"ptime:{asked}", formats=formats)))
        streams.append(AudioStream.of(said, said.media[0]))
    describe(*pair, (streams[0], streams[1]))
    return lambda octets, now: pair[0].rtp_received(octets, SOURCE, now), pair[1]


def tracked() -> Take:
    take, second = legs()
    second.outgoing.track()
    return take


def protector(suite: Suite, ssrc_type: int) -> Session:
    return Session(policy(Crypto(1, suite, bytes(KEY_OCTETS[suite])), ssrc_type))


def protecting(suite: Suite) -> Take:
    session = protector(suite, Policy.SSRC_ANY_OUTBOUND)
    return lambda octets, now: session.protect(octets)


def deciphering(suite: Suite) -> Take:
    session = protector(suite, Policy.SSRC_ANY_INBOUND)
    return lambda octets, now: session.unprotect(octets)


def report(what: str, setup: Callable[[], Take], packets: list[bytes]) -> None:
    spent = []
    for _ in range(ROUNDS_OF_A_PART):
        take = setup()
        before = time.process_time_ns()
        for at, octets in enumerate(packets):
            take(octets, at * 0.02)
        spent.append((time.process_time_ns() - before) / len(packets))
    sys.stdout.write(f"{what}: {min(spent) / 1e3:.2f} µs\n")


if __name__ == "__main__":
    main()
