"""Where connections come from: TCP in the daemon, memory in a simulation."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.net.errors import ListenError
from gateway.net.guarded_listening import BACKLOG, GuardedListening, listening_sockets

ProtocolFactory = Callable[[], asyncio.Protocol]


class Listening(Protocol):
    """An open listener."""

    @property
    def port(self) -> int: ...

    async def close(self) -> None:
        """Take no more connections; those that stand are not touched."""
        ...


class Network(Protocol):
    async def connect(
        self,
        host: str,
        port: int,
        factory: ProtocolFactory,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> None:
        """Connect, and hand the connection to a new protocol; with `tls`, once its handshake is
        done, and its certificate is that of `server_name`, or else of `host`.

        Raises:
            OSError: nobody listens there, or the handshake failed (ssl.SSLError is one).
        """
        ...

    async def listen(
        self,
        host: str,
        port: int,
        factory: ProtocolFactory,
        tls: ssl.SSLContext | None = None,
        proxies: Sequence[str] = (),
    ) -> Listening:
        """Listen; port 0 takes a free one. With `tls` a protocol is connected once the handshake
        is done. Connections from `proxies`, addresses or networks, begin with a PROXY header.

        Raises:
            ListenError: the address cannot be had.
        """
        ...


class TcpListening:
    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        self.port: int = server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()


class TcpNetwork:
    """The real one."""

    async def connect(
        self,
        host: str,
        port: int,
        factory: ProtocolFactory,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> None:
        await asyncio.get_running_loop().create_connection(
            factory, host, port, ssl=tls, server_hostname=(server_name or None) if tls else None
        )

    async def listen(
        self,
        host: str,
        port: int,
        factory: ProtocolFactory,
        tls: ssl.SSLContext | None = None,
        proxies: Sequence[str] = (),
    ) -> Listening:
        loop = asyncio.get_running_loop()
        try:
            if tls or proxies:
                sockets = await listening_sockets(host, port)
                return GuardedListening(sockets, factory, tls, proxies)
            server = await loop.create_server(factory, host, port, backlog=BACKLOG)
        except OSError as error:
            raise ListenError(host, port, error) from None
        return TcpListening(server)
