"""A relayed call on loopback whose clock is the test's: packets arrive when the test says so."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from media import sdp
from media.leg import Heard
from media.relay import RelayHost
from tests.media.impaired_path import Arrival
from tests.media.packets import SSRC, packet
from tests.media.udp_end import LOOPBACK, UdpEnd

PTIME_S = 0.020
PORTS = (20_000, 21_999)


def speech(packets: int, first: int = 1, ssrc: int = SSRC, since: float = 0.0) -> list[Arrival]:
    """What an end sends, and when."""
    return [
        Arrival(since + number * PTIME_S, packet(first + number, ssrc=ssrc))
        for number in range(packets)
    ]


class ImpairedCall:
    """`with ImpairedCall() as call`. End 0 sends, and end 1 hears."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.relays = RelayHost(LOOPBACK, PORTS, Random(7), lambda: self.now)
        self.relay = self.relays.open(lambda: None)
        self.ends = (UdpEnd(), UdpEnd())
        self.ports = (0, 0)
        self.agree()

    def agree(self) -> None:
        """End 0 offers: at first, and anew."""
        second = port_of(self.relay.offer(0, self.ends[0].description()))
        first = port_of(self.relay.answer(1, self.ends[1].description()))
        self.ports = (first, second)

    async def carry(self, arrivals: Iterable[Arrival], end: UdpEnd | None = None) -> list[bytes]:
        """What end 1 hears of what comes from there, at its times, from end 0 unless another is
        named; each is waited for."""
        heard = []
        began = self.now
        for at, octets in arrivals:
            self.now = began + at
            (end or self.ends[0]).send(octets, self.ports[0])
            heard.append((await self.ends[1].receive())[0])
        return heard

    @property
    def heard(self) -> Heard:
        """Of end 0."""
        return self.relay.heard(0)

    def __enter__(self) -> ImpairedCall:
        return self

    def __exit__(self, *_: object) -> None:
        self.relay.close()
        for end in self.ends:
            end.close()


def port_of(description: bytes) -> int:
    return sdp.parse(description).media[0].port
