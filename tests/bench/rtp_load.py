"""Calls' worth of RTP through a relay, in a process of its own: both ends of each call send 50
packets of 172 octets a second, evenly spread, and what comes back is counted.

The ends of a side share a few sockets, so that the generator is cheap: to a relay each of its ports
is a call's end nonetheless.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections.abc import Callable

import msgspec

from tests.bench.json_child import orders, reply
from tests.bench.ledger import percentile

HOST = "127.0.0.1"
SOCKETS_OF_A_SIDE = 8
PACKETS_PER_SECOND = 50
PACKET_OCTETS = 172
# Sends of one slice of a packet's 20 ms go out together.
SLICES = 20
RECEIVE_OCTETS = 2_048
BUFFER_OCTETS = 4 << 20
# What is under way at the end of a round comes within this.
REST_S = 0.2
Address = tuple[str, int]
# How, to where, the payload type and the SSRC.
Send = tuple[Callable[[bytes, Address], int], Address, int, int]
_HEAD = struct.Struct("!BBHII")
_SENT_AT = struct.Struct("!d")
SSRC_BASE = 0x5EED_0000
_PAYLOAD = bytes(PACKET_OCTETS - _HEAD.size - _SENT_AT.size)


class RtpOrder(msgspec.Struct, frozen=True):
    """`ports` are a relay's, two a call: where its first end sends to and its second.
    `payload_types` are those that the ends send. Without `ports` the sockets are asked for. Where
    payloads pass as they are, `timed`, the way's time is in them."""

    ports: tuple[tuple[int, int], ...] = ()
    payload_types: tuple[int, int] = (0, 0)
    seconds: float = 1.0
    timed: bool = False


class RtpRound(msgspec.Struct, frozen=True):
    """`bound` are the sockets' ports, by side; times on the way in µs, of the median and of the
    99th of a hundred. `late_ms` is how much later than it meant to the generator sent, at most."""

    bound: tuple[tuple[int, ...], tuple[int, ...]]
    sent: int = 0
    received: int = 0
    p50_us: float = 0.0
    p99_us: float = 0.0
    late_ms: float = 0.0


class RtpLoad:
    def __init__(self) -> None:
        self._sides = tuple([[bound_socket() for _ in range(SOCKETS_OF_A_SIDE)] for _ in range(2)])
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        for one in (*self._sides[0], *self._sides[1]):
            self._poll.register(one.fileno(), select.EPOLLIN)
            self._sockets[one.fileno()] = one
        # What was sent last by the calls of these ports: they go on in the next round.
        self._sequences: dict[tuple[tuple[int, int], ...], int] = {}
        self._received = 0
        self._ways_s: list[float] = []

    @property
    def bound(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        first, second = [tuple([one.getsockname()[1] for one in side]) for side in self._sides]
        return first, second

    def run(self, order: RtpOrder) -> RtpRound:
        self._received = 0
        self._ways_s.clear()
        sends = self._sends(order)
        late_s, sent = 0.0, 0
        first = self._sequences.get(order.ports, 0)
        packets = round(order.seconds * PACKETS_PER_SECOND)
        self._sequences[order.ports] = first + packets
        begin = time.monotonic()
        for packet in range(packets):
            sequence, ticks = first + packet & 0xFFFF, (first + packet) * 160 & 0xFFFF_FFFF
            for number, slice_ in enumerate(sends):
                due = begin + (packet + number / SLICES) / PACKETS_PER_SECOND
                self._receive_until(due, order.timed)
                late_s = max(late_s, time.monotonic() - due)
                for send, address, payload_type, ssrc in slice_:
                    head = _HEAD.pack(0x80, payload_type, sequence, ticks, ssrc)
                    with contextlib.suppress(BlockingIOError):
                        send(head + _SENT_AT.pack(time.monotonic()) + _PAYLOAD, address)
                        sent += 1
        self._receive_until(time.monotonic() + REST_S, order.timed)
        ways = sorted(self._ways_s) or [0.0]
        return RtpRound(
            self.bound,
            sent,
            self._received,
            percentile(ways, 0.5) * 1e6,
            percentile(ways, 0.99) * 1e6,
            late_s * 1e3,
        )

    def _sends(self, order: RtpOrder) -> list[list[Send]]:
        """Who sends what in each slice of a packet's time: both ends of a call together."""
        sends: list[list[Send]] = [[] for _ in range(SLICES)]
        for call, ports in enumerate(order.ports):
            for side, port in enumerate(ports):
                one = self._sides[side][call % SOCKETS_OF_A_SIDE]
                sends[call % SLICES].append(
                    (one.sendto, (HOST, port), order.payload_types[side], SSRC_BASE + port)
                )
        return sends

    def _receive_until(self, due: float, timed: bool) -> None:
        """At least once, however late it is."""
        while True:
            left_s = due - time.monotonic()
            for number, _ in self._poll.poll(max(0.0, left_s)):
                receive = self._sockets[number].recv
                with contextlib.suppress(BlockingIOError):
                    while True:
                        packet = receive(RECEIVE_OCTETS)
                        # A report of an engine's own is none of ours.
                        if len(packet) != PACKET_OCTETS:
                            continue
                        self._received += 1
                        if timed:
                            (sent_at,) = _SENT_AT.unpack_from(packet, _HEAD.size)
                            self._ways_s.append(time.monotonic() - sent_at)
            if left_s <= 0:
                return


def bound_socket() -> socket.socket:
    """Its buffer takes what comes while the generator sends, where root may have it so large."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind((HOST, 0))
    for option in (socket.SO_RCVBUF, getattr(socket, "SO_RCVBUFFORCE", 33)):
        with contextlib.suppress(OSError):
            made.setsockopt(socket.SOL_SOCKET, option, BUFFER_OCTETS)
    return made


def main() -> None:
    load = RtpLoad()
    for order in orders(RtpOrder):
        reply(load.run(order) if order.ports else RtpRound(load.bound))


if __name__ == "__main__":
    main()
