"""A listener whose connections must show something before there is a session: who they come from,
in a proxy's header, and a TLS handshake.

The header comes in clear before the handshake. It is read from the socket itself and to its last
octet only, so that what follows, SMPP or TLS, is there for whoever reads next. Both together have
GUARD_TIMEOUT_S, and only GUARDED_MAX connections are let so far at once.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from gateway.net import proxy_protocol
from gateway.net.errors import ProxyHeaderError
from gateway.net.proxied_protocol import ProxiedProtocol

log = logging.getLogger(__name__)

BACKLOG = 512
GUARDED_MAX = 256
GUARD_TIMEOUT_S = 10.0
ACCEPT_PAUSE_S = 1.0


async def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """One for each address of `host`.

    Raises:
        OSError: one cannot be had.
    """
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            made = socket.create_server(address, family=family, backlog=BACKLOG)
            made.setblocking(False)
            sockets.append(made)
    except OSError:
        for made in sockets:
            made.close()
        raise
    return sockets


class GuardedListening:
    """Connections from `proxies` (addresses or networks) begin with a PROXY header; all others are
    who they are. Nobody else is believed to be a proxy."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        factory: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
        proxies: Sequence[str],
    ) -> None:
        self.port: int = sockets[0].getsockname()[1]
        self._sockets = sockets
        self._factory = factory
        self._tls = tls
        self._proxies: list[IPv4Network | IPv6Network] = [
            ip_network(proxy, strict=False) for proxy in proxies
        ]
        self._loop = asyncio.get_running_loop()
        self._guarded: set[asyncio.Task[None]] = set()
        self._accepting = [self._loop.create_task(self._accept(each)) for each in sockets]

    async def close(self) -> None:
        """Take no more connections, and drop those that are no session yet."""
        tasks = [*self._accepting, *self._guarded]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in self._sockets:
            each.close()

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connected, address = await self._loop.sock_accept(listener)
            except OSError as error:
                log.error("connections cannot be accepted", extra={"cause": str(error)})
                await asyncio.sleep(ACCEPT_PAUSE_S)
                continue
            peer = str(address[0])
            if len(self._guarded) >= GUARDED_MAX:
                connected.close()
                log.warning("connection refused", extra={"peer": peer, "reason": "too many"})
                continue
            connected.setblocking(False)
            task = self._loop.create_task(self._guard(connected, peer))
            self._guarded.add(task)
            task.add_done_callback(self._guarded.discard)

    async def _guard(self, connected: socket.socket, peer: str) -> None:
        try:
            async with asyncio.timeout(GUARD_TIMEOUT_S):
                client = await self._read_header(connected) if self._is_proxy(peer) else ""
                await self._loop.connect_accepted_socket(
                    partial(self._protocol, client), connected, ssl=self._tls
                )
        except (OSError, ProxyHeaderError) as error:  # TimeoutError and ssl.SSLError are OSErrors.
            connected.close()
            reason = str(error) or f"nothing within {GUARD_TIMEOUT_S:g} s"
            log.warning("connection refused", extra={"peer": peer, "reason": reason})
        except BaseException:
            connected.close()
            raise

    async def _read_header(self, connected: socket.socket) -> str:
        header = b""
        while wanted := proxy_protocol.wanted(header):
            octets = await self._loop.sock_recv(connected, wanted)
            if not octets:
                raise ProxyHeaderError("the connection ended within its PROXY header")
            header += octets
        return proxy_protocol.parse(header)

    def _is_proxy(self, peer: str) -> bool:
        address = ip_address(peer.partition("%")[0])
        return any(address in proxy for proxy in self._proxies)

    def _protocol(self, client: str) -> asyncio.Protocol:
        protocol = self._factory()
        if client and isinstance(protocol, ProxiedProtocol):
            protocol.proxied_for = client
        return protocol
