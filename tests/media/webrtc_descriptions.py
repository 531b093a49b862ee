"""Descriptions as browsers write them, and parameters of ours."""

from __future__ import annotations

from media.webrtc_parameters import Fingerprint, IceCandidate, LocalParameters
from tests.media.descriptions import sdp

SHA_256 = ":".join(["CD"] * 32)
ICE = ("ice-ufrag:Q1w2", "ice-pwd:0123456789abcdefghij+/")
RESTARTED_ICE = ("ice-ufrag:R2t3", "ice-pwd:abcdefghij0123456789+/")
TRANSPORT = (
    *ICE,
    "ice-options:trickle",
    f"fingerprint:sha-256 {SHA_256}",
    "setup:actpass",
    "candidate:1 1 udp 2113937151 5c3f9a3e.local 49170 typ host generation 0",
    "rtcp-mux",
)
# As Chromium offers them, less what it has of no use to us.
CODECS = {
    "111": ("rtpmap:111 opus/48000/2", "rtcp-fb:111 transport-cc", "fmtp:111 useinbandfec=1"),
    "63": ("rtpmap:63 red/48000/2", "fmtp:63 111/111"),
    "9": ("rtpmap:9 G722/8000",),
    "0": ("rtpmap:0 PCMU/8000",),
    "8": ("rtpmap:8 PCMA/8000",),
    "13": ("rtpmap:13 CN/8000",),
    "110": ("rtpmap:110 telephone-event/48000",),
    "126": ("rtpmap:126 telephone-event/8000",),
}
LOCAL = LocalParameters(
    "ourUfrag",
    "ourPasswordOfManyChars00",
    Fingerprint("sha-256", ":".join(["EF"] * 32)),
    (IceCandidate("f", 2_130_706_431, "192.0.2.1", 30_000, "host"),),
)


def browser(
    *,
    formats: tuple[str, ...] = tuple(CODECS),
    transport: tuple[str, ...] = TRANSPORT,
    mid: str = "0",
    video: bool = False,
    proto: str = "UDP/TLS/RTP/SAVPF",
    direction: str = "sendrecv",
) -> bytes:
    """Its offer; or its answer, with another `transport` and fewer formats."""
    codecs = [line for one in formats for line in CODECS[one]]
    attributes = (
        *transport,
        f"mid:{mid}",
        "extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        direction,
        "msid:stream track",
        *codecs,
        "ssrc:1001 cname:browser",
    )
    media = [media_of(f"m=audio 9 {proto} {' '.join(formats)}", *attributes)]
    mids = mid
    if video:
        media.append(media_of(f"m=video 9 {proto} 96", *transport, "mid:1", "rtpmap:96 VP8/90000"))
        mids += " 1"
    return sdp(
        *media,
        host="0.0.0.0",
        session=(f"a=group:BUNDLE {mids}", "a=extmap-allow-mixed", "a=msid-semantic: WMS stream"),
    )


def media_of(head: str, *attributes: str) -> str:
    return "\r\n".join((head, *(f"a={one}" for one in attributes)))


def role(setup: str, transport: tuple[str, ...] = TRANSPORT) -> tuple[str, ...]:
    return tuple(f"setup:{setup}" if one.startswith("setup:") else one for one in transport)


def restarted(transport: tuple[str, ...] = TRANSPORT) -> tuple[str, ...]:
    return (*RESTARTED_ICE, *transport[2:])
