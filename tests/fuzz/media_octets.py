"""What is fuzzed of media: descriptions through a negotiation, and packets through a leg."""

from __future__ import annotations

import contextlib

from media import rtcp, rtp, sdp, wav
from media.audio_stream import AudioStream
from media.errors import MediaError, NotAcceptable
from media.leg import Leg, describe, join
from media.leg_taps import Tap
from media.offer_answer import Negotiation
from media.profile import Profile
from media.recording import Recording
from media.sdes_description import SdesDescription
from media.sdp import Address
from media.speech import Speech, SpeechBounds
from media.transport_description import PlainDescription
from tests.media.descriptions import spoken
from tests.media.leg_transports import SentBy

RELAYS = (Address("203.0.113.9", 20_000), Address("203.0.113.9", 20_002))
SOURCES = (("198.51.100.7", 49_170), ("192.0.2.66", 4_000))


def fuzz_sdp(octets: bytes) -> None:
    """Offered, answered and offered back: what is told is a description with our audio in it."""
    with contextlib.suppress(MediaError):
        read = sdp.parse(octets)
        assert sdp.parse(bytes(read)) == read
    for profile in (Profile.PLAIN, Profile.OSRTP, Profile.SDES):
        negotiate_all(octets, profile)


def negotiate_all(octets: bytes, profile: Profile) -> None:
    first, second = PlainDescription(RELAYS[0]), SdesDescription(profile, RELAYS[1], bytes)
    call = Negotiation((first, second), (1, 2))
    for said in (octets, spoken()):
        for negotiate in (call.offer, call.answer, call.offer):
            for end in (0, 1):
                with contextlib.suppress(MediaError):
                    told = negotiate(end, said)
                    media = sdp.parse(told).media
                    assert [one.port for one in media if one.port] == [RELAYS[1 - end].port]


def fuzz_rtp(octets: bytes) -> None:
    """A row of packets, each behind its length and its source: one octet each, whose upper bits say
    that the end is played to, and that it is heard. Little more goes out than came in, and none to
    who is not known."""
    transports = SentBy(), SentBy()
    first, second = [Leg(transport) for transport in transports]
    join(first, second)
    read = sdp.parse(spoken())
    stream = AudioStream.of(read, read.media[0])
    describe(first, second, (stream, stream))
    at = packets = 0
    taps: list[Tap] = [
        Recording(1, 0.0, 1 << 20).channels[0],
        Speech(SpeechBounds(), lambda *_: None),
    ]
    while at + 2 <= len(octets):
        packet = octets[at + 2 : at + 2 + octets[at]]
        source = SOURCES[octets[at + 1] & 1]
        packets += 1
        second.be_played_to(bool(octets[at + 1] & 2))
        first.tap(*taps[: octets[at + 1] >> 6])
        first.rtp_received(packet, source, packets * 0.02)
        first.rtcp_received(packet, (source[0], source[1] + 1), packets * 0.02)
        rtp.payload(packet)
        assert len(list(rtcp.reports(packet))) <= len(packet) // 8
        at += 2 + octets[at]
    sent = [*transports[0].sent, *transports[1].sent]
    # Cut anew to 20 ms, if of 10 ms and more; and a report for each.
    assert len(sent) <= 4 * packets
    assert all(to[0] in (SOURCES[0][0], SOURCES[1][0]) for _, _, to in sent)
    assert first.heard.mos <= 4.5


def fuzz_wav(octets: bytes) -> None:
    with contextlib.suppress(NotAcceptable):
        assert wav.read(octets).seconds > 0
