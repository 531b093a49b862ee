"""What we take of aioice and aiortc: ICE (RFC 8445), DTLS and the keys of SRTP (RFC 5764). Their
tracks, queues and sockets stay out of it.

Every name of theirs that they do not promise stands in this module and in HOOKED, which a contract
test walks; both packages are pinned to the releases that it was written for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import string
import struct
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from aioice import Candidate, Connection, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, StunProtocol, relayed_candidate
from aiortc import rtcdtlstransport
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from aiortc.rtcicetransport import RTCIceTransport
from OpenSSL import SSL
from pylibsrtp import Session

from media.latch import Source
from media.sdp import Address, address_kind
from media.socket_pair import SocketPair
from media.webrtc_parameters import (
    CANDIDATES_MAX,
    COMPONENT,
    Fingerprint,
    IceCandidate,
    RemoteParameters,
)

HOOKED: dict[type, tuple[str, ...]] = {
    Candidate: ("_network_host",),
    CandidatePair: ("local_candidate", "protocol", "remote_addr"),
    Connection: (
        "_check_list",
        "_early_checks",
        "_local_candidates",
        "_local_candidates_end",
        "_local_candidates_start",
        "_nominated",
        "_protocols",
        "_remote_candidates",
        "check_complete",
        "check_incoming",
        "data_received",
        "query_consent",
    ),
    RTCCertificate: ("_create_ssl_context",),
    RTCDtlsTransport: ("_rx_srtp", "_set_role", "_srtp_profiles", "_ssl", "_task", "_tx_srtp"),
    RTCIceTransport: ("_recv", "_send", "role"),
    StunProtocol: ("connection_lost", "connection_made", "datagram_received", "request"),
}

# The first octet of a packet tells whose it is (RFC 7983 §7).
_STUN = range(4)
_DTLS = range(20, 64)
# Packets of a handshake that wait to be read: more than its largest flight has.
DTLS_PACKETS_MAX = 32
# As preferred (RFC 7714 §14.2, RFC 5764 §4.1.2): the first costs less.
SRTP_PROFILES = (
    rtcdtlstransport.SRTP_AEAD_AES_128_GCM,
    rtcdtlstransport.SRTP_AES128_CM_SHA1_80,
)
# 24 and 128 bits of chance are asked for (RFC 8839 §5.4).
UFRAG_CHARS, PWD_CHARS = 8, 24
_ICE_CHARS = string.ascii_letters + string.digits
_NOTHING = 255

SendTo = Callable[[bytes, Address], object]

# They tell each check of each pair.
logging.getLogger("aioice").setLevel(logging.WARNING)


class TurnServer(NamedTuple):
    """RFC 8656; `transport` is udp, tcp or tls."""

    address: Address
    username: str
    password: str
    transport: str = "udp"


class Selected(NamedTuple):
    """What sends to the end, which may raise OSError; the end's address; and whether that is from
    our socket."""

    send: SendTo
    address: Address
    is_direct: bool


class PairTransport:
    """The first of a pair of sockets, where aioice has a transport of asyncio."""

    def __init__(self, pair: SocketPair, protocol: IceProtocol) -> None:
        self.send = pair.send_rtp
        self._pair = pair
        self._protocol = protocol
        pair.rtp_received = protocol.received
        protocol.connection_made(cast(asyncio.DatagramTransport, self))

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        """A check that does not go out is lost, and sent again."""
        with contextlib.suppress(OSError):
            self.send(data, address)

    def close(self) -> None:
        """Of the path alone: the pair is given back by who took it."""
        self._pair.rest()
        self._protocol.connection_lost(None)


class IceProtocol(StunProtocol):
    """What comes in from a socket, or by a TURN server: media takes no queue and no task."""

    def __init__(self, path: IcePath) -> None:
        super().__init__(path)
        self._path = path

    def received(self, packet: bytes, source: Source, now: float) -> None:
        first = packet[0] if packet else _NOTHING
        if 128 <= first < 192:
            self._path.on_media(packet, now)
        elif first in _STUN:
            try:
                super().datagram_received(packet, source)
            except (ValueError, LookupError, struct.error):
                self._path.strays += 1
        elif first in _DTLS and self._path.knows(source):
            self._path.on_dtls(packet)
        else:
            self._path.strays += 1

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """By a TURN server."""
        self.received(cast(bytes, data), cast(Source, addr), self._path.now())


class IcePath(Connection):
    """ICE with an end, on one socket of ours instead of one for each address of the machine.

    `on_selected` tells that media goes by another pair from now on, `on_lost` that the end no
    longer consents to be sent anything (RFC 7675), and all is closed.
    """

    def __init__(
        self,
        controlling: bool,
        now: Callable[[], float],
        on_media: Callable[[bytes, float], None],
        on_dtls: Callable[[bytes], None],
        on_selected: Callable[[IcePath], None],
        on_lost: Callable[[IcePath], None],
    ) -> None:
        super().__init__(
            ice_controlling=controlling,
            local_username=_random_chars(UFRAG_CHARS),
            local_password=_random_chars(PWD_CHARS),
        )
        self.strays = 0
        self.now = now
        self.on_media = on_media
        self.on_dtls = on_dtls
        self._on_selected = on_selected
        self._on_lost = on_lost

    def open(self, pair: SocketPair, advertised: Address) -> None:
        """The end is told `advertised`, and nothing of where the socket is, if that differs."""
        self._local_candidates_start = True
        protocol = IceProtocol(self)
        PairTransport(pair, protocol)
        protocol.local_candidate = _candidate("host", advertised)
        self._protocols.append(protocol)
        self._local_candidates.append(protocol.local_candidate)
        self._local_candidates_end = True

    async def ask_stun_server(self, server: Address) -> None:
        """For our address as the server sees it (RFC 8445 §5.1.1.2)."""
        (protocol,) = self._protocols
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        response, _ = await protocol.request(request, server)
        mapped = response.attributes.get("XOR-MAPPED-ADDRESS")
        base = protocol.local_candidate
        if mapped is not None and mapped != (base.host, base.port):
            self._local_candidates.append(_candidate("srflx", Address(*mapped), base))

    async def ask_turn_server(self, server: TurnServer, address: Address) -> None:
        """For an address of the server's that it relays from; a packet by it takes a task."""
        candidate, protocol = await relayed_candidate(
            component=COMPONENT,
            hide_related_address=True,
            protocol_factory=lambda: IceProtocol(self),
            turn_server=address,
            turn_username=server.username,
            turn_password=server.password,
            turn_ssl=server.transport == "tls",
            turn_transport="udp" if server.transport == "udp" else "tcp",
        )
        self._local_candidates.append(candidate)
        self._protocols.append(protocol)

    def candidates(self) -> tuple[IceCandidate, ...]:
        return tuple(
            IceCandidate(
                one.foundation,
                one.priority,
                one.host,
                one.port,
                one.type,
                one.related_address or "",
                one.related_port or 0,
            )
            for one in self._local_candidates
        )

    async def try_candidates(self, remote: RemoteParameters) -> None:
        """Those that are new. That they are all is never told: an end behind a NAT is known by its
        checks alone, and who sets up a call gives it a time."""
        for one in remote.candidates:
            if len(self._remote_candidates) < CANDIDATES_MAX:
                await self.add_remote_candidate(
                    Candidate(
                        one.foundation,
                        COMPONENT,
                        "udp",
                        one.priority,
                        one.host,
                        one.port,
                        # A peer tells no peer-reflexive candidate, and aioice takes none.
                        one.type if one.type != "prflx" else "srflx",
                    )
                )

    async def reach(self, remote: RemoteParameters) -> None:
        """
        Raises:
            ConnectionError: closed meanwhile.
        """
        self.remote_is_lite = remote.ice_lite
        self.remote_username, self.remote_password = remote.ufrag, remote.pwd
        if remote.ice_lite:
            self.switch_role(ice_controlling=True)
        await self.try_candidates(remote)
        await self.connect()

    def knows(self, source: Source) -> bool:
        """Whether the end has shown the password there, or told of that address."""
        address = source[:2]
        return any([one.remote_addr == address for one in self._check_list]) or any(
            [early == address for _, early, _ in self._early_checks]
        )

    def selected(self) -> Selected | None:
        pair = self._nominated.get(COMPONENT)
        if pair is None:
            return None
        transport: Any = pair.protocol.transport
        is_direct = isinstance(transport, PairTransport)
        send = transport.send if is_direct else transport.sendto
        return Selected(send, Address(*pair.remote_addr), is_direct)

    # As aioice calls them

    def data_received(self, data: bytes, component: int) -> None:
        """What is no STUN, though it begins as such: aioice would keep it for who reads it."""
        self.strays += 1

    def check_incoming(
        self, message: stun.Message, addr: tuple[str, int], protocol: StunProtocol
    ) -> None:
        """An end that has the password must not make us remember addresses without end."""
        if "PRIORITY" not in message.attributes or (
            len(self._remote_candidates) >= 2 * CANDIDATES_MAX and not self.knows(addr)
        ):
            self.strays += 1
            return
        super().check_incoming(message, addr, protocol)

    def check_complete(self, pair: CandidatePair) -> None:
        before = self._nominated.get(COMPONENT)
        super().check_complete(pair)
        if self._nominated.get(COMPONENT) is not before:
            self._on_selected(self)

    async def query_consent(self) -> None:
        await super().query_consent()  # Until it is over, and all is closed.
        self._on_lost(self)


class Certificate(RTCCertificate):
    """With one context of OpenSSL for all associations, and no session of one for another."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        return self._context

    @property
    def fingerprint(self) -> Fingerprint:
        (sha_256,) = [one for one in self.getFingerprints() if one.algorithm == "sha-256"]
        return Fingerprint(sha_256.algorithm, sha_256.value)


class DtlsPath:
    """Where aiortc has its RTCIceTransport: what carries DTLS, whichever pair of ICE that is."""

    # Of ICE; the role of DTLS is set by what was agreed.
    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_now = send
        self._packets: asyncio.Queue[bytes] = asyncio.Queue(DTLS_PACKETS_MAX)

    def received(self, packet: bytes) -> None:
        """What is too much is dropped, and sent again (RFC 6347 §4.2.4)."""
        if not self._packets.full():
            self._packets.put_nowait(packet)

    async def _recv(self) -> bytes:
        return await self._packets.get()

    async def _send(self, data: bytes) -> None:
        self._send_now(data)


class DtlsAssociation:
    """`on_end` tells that it was closed: by the end, or by us."""

    def __init__(
        self, certificate: Certificate, send: Callable[[bytes], None], on_end: Callable[[], None]
    ) -> None:
        self._path = DtlsPath(send)
        self.received = self._path.received
        self._dtls = RTCDtlsTransport(cast(RTCIceTransport, self._path), [certificate])
        self._dtls._srtp_profiles = list(SRTP_PROFILES)

        def state_changed() -> None:
            if self._dtls.state == "closed":
                on_end()

        self._dtls.on("statechange", state_changed)

    async def secure(
        self, is_client: bool, fingerprints: frozenset[Fingerprint]
    ) -> tuple[Session, Session] | None:
        """What protects and what unprotects; None where the handshake failed, or the certificate is
        not that of the fingerprints."""
        self._dtls._set_role("client" if is_client else "server")
        known = [RTCDtlsFingerprint(one.hash, one.octets) for one in fingerprints]
        await self._dtls.start(RTCDtlsParameters(known))
        if self._dtls.state != "connected":
            return None
        return self._dtls._tx_srtp, self._dtls._rx_srtp

    async def close(self) -> None:
        task = self._dtls._task
        await self._dtls.stop()
        self._dtls.remove_all_listeners()
        if task is not None:
            await asyncio.wait([task])
        # Some 65 KB of OpenSSL's, which would wait in a cycle for the collector.
        self._dtls._ssl = None


def _candidate(kind: str, address: Address, base: Candidate | None = None) -> Candidate:
    """One of ours; what shows the address behind a NAT is left blank (RFC 8839 §5.1)."""
    unspecified = "::" if address_kind(address.host) == "IP6" else "0.0.0.0"
    return Candidate(
        candidate_foundation(kind, "udp", base.host if base else address.host),
        COMPONENT,
        "udp",
        candidate_priority(COMPONENT, kind),
        address.host,
        address.port,
        kind,
        related_address=unspecified if base else None,
        related_port=9 if base else None,
    )


def _random_chars(count: int) -> str:
    return "".join([secrets.choice(_ICE_CHARS) for _ in range(count)])
