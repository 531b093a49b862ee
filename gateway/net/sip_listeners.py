"""Where SIP comes in: UDP and TCP on one port, TLS, and WebSocket for browsers."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from gateway.net.errors import ListenError
from gateway.net.network import Listening, Network
from gateway.net.sip_connection import SipConnection
from gateway.net.sip_connections import SipConnections
from gateway.net.sip_stream import SipStream
from gateway.net.sip_udp import Datagram, SipUdp, bound_socket
from gateway.net.sip_websocket import SipWebsocket

# Where port 0 asks for one that is free for UDP and TCP alike.
PORT_TRIES_MAX = 16


@dataclass(frozen=True, slots=True)
class SipListen:
    """Where we listen. UDP and TCP share `port`; TLS is there with a context. Port 0 takes a free
    one. With a `websocket_port` browsers come by WebSocket, over TLS where there is a context; the
    pages of `websocket_origins` only, if there are any. `host` "" is every address, of IPv4 and
    IPv6. `public_host` is how peers reach us, where that is not the address they came to."""

    host: str = "127.0.0.1"
    port: int = 5060
    tls: ssl.SSLContext | None = None
    tls_port: int = 5061
    websocket_port: int | None = None
    websocket_origins: tuple[str, ...] = ()
    public_host: str = ""


class SipListeners:
    """`ports` is filled as they open, by transport; `udp` are the sockets, by family, which send
    too."""

    def __init__(
        self,
        listen: SipListen,
        network: Network,
        ports: dict[str, int],
        connections: SipConnections,
        on_datagrams: Callable[[list[Datagram]], None],
        on_unreachable: Callable[[str, int], None],
    ) -> None:
        self.udp: dict[int, SipUdp] = {}
        self._listen = listen
        self._network = network
        self._ports = ports
        self._connections = connections
        self._on_datagrams = on_datagrams
        self._on_unreachable = on_unreachable
        self._loop = asyncio.get_running_loop()
        self._listenings: list[Listening] = []

    async def start(self) -> None:
        """Raises ListenError: an address cannot be had."""
        listen = self._listen
        try:
            await self._start_udp_and_tcp()
            if listen.tls is not None:
                await self._listen_on("TLS", listen.tls_port, listen.tls)
            if listen.websocket_port is not None:
                transport = "WS" if listen.tls is None else "WSS"
                await self._listen_on(transport, listen.websocket_port, listen.tls)
        except BaseException:
            await self.stop()
            raise

    async def take_no_more(self) -> None:
        """No more connections; UDP has no such thing, and goes on."""
        listenings, self._listenings = self._listenings, []
        for listening in listenings:
            await listening.close()

    async def stop(self) -> None:
        await self.take_no_more()
        for udp in self.udp.values():
            udp.close()
        self.udp.clear()

    async def _start_udp_and_tcp(self) -> None:
        for tries_left in reversed(range(PORT_TRIES_MAX)):
            await self._bind_udp()
            port = self._ports["UDP"]
            try:
                await self._listen_on("TCP", port, None)
            except ListenError:
                if self._listen.port or not tries_left:
                    raise
                await self.stop()
            else:
                return

    async def _bind_udp(self) -> None:
        host, port = self._listen.host, self._listen.port
        try:
            found = await self._loop.getaddrinfo(
                host or None, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
            )
            for family, _, _, _, address in dict.fromkeys(found):
                if family not in self.udp:
                    bound = bound_socket(family, (str(address[0]), port))
                    made = SipUdp(bound, self._on_datagrams, self._on_unreachable)
                    self.udp[int(family)], port = made, made.port
        except OSError as error:
            raise ListenError(host, port, error) from None
        self._ports["UDP"] = port

    async def _listen_on(self, transport: str, port: int, tls: ssl.SSLContext | None) -> None:
        connections, origins = self._connections, self._listen.websocket_origins

        def connection(number: int) -> SipConnection:
            if transport in ("WS", "WSS"):
                return SipWebsocket(transport, number, connections, origins)
            return SipStream(transport, number, connections, opened=False)

        factory = connections.accepting(connection)
        listening = await self._network.listen(self._listen.host, port, factory, tls)
        self._listenings.append(listening)
        self._ports[transport] = listening.port
