"""Where WebRTC ends are met: what all transports of a relay share."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from typing import Protocol

from media.leg_transcoding import Transcoding
from media.sdp import Address, address_kind, ip
from media.socket_pair import SocketPair
from media.webrtc_hooks import Certificate, IcePath, TurnServer

# For STUN and TURN servers; an answer waits for it, so what is not there by then is left out.
GATHER_S = 2.0
# A certificate of aiortc's is good for 30 days.
CERTIFICATE_S = 7 * 86_400.0


class Ports(Protocol):
    """Those of a relay."""

    def take_pair(self) -> tuple[SocketPair, Address]:
        """Sockets that are bound, and where an end finds the first.

        Raises:
            NoPorts: no port or no socket is left.
        """
        ...

    def give_back_pair(self, pair: SocketPair) -> None: ...

    @property
    def transcoding(self) -> Transcoding: ...

    def new_ssrc(self) -> int: ...


class WebRtcHost:
    """Where WebRTC ends are met: ports of a relay, and a certificate for all. Make it before calls
    come, for keys take time.

    Servers of STUN and TURN are for us, not for the ends, which have their own; a gateway that is
    told how it is seen from outside needs none.
    """

    def __init__(
        self,
        ports: Ports,
        now: Callable[[], float],
        stun_server: Address | None = None,
        turn_server: TurnServer | None = None,
    ) -> None:
        self.ports = ports
        self.now = now
        self.stun_server = stun_server
        self.turn_server = turn_server
        self._certificate = Certificate.generateCertificate()
        self._certified_at = now()
        self._closing: set[asyncio.Task[None]] = set()

    def certificate(self) -> Certificate:
        """Of the next end; one that is there keeps its own."""
        if self.now() > self._certified_at + CERTIFICATE_S:
            self._certificate = Certificate.generateCertificate()
            self._certified_at = self.now()
        return self._certificate

    def close(self, closing: Coroutine[None, None, None]) -> None:
        """A transport: at once for its caller; what needs a moment is waited for in `closed`."""
        task = asyncio.get_running_loop().create_task(closing)
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
        await path.ask_stun_server(await self._resolved(server, path))

    async def _ask_turn_server(self, path: IcePath, server: TurnServer) -> None:
        await path.ask_turn_server(server, await self._resolved(server.address, path))

    async def _resolved(self, server: Address, path: IcePath) -> Address:
        """By an address of the family that our socket can send to."""
        if ip(server.host) is not None:
            return server
        kind = address_kind(path.candidates()[0].host)
        found = await asyncio.get_running_loop().getaddrinfo(
            server.host,
            server.port,
            family=socket.AF_INET6 if kind == "IP6" else socket.AF_INET,
            type=socket.SOCK_DGRAM,
        )
        return Address(str(found[0][4][0]), server.port)
