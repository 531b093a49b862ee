"""How each side is spoken to, in the flags of rtpengine's ng protocol."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from gateway.ng.bencode import Writable
from gateway.voice.media_session import MediaRefused
from media import sdp
from media.errors import SdpError
from media.profile import Profile, profile_of_media
from media.sdp import SessionDescription
from media.sdp_lines import Line, Lines

# The suites of SRTP that are never offered: without encryption, with a short tag, or that nobody
# uses. AES-GCM with both lengths of key and AES-CM with a tag of 80 bits are left.
NO_SUITES = (
    "no-NULL_HMAC_SHA1_80",
    "no-NULL_HMAC_SHA1_32",
    "no-F8_128_HMAC_SHA1_80",
    "no-F8_128_HMAC_SHA1_32",
    "no-AES_192_CM_HMAC_SHA1_80",
    "no-AES_192_CM_HMAC_SHA1_32",
    "no-AES_256_CM_HMAC_SHA1_32",
    "no-AES_CM_128_HMAC_SHA1_32",
)
# The addresses of a description are those of the media, whoever sent it, and are hidden.
OF_EACH: dict[str, Writable] = {
    "flags": ["trust-address"],
    "replace": ["origin", "session-connection"],
}
G711 = ("PCMU", "PCMA")
# What is offered beside what was: rtpengine transcodes where it is taken, and only then. Browsers
# get G.711 in the first place, since that is passed as it is.
_PLAIN: dict[str, Writable] = {
    "ICE": "remove",
    "DTLS": "off",
    "rtcp-mux": ["demux"],
    "codec": {"transcode": G711},
}
_OFFERED: dict[Profile, dict[str, Writable]] = {
    Profile.PLAIN: _PLAIN | {"SDES": ["off"]},
    Profile.OSRTP: _PLAIN | {"SDES": NO_SUITES, "OSRTP": ["offer"]},
    Profile.SDES: _PLAIN | {"SDES": NO_SUITES},
    Profile.WEBRTC: {
        "ICE": "force",
        "SDES": ["off"],
        "rtcp-mux": ["offer", "require"],
        "codec": {"transcode": (*G711, "opus")},
        "flags": ["trust-address", "generate-mid"],
    },
}
_PROTOCOLS = {
    Profile.PLAIN: "RTP/AVP",
    Profile.OSRTP: "RTP/AVP",
    Profile.SDES: "RTP/SAVP",
    Profile.WEBRTC: "UDP/TLS/RTP/SAVPF",
}


# What a description keeps of who made it (RFC 8866 §5): the other lines name people and places.
_SESSION_LINES, _MEDIA_LINES = frozenset("cbta"), frozenset("cba")


class Spoken(NamedTuple):
    """What a side speaks: its profile, and the very transport protocol of its m= line."""

    profile: Profile
    protocol: str

    @classmethod
    def new(cls, profile: Profile) -> Spoken:
        return cls(profile, _PROTOCOLS[profile])


def read(octets: bytes) -> tuple[Spoken, bytes]:
    """What its sender speaks, and the description as rtpengine is to get it.

    Raises:
        MediaRefused: 488, no description, or one without audio.
    """
    try:
        description = sdp.parse(octets)
    except SdpError as error:
        raise MediaRefused(error.status, str(error)) from error
    for media in description.media:
        if media.kind == "audio" and media.port:
            spoken = Spoken(profile_of_media(description, media), media.proto)
            return spoken, bytes(_nameless(description))
    raise MediaRefused(488, "no audio is described")


def offered(to: Spoken) -> dict[str, Writable]:
    """The flags of an offer that goes out to such a side."""
    return OF_EACH | _OFFERED[to.profile] | {"transport-protocol": to.protocol}


def answered(to: Spoken) -> dict[str, Writable]:
    """The flags of an answer that goes back to such a side; the rest follows from its offer."""
    flags = OF_EACH | {"ICE": "force" if to.profile is Profile.WEBRTC else "remove"}
    if to.profile is Profile.OSRTP:
        flags["OSRTP"] = ["accept"]
    return flags


def _nameless(description: SessionDescription) -> SessionDescription:
    """Its addresses are replaced by rtpengine, and its names here."""
    origin = description.origin
    lines = [line for line in description.lines if line.kind in _SESSION_LINES]
    if origin is not None:
        origin = Line("o", f"- {origin.value.partition(' ')[2]}")
        lines.insert(0, Line("s", "-"))
    media = [
        replace(one, lines=Lines([line for line in one.lines if line.kind in _MEDIA_LINES]))
        for one in description.media
    ]
    return SessionDescription(origin, Lines(lines), tuple(media))
