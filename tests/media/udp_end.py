"""An end of a call on loopback: a UDP socket whose datagrams are awaited."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from tests.media.descriptions import spoken

WAIT_S = 5.0
LOOPBACK = "127.0.0.1"


class UdpEnd:
    def __init__(self, host: str = LOOPBACK, port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, port))
        self.host = host
        self.port: int = self._socket.getsockname()[1]

    def description(self, *attributes: str) -> bytes:
        return spoken(self.port, *attributes, host=self.host)

    def send(self, octets: bytes, port: int) -> None:
        self._socket.sendto(octets, (self.host, port))

    async def receive(self) -> tuple[bytes, int]:
        """The next datagram, and the port that it came from."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._socket.fileno(), readable.set)
        try:
            async with asyncio.timeout(WAIT_S):
                await readable.wait()
        finally:
            loop.remove_reader(self._socket.fileno())
        octets, source = self._socket.recvfrom(2_048)
        return octets, source[1]

    def received(self) -> list[bytes]:
        """What has come, without a wait."""
        come: list[bytes] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                come.append(self._socket.recv(2_048))
        return come

    def close(self) -> None:
        self._socket.close()
