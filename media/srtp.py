"""SRTP and SRTCP (RFC 3711, RFC 7714) of one end: packets in and out, by the keys of `sdes`.

A context lives as long as its key: it counts how often the sequence number has begun again, and
an end that was not told another key goes on counting.
"""

from __future__ import annotations

from collections.abc import Callable

from pylibsrtp import Error, Policy, Session

from media.packet_run import Straight
from media.rtp import HEADER_OCTETS, RTCP_TYPES
from media.sdes import Crypto, SrtpKeys, Suite
from media.srtp_in_place import opener, protector

PROFILES = {
    Suite.AEAD_AES_128_GCM: Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    Suite.AEAD_AES_256_GCM: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    Suite.AES_CM_128_HMAC_SHA1_80: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    Suite.AES_CM_128_HMAC_SHA1_32: Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}
# Octets behind the MKI: the tag of authentication, of RTP and of RTCP. GCM's stands before it.
TAG_OCTETS = {Suite.AES_CM_128_HMAC_SHA1_80: (10, 10), Suite.AES_CM_128_HMAC_SHA1_32: (4, 10)}
# How far out of turn packets may come.
WINDOW_PACKETS = 1_024
# Sources of RTCP that an end is sent reports of: each costs memory.
SOURCES_MAX = 16


class Srtp:
    """Both directions of one end. What cannot be had is None: not authentic, seen before, too
    long, or a number that must not be used again."""

    def __init__(self) -> None:
        self._keys: SrtpKeys | None = None
        self._inbound: Session | None = None
        self._outbound: Session | None = None
        self._sources: set[bytes] = set()

    def agreed(self, keys: SrtpKeys) -> None:
        before, self._keys = self._keys, keys
        if before is None or before.theirs[1:] != keys.theirs[1:]:
            self._inbound = Session(policy(keys.theirs, Policy.SSRC_ANY_INBOUND))
        if before is None or before.ours[1:] != keys.ours[1:]:
            self._outbound = Session(policy(keys.ours, Policy.SSRC_ANY_OUTBOUND))
            self._sources = set()

    def opener(self, on_stray: Callable[[], object]) -> Callable[[int], bool] | None:
        """For a run of packets (see `srtp_in_place`); None where each names its key."""
        assert self._inbound is not None, "no key was agreed"
        if self._keys is not None and self._keys.theirs.mki_octets:
            return None
        return opener(self._inbound, on_stray)

    def protector(self, send: Callable[[memoryview], object]) -> Straight:
        assert self._outbound is not None, "no key was agreed"
        return protector(self._outbound, send)

    def protected(self, packet: bytes) -> bytes | None:
        assert self._outbound is not None, "no key was agreed"
        try:
            return self._outbound.protect(packet)
        except (Error, ValueError):
            return None

    def protected_rtcp(self, packet: bytes) -> bytes | None:
        assert self._outbound is not None, "no key was agreed"
        source = packet[4:8]
        if source not in self._sources:
            if len(self._sources) == SOURCES_MAX:
                return None
            self._sources.add(source)
        try:
            return self._outbound.protect_rtcp(packet)
        except (Error, ValueError):
            return None

    def plain(self, packet: bytes) -> bytes | None:
        """Of RTP or RTCP (RFC 5761 §4)."""
        assert self._inbound is not None, "no key was agreed"
        if len(packet) < HEADER_OCTETS:
            return None
        is_rtcp = packet[1] in RTCP_TYPES
        try:
            if self._keys is not None and self._keys.theirs.mki_octets:
                packet = without_mki(packet, self._keys.theirs, is_rtcp)
            if is_rtcp:
                return self._inbound.unprotect_rtcp(packet)
            return self._inbound.unprotect(packet)
        except (Error, ValueError):
            return None


def policy(crypto: Crypto, ssrc_type: int) -> Policy:
    made = Policy(crypto.key, ssrc_type, srtp_profile=PROFILES[crypto.suite])
    made.window_size = WINDOW_PACKETS
    return made


def without_mki(packet: bytes, crypto: Crypto, is_rtcp: bool) -> bytes:
    """There is one key, so it need not be named (RFC 3711 §3.1; RFC 7714 §7.1)."""
    tag = TAG_OCTETS.get(crypto.suite, (0, 0))[is_rtcp]
    end = len(packet) - tag
    return packet[: max(0, end - crypto.mki_octets)] + packet[end:]
