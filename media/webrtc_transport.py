"""The transport of a WebRTC end: plain RTP and RTCP above, ICE, DTLS and SRTP below, on one port.

A packet of media goes from the socket to `on_rtp` in one call, and from `send_rtp` to the socket in
another: no queue, task or future is between (RFC 7983 tells by its first octet whose it is).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Coroutine
from enum import StrEnum

import pylibsrtp
from pylibsrtp import Session

from media.errors import NoPorts
from media.port_range import PortRange
from media.rtp import HEADER_OCTETS, PACKET_OCTETS_MAX
from media.sdp import Address, address_kind, ip
from media.webrtc_hooks import Certificate, DtlsAssociation, IcePath, TurnServer
from media.webrtc_parameters import Fingerprint, LocalParameters, RemoteParameters, Setup

# Pairs of the range that others have bound, before a call is refused.
BIND_ATTEMPTS_MAX = 32
# For STUN and TURN servers; an answer waits for it, so what is not there by then is left out.
GATHER_S = 2.0
# From when an end is known until its first check, and for a handshake of DTLS.
ICE_S = 30.0
DTLS_S = 15.0
# A certificate of aiortc's is good for 30 days.
CERTIFICATE_S = 7 * 86_400.0
# Sources of one end in one call: libsrtp keeps state of each, and forgets none.
SOURCES_MAX = 64


class TransportState(StrEnum):
    """As RTCPeerConnection names them: disconnected may yet come back by a restart of ICE."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


class WebRtcHost:
    """Where WebRTC ends are met: one address of this machine, ports of its range, and a
    certificate for all. Make it before calls come, for keys take time.

    `host` is what is bound, `advertised_host` what ends are told, where that differs. Servers of
    STUN and TURN are for us, not for the ends, which have their own; most gateways need none.
    """

    def __init__(
        self,
        host: str,
        ports: PortRange,
        now: Callable[[], float],
        advertised_host: str = "",
        stun_server: Address | None = None,
        turn_server: TurnServer | None = None,
    ) -> None:
        self.ports = ports
        self.now = now
        self.stun_server = stun_server
        self.turn_server = turn_server
        self._host = host
        self._advertised_host = advertised_host or host
        self._family = socket.AF_INET6 if address_kind(host) == "IP6" else socket.AF_INET
        self._certificate = Certificate.generateCertificate()
        self._certified_at = now()
        self._closing: set[asyncio.Task[None]] = set()

    def certificate(self) -> Certificate:
        """Of the next end; one that is there keeps its own."""
        if self.now() > self._certified_at + CERTIFICATE_S:
            self._certificate = Certificate.generateCertificate()
            self._certified_at = self.now()
        return self._certificate

    def bind(self) -> tuple[int, socket.socket, Address]:
        """A port of the range, the socket on it, and what an end is told of it.

        Raises:
            NoPorts: no port or no socket is left.
        """
        for _ in range(BIND_ATTEMPTS_MAX):
            port = self.ports.take(self.now())
            try:
                bound = socket.socket(self._family, socket.SOCK_DGRAM)
            except OSError as error:
                self.ports.give_back(port, self.now())
                raise NoPorts(f"no socket: {error.strerror}") from error
            try:
                bound.setblocking(False)
                bound.bind((self._host, port))
                return port, bound, Address(self._advertised_host, port)
            except OSError as error:
                bound.close()
                self.ports.give_back(port, self.now())
                if error.errno != errno.EADDRINUSE:
                    raise NoPorts(f"no socket: {error.strerror}") from error
        raise NoPorts("others have bound the ports of the range")

    def close(self, transport: WebRtcTransport) -> None:
        """At once for its caller; what needs a moment is waited for in `closed`."""
        task = asyncio.get_running_loop().create_task(transport.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def ask_servers(self, path: IcePath) -> None:
        """For candidates; a server that does not answer in time gives none."""
        asked: list[Coroutine[None, None, None]] = []
        if self.stun_server is not None:
            asked.append(self._ask_stun_server(path, self.stun_server))
        if self.turn_server is not None:
            asked.append(self._ask_turn_server(path, self.turn_server))
        if asked:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GATHER_S):
                    await asyncio.gather(*asked, return_exceptions=True)

    async def closed(self) -> None:
        """Each transport that was to be closed is."""
        while self._closing:
            await asyncio.wait(self._closing)

    async def _ask_stun_server(self, path: IcePath, server: Address) -> None:
        await path.ask_stun_server(await self._resolved(server))

    async def _ask_turn_server(self, path: IcePath, server: TurnServer) -> None:
        await path.ask_turn_server(server, await self._resolved(server.address))

    async def _resolved(self, server: Address) -> Address:
        if ip(server.host) is not None:
            return server
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            server.host, server.port, family=self._family, type=socket.SOCK_DGRAM
        )
        return Address(str(found[0][4][0]), server.port)


class WebRtcTransport:
    """One end. `gather`, then `connect` as soon as the end is known; both again when ICE is to
    begin anew (RFC 8445 §9): what there was is kept until the new way is found.

    `strays` counts packets that are no SRTP of this end, `unsent` those that did not go out: there
    was no way, or the system did not take them.
    """

    def __init__(
        self,
        host: WebRtcHost,
        controlling: bool,
        on_rtp: Callable[[bytes], None],
        on_rtcp: Callable[[bytes], None],
        on_state: Callable[[TransportState], None],
    ) -> None:
        self.on_rtp = on_rtp
        self.on_rtcp = on_rtcp
        self.state = TransportState.NEW
        self.unsent = 0
        self._strays = 0
        self._host = host
        self._controlling = controlling
        self._on_state = on_state
        self._certificate = host.certificate()
        self._dtls = self._association()
        self._fingerprints: frozenset[Fingerprint] = frozenset()
        self._is_client = False
        self._ports: dict[IcePath, int] = {}
        self._gathered: IcePath | None = None
        self._tried: IcePath | None = None
        self._path: IcePath | None = None
        self._reaching: asyncio.Task[None] | None = None
        self._securing: asyncio.Task[None] | None = None
        self._discarding: set[asyncio.Task[None]] = set()
        self._send_to: Callable[[bytes, tuple[str, int]], object] | None = None
        self._address = ("", 0)
        self._tx: Session | None = None
        self._rx: Session | None = None
        self._sent: set[bytes] = set()
        self._heard: set[bytes] = set()

    @property
    def strays(self) -> int:
        return self._strays + sum([path.strays for path in self._ports])

    # Each packet

    def send_rtp(self, packet: bytes) -> None:
        tx, send_to = self._tx, self._send_to
        if tx is None or send_to is None or not self._may(packet[8:12], self._sent):
            self.unsent += 1
            return
        try:
            send_to(tx.protect(packet), self._address)
        except (ValueError, OSError, pylibsrtp.Error):
            self.unsent += 1

    def send_rtcp(self, packet: bytes) -> None:
        tx, send_to = self._tx, self._send_to
        if tx is None or send_to is None or not self._may(packet[4:8], self._sent):
            self.unsent += 1
            return
        try:
            send_to(tx.protect_rtcp(packet), self._address)
        except (ValueError, OSError, pylibsrtp.Error):
            self.unsent += 1

    def _media_received(self, data: bytes) -> None:
        rx = self._rx
        if rx is None or not HEADER_OCTETS <= len(data) <= PACKET_OCTETS_MAX:
            self._strays += 1
            return
        is_rtcp = 192 <= data[1] < 224  # RFC 5761 §4
        source = data[4:8] if is_rtcp else data[8:12]
        if source not in self._heard and len(self._heard) >= SOURCES_MAX:
            self._strays += 1
            return
        try:
            packet = rx.unprotect_rtcp(data) if is_rtcp else rx.unprotect(data)
        except pylibsrtp.Error:
            self._strays += 1
            return
        self._heard.add(source)
        if is_rtcp:
            self.on_rtcp(packet)
        else:
            self.on_rtp(packet)

    @staticmethod
    def _may(source: bytes, sources: set[bytes]) -> bool:
        if source in sources:
            return True
        if len(sources) >= SOURCES_MAX:
            return False
        sources.add(source)
        return True

    # Setting it up

    async def gather(self) -> LocalParameters:
        """
        Raises:
            NoPorts: no port or no socket is left.
        """
        port, bound, advertised = self._host.bind()
        path = IcePath(
            self._controlling,
            self._media_received,
            self._dtls_received,
            self._path_selected,
            self._path_lost,
        )
        self._ports[path] = port
        path.open(bound, advertised)
        if self._gathered is not None:
            self._discard(self._gathered)
        self._gathered = path
        await self._host.ask_servers(path)
        return LocalParameters(
            path.local_username,
            path.local_password,
            self._certificate.fingerprint,
            path.candidates(),
        )

    def connect(self, remote: RemoteParameters) -> None:
        """By what was gathered last; `on_state` tells what comes of it. One whose fingerprint has
        changed is another end, with keys of its own (RFC 8842 §4)."""
        path, self._gathered = self._gathered, None
        assert path is not None, "nothing was gathered"
        if self._tried is not None:
            self._discard(self._tried)
        if self._reaching is not None:
            self._reaching.cancel()
        if self.state is TransportState.FAILED or (
            self._fingerprints not in (frozenset(), remote.fingerprints)
        ):
            self._forget_keys()
        self._fingerprints = remote.fingerprints
        self._is_client = remote.setup is not Setup.ACTIVE
        self._tried = path
        self._become(TransportState.CONNECTING)
        self._reaching = asyncio.get_running_loop().create_task(self._reach(path, remote))

    async def close(self) -> None:
        """Give its ports and sockets back; harmless when it is closed."""
        self.state = TransportState.CLOSED
        self._tx = self._rx = None
        tasks = [task for task in (self._reaching, self._securing) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._dtls.close()
        self._send_to = None
        for path in list(self._ports):
            self._discard(path)
        while self._discarding:
            await asyncio.wait(self._discarding)

    async def _reach(self, path: IcePath, remote: RemoteParameters) -> None:
        try:
            async with asyncio.timeout(ICE_S):
                await path.reach(remote)
        except (ConnectionError, TimeoutError):
            self._tried = None
            self._discard(path)
            if self._path is None:
                self._become(TransportState.FAILED)

    def _path_selected(self, path: IcePath) -> None:
        """Of the way that is tried, or of the one that is used: there is a pair, or another one."""
        selected = path.selected()
        if selected is None or path not in (self._tried, self._path):
            return
        self._send_to, self._address = selected
        if path is self._tried:
            before, self._path, self._tried = self._path, path, None
            if before is not None:
                self._discard(before)
        if self._tx is not None:
            self._become(TransportState.CONNECTED)
        elif self._securing is None:
            self._securing = asyncio.get_running_loop().create_task(self._secure())

    async def _secure(self) -> None:
        keys = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DTLS_S):
                keys = await self._dtls.secure(self._is_client, self._fingerprints)
        if keys is None:
            self._become(TransportState.FAILED)
            return
        self._tx, self._rx = keys
        self._become(TransportState.CONNECTED)

    # What happens to it

    def _association(self) -> DtlsAssociation:
        association = DtlsAssociation(
            self._certificate, self._dtls_to_send, lambda: self._dtls_ended(association)
        )
        return association

    def _dtls_to_send(self, data: bytes) -> None:
        if self._send_to is not None:
            with contextlib.suppress(OSError):  # Lost, and sent again.
                self._send_to(data, self._address)

    def _dtls_received(self, data: bytes) -> None:
        self._dtls.received(data)

    def _dtls_ended(self, association: DtlsAssociation) -> None:
        if association is self._dtls:
            self._tx = self._rx = None
            self._become(TransportState.CLOSED)

    def _forget_keys(self) -> None:
        if self._securing is not None:
            self._securing.cancel()
            self._securing = None
        before, self._dtls = self._dtls, self._association()
        self._tx = self._rx = None
        self._sent, self._heard = set(), set()
        self._spawn(before.close())

    def _path_lost(self, path: IcePath) -> None:
        if path is self._path:
            self._path = self._send_to = None
            self._become(TransportState.DISCONNECTED)
        self._discard(path)

    def _discard(self, path: IcePath) -> None:
        """It is closed, and its port given back."""
        port = self._ports.pop(path, None)
        if port is not None:
            self._strays += path.strays
            self._spawn(self._close_path(path, port))

    async def _close_path(self, path: IcePath, port: int) -> None:
        try:
            await path.close()
        finally:
            self._host.ports.give_back(port, self._host.now())

    def _spawn(self, closing: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(closing)
        self._discarding.add(task)
        task.add_done_callback(self._discarding.discard)

    def _become(self, state: TransportState) -> None:
        if self.state not in (state, TransportState.CLOSED):
            self.state = state
            self._on_state(state)
