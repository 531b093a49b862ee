"""Peers that speak octets: what they send is theirs to choose, and what they hear is kept."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from gateway.sip.framing import StreamParser
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse
from gateway.sip.transaction import Destination
from tests.net.sip_endpoints import LOOPBACK, PATIENCE_S


def request_octets(
    method: str = "OPTIONS",
    via: str = f"SIP/2.0/UDP {LOOPBACK}:5060;branch=z9hG4bK1;rport",
    *more: str,
    version: str = "SIP/2.0",
) -> bytes:
    lines = (
        f"{method} sip:{LOOPBACK} {version}",
        f"Via: {via}",
        "Max-Forwards: 70",
        "From: <sip:alice@example.org>;tag=a",
        "To: <sip:bob@example.org>",
        "Call-ID: one",
        f"CSeq: 1 {method}",
        "Contact: <sip:alice@192.0.2.1>",
        *more,
        "Content-Length: 0",
    )
    return "\r\n".join([*lines, "", ""]).encode()


class UdpPeer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, octets: bytes, address: tuple[str | int, ...]) -> None:
        self.heard.put_nowait(octets)

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    @property
    def at(self) -> Destination:
        return Destination("UDP", LOOPBACK, self.port)

    def send(self, octets: bytes, to: Destination) -> None:
        assert self._transport is not None
        self._transport.sendto(octets, (to.host, to.port))

    async def message(self) -> SipRequest | SipResponse:
        async with asyncio.timeout(PATIENCE_S):
            return parse(await self.heard.get())

    async def response(self) -> SipResponse:
        message = await self.message()
        assert isinstance(message, SipResponse)
        return message


@contextlib.asynccontextmanager
async def udp_peer() -> AsyncIterator[UdpPeer]:
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(UdpPeer, local_addr=(LOOPBACK, 0))
    try:
        yield peer
    finally:
        transport.close()


class StreamPeer:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._parser = StreamParser(opened=True)

    def send(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def read(self) -> bytes:
        """What has come; nothing at the end."""
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read(65_536)
        return b""

    async def message(self) -> SipRequest | SipResponse:
        while True:
            octets = await self.read()
            assert octets, "the connection has ended"
            for item in self._parser.feed(octets):
                if isinstance(item, SipRequest | SipResponse):
                    return item

    async def response(self) -> SipResponse:
        message = await self.message()
        assert isinstance(message, SipResponse)
        return message

    async def ended(self) -> bool:
        while await self.read():
            pass
        return True

    async def close(self) -> None:
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@contextlib.asynccontextmanager
async def stream_peer(to: Destination) -> AsyncIterator[StreamPeer]:
    peer = StreamPeer(*await asyncio.open_connection(to.host, to.port))
    try:
        yield peer
    finally:
        await peer.close()


@contextlib.asynccontextmanager
async def stream_listener(port: int = 0) -> AsyncIterator[tuple[int, asyncio.Queue[StreamPeer]]]:
    """The port, and those who connect to it."""
    came: asyncio.Queue[StreamPeer] = asyncio.Queue()
    peers: list[StreamPeer] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(StreamPeer(reader, writer))
        came.put_nowait(peers[-1])

    server = await asyncio.start_server(take, LOOPBACK, port)
    try:
        yield server.sockets[0].getsockname()[1], came
    finally:
        server.close()
        for peer in peers:
            await peer.close()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Nobody listens there."""
    with socket.socket(socket.AF_INET, kind) as made:
        made.bind((LOOPBACK, 0))
        return int(made.getsockname()[1])
