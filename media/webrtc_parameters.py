"""What two ends of WebRTC must know of each other before a packet flows: credentials and candidates
of ICE (RFC 8839 §5), fingerprint and role of DTLS (RFC 8122 §5, RFC 8842 §5).

Read from the lines of a description and printed as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from media.errors import NotAcceptable, SdpError
from media.sdp import PORT_MAX, ip
from media.sdp_lines import Line, attributes, number

# Of an end; what it names beyond is not tried (RFC 8445 §19.5.1 bounds the checks).
CANDIDATES_MAX = 16
FINGERPRINTS_MAX = 8
PRIORITY_MAX = (1 << 31) - 1
# The component of RTP, and of RTCP with it (RFC 8445 §13).
COMPONENT = 1
CANDIDATE_TYPES = frozenset(("host", "srflx", "prflx", "relay"))
_ICE_CHARS = re.compile(r"[A-Za-z0-9+/]+")
UFRAG_CHARS_MIN, PWD_CHARS_MIN, ICE_CHARS_MAX = 4, 22, 256
# Octets of the hashes that may be asked for (RFC 8122 §5): none that is broken.
HASH_OCTETS = {"sha-256": 32, "sha-384": 48, "sha-512": 64}


class Setup(StrEnum):
    """Who begins DTLS (RFC 4145 §4): active is its client."""

    ACTIVE = "active"
    PASSIVE = "passive"
    ACTPASS = "actpass"
    HOLDCONN = "holdconn"


class Fingerprint(NamedTuple):
    """`octets` as two capital hexadecimal digits each, with colons between."""

    hash: str
    octets: str


class IceCandidate(NamedTuple):
    """Where an end may be reached by UDP (RFC 8839 §5.1)."""

    foundation: str
    priority: int
    host: str
    port: int
    type: str
    related_host: str = ""
    related_port: int = 0

    def __str__(self) -> str:
        related = f" raddr {self.related_host} rport {self.related_port}"
        return (
            f"{self.foundation} {COMPONENT} udp {self.priority} {self.host} {self.port} "
            f"typ {self.type}{related if self.related_host else ''}"
        )


@dataclass(frozen=True, slots=True)
class LocalParameters:
    """Of us."""

    ufrag: str
    pwd: str
    fingerprint: Fingerprint
    candidates: tuple[IceCandidate, ...]


@dataclass(frozen=True, slots=True)
class RemoteParameters:
    """Of an end. Candidates that we could not try are left out: by TCP, of another component, or
    named by mDNS, which is resolved on the end's own network alone; the end's checks tell us its
    address all the same (RFC 8445 §7.3.1.3)."""

    ufrag: str
    pwd: str
    fingerprints: frozenset[Fingerprint]
    setup: Setup
    candidates: tuple[IceCandidate, ...] = ()
    ice_lite: bool = False

    @classmethod
    def of(cls, session: Sequence[Line], media: Sequence[Line]) -> RemoteParameters:
        """Of an m= line; what it does not say holds as the session says it.

        Raises:
            SdpError: a value is malformed.
            NotAcceptable: one is missing that WebRTC does not do without.
        """
        said = attributes(session) | attributes(media)
        fingerprints = _fingerprints(media) or _fingerprints(session)
        if not fingerprints:
            raise NotAcceptable("no fingerprint by a hash that we have")
        return cls(
            _ice_chars(said.get("ice-ufrag"), UFRAG_CHARS_MIN),
            _ice_chars(said.get("ice-pwd"), PWD_CHARS_MIN),
            fingerprints,
            _setup(said.get("setup")),
            tuple(_candidates(media)),
            "ice-lite" in said,
        )

    def restarts(self, before: RemoteParameters) -> bool:
        """Whether ICE begins anew (RFC 8839 §4.4.1.1.1)."""
        return (self.ufrag, self.pwd) != (before.ufrag, before.pwd)

    def is_another_without_restart(self, before: RemoteParameters) -> bool:
        """An end that is another one has another way to it, too (RFC 8842 §4)."""
        return self.fingerprints != before.fingerprints and not self.restarts(before)


def parse_candidate(value: str) -> IceCandidate | None:
    """Behind `candidate:`; None for one that is not tried."""
    words = value.split()
    if len(words) < 8 or words[6] != "typ" or words[7] not in CANDIDATE_TYPES:
        return None
    foundation, component, transport, priority_text, host, port_text = words[:6]
    address = ip(host)
    priority, port = number(priority_text, PRIORITY_MAX), number(port_text, PORT_MAX)
    if component != str(COMPONENT) or transport.lower() != "udp" or not port or priority is None:
        return None
    if address is None or address.is_unspecified or address.is_multicast:
        return None
    return IceCandidate(foundation, priority, str(address), port, words[7])


def _candidates(lines: Iterable[Line]) -> list[IceCandidate]:
    found: list[IceCandidate] = []
    for kind, value in lines:
        if kind == "a" and value.startswith("candidate:"):
            candidate = parse_candidate(value.removeprefix("candidate:"))
            if candidate is not None and len(found) < CANDIDATES_MAX:
                found.append(candidate)
    return found


def _ice_chars(value: str | None, least: int) -> str:
    if value is None:
        raise NotAcceptable("ICE is missing")
    if not least <= len(value) <= ICE_CHARS_MAX or _ICE_CHARS.fullmatch(value) is None:
        raise SdpError("ice-ufrag or ice-pwd is malformed")
    return value


def _setup(value: str | None) -> Setup:
    if value is None:
        raise NotAcceptable("the role of DTLS is missing")
    try:
        return Setup(value.lower())
    except ValueError:
        raise SdpError("a=setup is malformed") from None


def _fingerprints(lines: Sequence[Line]) -> frozenset[Fingerprint]:
    """Those by hashes that we have (RFC 8122 §5)."""
    found: set[Fingerprint] = set()
    for kind, value in lines:
        if kind != "a" or not value.startswith("fingerprint:"):
            continue
        name, _, octets = value.removeprefix("fingerprint:").partition(" ")
        pairs = octets.upper().split(":")
        if not all([re.fullmatch("[0-9A-F]{2}", pair) for pair in pairs]):
            raise SdpError("a=fingerprint is malformed")
        if HASH_OCTETS.get(name.lower()) == len(pairs) and len(found) < FINGERPRINTS_MAX:
            found.add(Fingerprint(name.lower(), ":".join(pairs)))
    return frozenset(found)
