"""The transport of a WebRTC end: plain RTP and RTCP above, ICE, DTLS and SRTP below, on one port.

A packet of media goes from the socket to `on_rtp` in one call, and from `send_rtp` to the socket in
another: no queue, task or future is between (RFC 7983 tells by its first octet whose it is).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from enum import StrEnum

import pylibsrtp
from pylibsrtp import Session

from media.latch import KNOWN, Source
from media.packet_run import TRAILER_OCTETS, WHOLE, Run, Straight
from media.rtp import HEADER_OCTETS, PACKET_OCTETS_MAX
from media.sdp import Address
from media.socket_pair import Received, SocketPair, dropped
from media.srtp_in_place import opener, protector
from media.webrtc_hooks import DtlsAssociation, IcePath, SendTo
from media.webrtc_host import WebRtcHost
from media.webrtc_parameters import Fingerprint, LocalParameters, RemoteParameters

# From when an end is known until its first check, and for a handshake of DTLS.
ICE_S = 30.0
DTLS_S = 15.0
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


class WebRtcTransport:
    """One end. `gather`, then `connect` as soon as the end is known; both again when ICE is to
    begin anew (RFC 8445 §9): what there was is kept until the new way is found.

    A `LegTransport`: what it sends raises OSError where there is no way yet or any more. What comes
    is handed to `received`. `strays` counts what is no SRTP of this end, nor helps to set it up.
    """

    def __init__(
        self,
        host: WebRtcHost,
        controlling: bool,
        on_state: Callable[[TransportState], None] = lambda state: None,
    ) -> None:
        self.received: Received = dropped
        # What comes in turn goes by it, and `on_straight` is told what takes such packets.
        self.run = Run()
        self.on_straight: Callable[[Straight | None], object] = lambda straight: None
        self.on_state = on_state
        self.state = TransportState.NEW
        self._strays = 0
        self._host = host
        self._controlling = controlling
        self._loop = asyncio.get_running_loop()
        self._certificate = host.certificate()
        self._dtls = self._association()
        self._fingerprints: frozenset[Fingerprint] = frozenset()
        self._is_client = False
        self._pairs: dict[IcePath, SocketPair] = {}
        self._gathered: IcePath | None = None
        self._tried: IcePath | None = None
        self._path: IcePath | None = None
        self._reaching: asyncio.Task[None] | None = None
        self._securing: asyncio.Task[None] | None = None
        self._discarding: set[asyncio.Task[None]] = set()
        self._send_to: SendTo | None = None
        self._address = Address("", 0)
        self._is_direct = False
        self._connected: SocketPair | None = None
        self._straight: Straight | None = None
        self._tx: Session | None = None
        self._rx: Session | None = None
        self._sent: set[bytes] = set()
        self._heard: set[bytes] = set()

    @property
    def strays(self) -> int:
        return self._strays + sum([path.strays for path in self._pairs])

    # Each packet

    def send_rtp(self, packet: bytes, target: Source = KNOWN) -> None:
        tx, send_to = self._tx, self._send_to
        if tx is None or send_to is None or not self._may(packet[8:12], self._sent):
            raise ConnectionError("the end cannot be sent to")
        if self._straight is not None and len(packet) <= PACKET_OCTETS_MAX - TRAILER_OCTETS:
            place = WHOLE[: len(packet)]
            place[:] = packet
            self._straight(place)
            return
        try:
            send_to(tx.protect(packet), self._address)
        except (ValueError, pylibsrtp.Error) as error:
            raise ConnectionError("the packet is no RTP") from error

    def send_muxed_rtcp(self, packet: bytes, target: Source = KNOWN) -> None:
        tx, send_to = self._tx, self._send_to
        if tx is None or send_to is None or not self._may(packet[4:8], self._sent):
            raise ConnectionError("the end cannot be sent to")
        try:
            send_to(tx.protect_rtcp(packet), self._address)
        except (ValueError, pylibsrtp.Error) as error:
            raise ConnectionError("the packet is no RTCP") from error

    send_rtcp = send_muxed_rtcp

    def _media_received(self, data: bytes, now: float) -> None:
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
        self.run.overhead = len(data) - len(packet)
        self.received(packet, KNOWN, now)

    @staticmethod
    def _may(source: bytes, sources: set[bytes]) -> bool:
        if source in sources:
            return True
        if len(sources) >= SOURCES_MAX:
            return False
        sources.add(source)
        return True

    # Those of a run

    def _go_straight(self) -> None:
        """To where the end is and from there, by a socket for it alone, as soon as there are keys;
        again, where one of these has changed."""
        self._leave_straight()
        path, tx, rx = self._path, self._tx, self._rx
        if path is None or tx is None or rx is None or not self._is_direct:
            return
        pair = self._pairs[path]
        send = pair.connect(self._address, self.run, opener(rx, self._count_stray))
        if send is not None:
            self._connected, self._straight = pair, protector(tx, send)
            self.on_straight(self._straight)

    def _leave_straight(self) -> None:
        if self._connected is not None:
            self._connected.disconnect()
            self._connected = self._straight = None
            self.on_straight(None)

    def _count_stray(self) -> None:
        self._strays += 1

    # Setting it up

    async def gather(self) -> LocalParameters:
        """
        Raises:
            NoPorts: no port or no socket is left.
        """
        self.open()
        assert self._gathered is not None
        await self._host.ask_servers(self._gathered)
        return self._local(self._gathered)

    def open(self) -> LocalParameters:
        """What is gathered without a wait: one candidate, that of our socket."""
        pair, advertised = self._host.ports.take_pair()
        path = IcePath(
            self._controlling,
            self._host.now,
            self._media_received,
            self._dtls_received,
            self._path_selected,
            self._path_lost,
        )
        self._pairs[path] = pair
        path.open(pair, advertised)
        if self._gathered is not None:
            self._discard(self._gathered)
        self._gathered = path
        return self._local(path)

    def _local(self, path: IcePath) -> LocalParameters:
        return LocalParameters(
            path.local_username,
            path.local_password,
            self._certificate.fingerprint,
            path.candidates(),
        )

    def connect(self, remote: RemoteParameters, is_client: bool) -> None:
        """By what was gathered last; `on_state` tells what comes of it. `is_client` says whether we
        begin DTLS. An end whose fingerprint has changed is another one, with keys of its own
        (RFC 8842 §4)."""
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
        self._is_client = is_client
        self._tried = path
        self._become(TransportState.CONNECTING)
        self._reaching = asyncio.get_running_loop().create_task(self._reach(path, remote))

    async def close(self) -> None:
        """Give its ports and sockets back; harmless when it is closed."""
        self.state = TransportState.CLOSED
        self._tx = self._rx = None
        self._leave_straight()
        tasks = [task for task in (self._reaching, self._securing) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._dtls.close()
        self._send_to = None
        for path in list(self._pairs):
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
        self._send_to, self._address, self._is_direct = selected
        if path is self._tried:
            before, self._path, self._tried = self._path, path, None
            if before is not None:
                self._discard(before)
        if self._tx is not None:
            self._secured()
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
        self._secured()

    def _secured(self) -> None:
        # Later, for a check of ICE may have led here, out of what reads the sockets.
        self._loop.call_soon(self._go_straight)
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
            self._leave_straight()
            self._become(TransportState.CLOSED)

    def _forget_keys(self) -> None:
        if self._securing is not None:
            self._securing.cancel()
            self._securing = None
        before, self._dtls = self._dtls, self._association()
        self._tx = self._rx = None
        self._leave_straight()
        self._sent, self._heard = set(), set()
        self._spawn(before.close())

    def _path_lost(self, path: IcePath) -> None:
        if path is self._path:
            self._path = self._send_to = None
            self._become(TransportState.DISCONNECTED)
        self._discard(path)

    def _discard(self, path: IcePath) -> None:
        """It is closed, and its ports given back."""
        pair = self._pairs.pop(path, None)
        if pair is not None:
            if pair is self._connected:
                self._leave_straight()
            self._strays += path.strays
            self._spawn(self._close_path(path, pair))

    async def _close_path(self, path: IcePath, pair: SocketPair) -> None:
        try:
            await path.close()
        finally:
            self._host.ports.give_back_pair(pair)

    def _spawn(self, closing: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(closing)
        self._discarding.add(task)
        task.add_done_callback(self._discarding.discard)

    def _become(self, state: TransportState) -> None:
        if self.state not in (state, TransportState.CLOSED):
            self.state = state
            self.on_state(state)
