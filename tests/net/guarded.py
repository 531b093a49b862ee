"""A guarded listener on loopback, and clients that come to it as a proxy does."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence

from gateway.clock import Clock
from gateway.net.network import Listening, TcpNetwork
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.events import Event, Request
from gateway.smpp.session import Timers
from gateway.smpp.states import Role

LOOPBACK = "127.0.0.1"


class Guarded:
    """A server of SMPP sessions, and its clients. `requests` are told with the connection that they
    came over."""

    def __init__(self) -> None:
        self.port = 0
        self.listening: Listening
        self._writers: list[asyncio.StreamWriter] = []
        self.requests: asyncio.Queue[tuple[SmppConnection, Request]] = asyncio.Queue()

    async def request(self) -> tuple[SmppConnection, Request]:
        async with asyncio.timeout(10):
            return await self.requests.get()

    async def connect(
        self, tls: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port, ssl=tls)
        self._writers.append(writer)
        return reader, writer

    async def send(self, octets: bytes) -> asyncio.StreamReader:
        """Connect and write; what is read is the server's answer."""
        reader, writer = await self.connect()
        writer.write(octets)
        return reader

    async def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def guarded(
    tls: ssl.SSLContext | None = None, proxies: Sequence[str] = (LOOPBACK,), host: str = LOOPBACK
) -> AsyncIterator[Guarded]:
    made = Guarded()
    opened: list[SmppConnection] = []

    def on_event(connection: SmppConnection, event: Event) -> None:
        if isinstance(event, Request):
            made.requests.put_nowait((connection, event))

    def accept() -> SmppConnection:
        clock = Clock(asyncio.get_running_loop().time, 0.0)
        return SmppConnection(Role.SMSC, clock, Timers(), on_event, on_open=opened.append)

    listening = await TcpNetwork().listen(host, 0, accept, tls, proxies)
    made.listening, made.port = listening, listening.port
    try:
        yield made
    finally:
        await listening.close()
        for connection in opened:
            connection.abort("test")
        await made.close()


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the server closes without a word of SMPP; over TLS it may say why (OSError)."""
    async with asyncio.timeout(10):
        with contextlib.suppress(OSError):
            return await reader.read() == b""
    return True
