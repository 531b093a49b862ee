"""What an end speaks: RTP as it is, with keys of its description, or as browsers do."""

from __future__ import annotations

from enum import StrEnum

from media import sdp
from media.errors import MediaError
from media.sdp import Media, SessionDescription

# RTP without SRTP (RFC 3551, RFC 4585), and with it (RFC 3711, RFC 5124; RFC 5764, RFC 7850).
PLAIN = ("RTP/AVP", "RTP/AVPF")
SECURE = ("RTP/SAVP", "RTP/SAVPF")
DTLS = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP")


class Profile(StrEnum):
    """OSRTP is SDES for those that have it, and plain for the others (RFC 8643)."""

    PLAIN = "plain"
    OSRTP = "osrtp"
    SDES = "sdes"
    WEBRTC = "webrtc"


def profile_of(octets: bytes) -> Profile:
    """What who offers this wants to be answered in; PLAIN where it is no description, which is
    found out by who reads it to its end."""
    if b"SAVP" not in octets and b"crypto" not in octets:
        return Profile.PLAIN  # As nearly all are: neither a secure protocol nor keys.
    try:
        description = sdp.parse(octets)
    except MediaError:
        return Profile.PLAIN
    audio = [one for one in description.media if one.kind == "audio" and one.port]
    profiles = [profile_of_media(description, one) for one in audio]
    for profile in (Profile.WEBRTC, Profile.SDES, Profile.OSRTP):
        if profile in profiles:
            return profile
    return Profile.PLAIN


def profile_of_media(description: SessionDescription, media: Media) -> Profile:
    said = media.lines.attributes
    if media.proto in DTLS:
        return Profile.WEBRTC
    if media.proto in SECURE:
        fingerprint = "fingerprint" in said or any(
            [line.value.startswith("fingerprint:") for line in description.lines]
        )
        return Profile.WEBRTC if fingerprint and "crypto" not in said else Profile.SDES
    return Profile.OSRTP if media.proto in PLAIN and "crypto" in said else Profile.PLAIN
