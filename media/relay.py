"""The sockets of relayed calls: bound, read, written, closed. `leg` says what a packet becomes.

A readable socket is read once for each time that the loop says so. That costs what a
DatagramProtocol does under uvloop, far less under asyncio's own loop (which makes room for 256 KiB
a packet), and a call opens and closes without a wait.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from random import Random

from media.errors import NoPorts, NotAcceptable
from media.leg import Heard, Leg, describe, join
from media.offer_answer import Negotiation
from media.port_range import PortRange
from media.sdp import Address, address_kind, ip

# One octet more than is relayed, so that what was cut off is seen to be too long.
READ_OCTETS = 1_501
# Pairs of the range that others have bound, before a call is refused.
BIND_ATTEMPTS_MAX = 32
SILENCE_S = 60.0
_SESSION_ID_BITS = 62


class RelayHost:
    """Where calls are relayed: one address of this machine and a range of its ports. `host` is
    what is bound, `advertised_host` what ends are told, where that differs. It is no wildcard:
    nothing may be relayed to ourselves, so we must know who that is.

    Times are of `now`, the clock of the loop or a finer one that goes as fast. After `silence_s`
    without media from an end that should send, `on_silence` of the call is called, and again after
    as long.
    """

    def __init__(
        self,
        host: str,
        ports: tuple[int, int],
        random: Random,
        now: Callable[[], float],
        advertised_host: str = "",
        silence_s: float = SILENCE_S,
    ) -> None:
        address = ip(host)
        if address is None or address.is_unspecified:
            raise ValueError("media needs one address of this machine, no name and no wildcard")
        self.ports = PortRange(*ports, random)
        self._host = host
        self._advertised_host = advertised_host or host
        self._family = socket.AF_INET6 if address_kind(host) == "IP6" else socket.AF_INET
        self._random = random
        self.now = now
        self.silence_s = silence_s

    def open(self, on_silence: Callable[[], None]) -> Relay:
        """
        Raises:
            NoPorts: no port or no socket is left.
        """
        pairs: list[SocketPair] = []
        try:
            pairs.append(self._bind())
            pairs.append(self._bind())
        except NoPorts:
            for pair in pairs:
                self._give_back(pair)
            raise
        return Relay(self, (pairs[0], pairs[1]), on_silence)

    def negotiation(self, pairs: tuple[SocketPair, SocketPair]) -> Negotiation:
        first, second = [Address(self._advertised_host, pair.port) for pair in pairs]
        ids = [self._random.getrandbits(_SESSION_ID_BITS) for _ in pairs]
        return Negotiation((first, second), (ids[0], ids[1]), self.is_ours)

    def is_ours(self, address: Address) -> bool:
        hosts = (self._host, self._advertised_host)
        return address.host in hosts and self.ports.holds(address.port)

    def close(self, pairs: tuple[SocketPair, SocketPair]) -> None:
        for pair in pairs:
            self._give_back(pair)

    def _bind(self) -> SocketPair:
        for _ in range(BIND_ATTEMPTS_MAX):
            port = self.ports.take(self.now())
            sockets: list[socket.socket] = []
            try:
                for number in (port, port + 1):
                    sockets.append(socket.socket(self._family, socket.SOCK_DGRAM))
                    sockets[-1].setblocking(False)
                    sockets[-1].bind((self._host, number))
                return SocketPair(port, sockets[0], sockets[1])
            except OSError as error:
                for opened in sockets:
                    opened.close()
                self.ports.give_back(port, self.now())
                if error.errno != errno.EADDRINUSE:
                    raise NoPorts(f"no socket: {error.strerror}") from error
        raise NoPorts("others have bound the ports of the range")

    def _give_back(self, pair: SocketPair) -> None:
        pair.close()
        self.ports.give_back(pair.port, self.now())


class SocketPair:
    """An even port for RTP and the next for RTCP (RFC 3550 §11)."""

    def __init__(self, port: int, rtp: socket.socket, rtcp: socket.socket) -> None:
        self.port = port
        self._sockets = (rtp, rtcp)
        self._loop = asyncio.get_running_loop()

    def leg(self, is_ours: Callable[[Address], bool], now: Callable[[], float]) -> Leg:
        rtp, rtcp = self._sockets
        leg = Leg(rtp.sendto, rtcp.sendto, is_ours)
        self._read(rtp, leg.rtp_received, now)
        self._read(rtcp, leg.rtcp_received, now)
        return leg

    def close(self) -> None:
        for one in self._sockets:
            self._loop.remove_reader(one.fileno())
            one.close()

    def _read(
        self,
        readable: socket.socket,
        received: Callable[[bytes, tuple[str, int], float], None],
        now: Callable[[], float],
    ) -> None:
        receive = readable.recvfrom

        def on_readable() -> None:
            try:
                packet, source = receive(READ_OCTETS)
            except OSError:  # Nothing is there after all, or an ICMP error came back.
                return
            received(packet, source, now())

        self._loop.add_reader(readable.fileno(), on_readable)


class Relay:
    """One call: two ends, 0 and 1, each with ports of its own (see MediaError for what is raised).

    Silence is looked for from the first answer on, and not while an end is held.
    """

    def __init__(
        self,
        host: RelayHost,
        pairs: tuple[SocketPair, SocketPair],
        on_silence: Callable[[], None],
    ) -> None:
        self._host = host
        self._pairs: tuple[SocketPair, SocketPair] | None = pairs
        self._negotiation = host.negotiation(pairs)
        self._legs = (
            pairs[0].leg(host.is_ours, host.now),
            pairs[1].leg(host.is_ours, host.now),
        )
        join(*self._legs)
        self._on_silence = on_silence
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = 0.0

    def offer(self, end: int, sdp: bytes) -> bytes:
        self._check_open()
        return self._negotiation.offer(end, sdp)

    def answer(self, end: int, sdp: bytes) -> bytes:
        self._check_open()
        answered = self._negotiation.answer(end, sdp)
        first, second = self._negotiation.stream(0), self._negotiation.stream(1)
        assert first is not None
        assert second is not None
        describe(*self._legs, (first, second))
        self._told_at = self._host.now()
        self._arm()
        return answered

    def leg(self, end: int) -> Leg:
        return self._legs[end]

    def heard(self, end: int) -> Heard:
        return self._legs[end].heard

    def close(self) -> None:
        """Give its ports and sockets back; harmless when it is closed."""
        if self._pairs is not None:
            self._host.close(self._pairs)
            self._pairs = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check_open(self) -> None:
        """What was its ports may be another call's."""
        if self._pairs is None:
            raise NotAcceptable("the call is over")

    def _arm(self) -> None:
        """One timer for the end that has been silent for longest; it is set anew where that end
        has sent since."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if all(leg.in_both_directions for leg in self._legs):
            since = max(self._told_at, min(leg.last_at for leg in self._legs))
            delay = since + self._host.silence_s - self._host.now()
            self._timer = self._loop.call_later(max(0.0, delay), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        now = self._host.now()
        since = max(self._told_at, min(leg.last_at for leg in self._legs))
        if now >= since + self._host.silence_s:
            self._told_at = now
            self._on_silence()
        if self._pairs is not None:
            self._arm()
