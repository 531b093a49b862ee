"""Where connections come from: TCP in the daemon, memory in a simulation."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Protocol

from gateway.net.errors import ListenError

ProtocolFactory = Callable[[], asyncio.Protocol]
BACKLOG = 512


class Listening(Protocol):
    """An open listener."""

    @property
    def port(self) -> int: ...

    async def close(self) -> None:
        """Take no more connections; those that stand are not touched."""
        ...


class Network(Protocol):
    async def connect(
        self, host: str, port: int, factory: ProtocolFactory, tls: ssl.SSLContext | None = None
    ) -> None:
        """Connect, and hand the connection to a new protocol; with `tls`, once its handshake is
        done.

        Raises:
            OSError: nobody listens there, or the handshake failed (ssl.SSLError is one).
        """
        ...

    async def listen(
        self, host: str, port: int, factory: ProtocolFactory, tls: ssl.SSLContext | None = None
    ) -> Listening:
        """Listen; port 0 takes a free one. With `tls` a protocol is made once the handshake is
        done.

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
        self, host: str, port: int, factory: ProtocolFactory, tls: ssl.SSLContext | None = None
    ) -> None:
        await asyncio.get_running_loop().create_connection(factory, host, port, ssl=tls)

    async def listen(
        self, host: str, port: int, factory: ProtocolFactory, tls: ssl.SSLContext | None = None
    ) -> TcpListening:
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(factory, host, port, backlog=BACKLOG, ssl=tls)
        except OSError as error:
            raise ListenError(host, port, error) from None
        return TcpListening(server)
