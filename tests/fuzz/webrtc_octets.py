"""What is fuzzed of browsers' media: descriptions, and packets of Opus and G.711."""

from __future__ import annotations

import contextlib

from media import rtp, sdp
from media.codecs import PCMU
from media.errors import MediaError
from media.offer_answer import Negotiation
from media.sdp import Address
from media.transcoding import FromOpus, ToOpus
from media.transport_description import PlainDescription
from media.webrtc_description import WebRtcDescription
from tests.media.descriptions import spoken
from tests.media.webrtc_descriptions import LOCAL, browser, restarted, role

PHONE = Address("203.0.113.9", 20_000)
OURS = {PHONE.port, LOCAL.candidates[0].port}
OPUS = 111
WEBRTC_SEEDS = (
    browser(),
    browser(video=True, mid="voice", direction="sendonly"),
    browser(formats=("111", "110"), transport=restarted()),
    browser(formats=("0", "126"), transport=role("passive")),
)


def fuzz_webrtc(octets: bytes) -> None:
    """Between a browser and a phone, offered and answered both ways: what is told is a description
    whose audio, if it is not refused, is at a port of ours."""
    web = WebRtcDescription(LOCAL, lambda: LOCAL)
    call = Negotiation((web, PlainDescription(PHONE)), (1, 2), transcodes=True)
    for said in (octets, browser(), octets):
        with contextlib.suppress(MediaError):
            told(call.offer(0, said))
            told(call.answer(1, spoken()))
        with contextlib.suppress(MediaError):
            told(call.offer(1, spoken()))
            told(call.answer(0, said))


def told(octets: bytes) -> None:
    assert {one.port for one in sdp.parse(octets).media if one.port} <= OURS


def fuzz_transcoding(octets: bytes) -> None:
    """A row of packets, each behind its length and its payload type: one octet each. What is made
    of them is RTP, and of no packet more than its time."""
    down, up = FromOpus(OPUS, PCMU), ToOpus(OPUS)
    at = 0
    while at + 2 <= len(octets):
        packet = b"\x80" + octets[at + 1 : at + 2 + octets[at]]
        for made in (*down.convert(packet), *up.convert(packet)):
            assert rtp.parse(made) is not None
        at += 2 + octets[at]
