"""A relayed call on loopback whose clock is the test's: packets arrive when the test says so."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from random import Random

from media import sdp
from media.heard import Heard
from media.profile import Profile
from media.relay import RelayHost
from tests.e2e.patience import until
from tests.media.impaired_path import Arrival
from tests.media.packets import SSRC, packet
from tests.media.udp_end import LOOPBACK, UdpEnd

PTIME_S = 0.020
PORTS = (20_000, 21_999)


def speech(
    packets: int, first: int = 1, ssrc: int = SSRC, since: float = 0.0, payload_type: int = 0
) -> list[Arrival]:
    """What an end sends, and when."""
    return [
        Arrival(
            since + number * PTIME_S, packet(first + number, ssrc=ssrc, payload_type=payload_type)
        )
        for number in range(packets)
    ]


class ImpairedCall:
    """`with ImpairedCall() as call`. End 0 sends, and end 1 hears. With a `key` what end 0 sends is
    SRTP, by SDES."""

    def __init__(self, key: bytes = b"") -> None:
        self.now = 1_000.0
        self.relays = RelayHost(LOOPBACK, PORTS, Random(7), lambda: self.now)
        profile = Profile.SDES if key else Profile.PLAIN
        self.relay = self.relays.open(lambda event: None, (profile, Profile.PLAIN))
        self._key = key
        self.ends = (UdpEnd(), UdpEnd())
        self.ports = (0, 0)
        self.agree()

    def agree(self) -> None:
        """End 0 offers: at first, and anew."""
        offer = self.ends[0].description()
        if self._key:
            offer = with_key(offer, self._key)
        second = port_of(self.relay.offer(0, offer))
        first = port_of(self.relay.answer(1, self.ends[1].description()))
        self.ports = (first, second)

    async def speak_back(self) -> None:
        """End 1, to where end 0 is: since it is known as well now, what end 0 says in turn goes
        straight to it."""
        self.ends[1].send(packet(7, ssrc=SSRC - 1), self.ports[1])
        await self.ends[0].receive()

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

    async def has_heard(self, packets: int) -> None:
        """So many of end 0 have come."""

        async def come() -> int:
            return self.heard.packets

        await until(come, lambda count: count >= packets)

    @property
    def heard(self) -> Heard:
        """Of end 0."""
        return self.relay.heard(0)

    def __enter__(self) -> ImpairedCall:
        return self

    def __exit__(self, *_: object) -> None:
        self.relay.close()
        self.relays.close()
        for end in self.ends:
            end.close()


def with_key(offer: bytes, key: bytes) -> bytes:
    """The same, for SRTP (RFC 4568)."""
    crypto = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{b64encode(key).decode()}\r\n"
    return offer.replace(b"RTP/AVP", b"RTP/SAVP") + crypto.encode()


def port_of(description: bytes) -> int:
    return sdp.parse(description).media[0].port
