"""The socket to one rtpengine: datagrams in and out, and the timer of its client."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping
from random import Random

from gateway.net.sip_address import bracketed
from gateway.ng.bencode import Writable
from gateway.ng.client import DATAGRAM_MAX, NgClient, OnReply

log = logging.getLogger(__name__)

# How often a server that is down is tried anew, at the address that its name has then.
REOPEN_S = 2.0
BATCH_MAX = 64


class NgLink:
    """`name` is how it is called in logs and metrics. The socket is connected, so that nobody else
    is heard, and kept open while `run` goes on."""

    def __init__(self, host: str, port: int, weight: int, random: Random) -> None:
        self.name = f"{bracketed(host)}:{port}"
        self.weight = weight
        self._address = host, port
        self._client = NgClient(random, self._on_health)
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def up(self) -> bool:
        return self._client.up

    @property
    def rtt_s(self) -> float:
        """Of the last request that needed no repetition."""
        return self._client.rtt_s

    def ask(self, command: Mapping[str, Writable], on_reply: OnReply) -> None:
        """`on_reply` is called once, maybe before this returns."""
        self._client.ask(command, self._loop.time(), on_reply)
        self._flush()

    async def run(self) -> None:
        """Until it is canceled."""
        try:
            while True:
                if self._socket is None:
                    await self.open()
                await asyncio.sleep(REOPEN_S)
                if not self.up:
                    self.close()
        finally:
            self.close()

    async def open(self) -> None:
        """The way there, and a ping."""
        host, port = self._address
        try:
            found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
            self._socket = connected(*found[0])
        except (OSError, UnicodeError):
            self._client.receive_unreachable(self._loop.time())
            return
        self._loop.add_reader(self._socket.fileno(), self._on_readable)
        self._client.ping(self._loop.time())
        self._flush()

    def close(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_readable(self) -> None:
        assert self._socket is not None
        receive = self._socket.recv
        for _ in range(BATCH_MAX):
            try:
                octets = receive(DATAGRAM_MAX)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                self._lose()
                return
            self._client.receive_data(octets, self._loop.time())
        self._flush()

    def _on_timer(self) -> None:
        self._timer = None
        self._client.handle_timer(self._loop.time())
        self._flush()

    def _flush(self) -> None:
        """Send what is to be sent, and wake up when something is due. What the kernel has no room
        for is lost, as any datagram may be, and sent again in its time."""
        if self._socket is None:
            return
        for datagram in self._client.data_to_send():
            try:
                self._socket.send(datagram)
            except (BlockingIOError, InterruptedError):
                continue
            except OSError:
                self._lose()
                return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._client.next_timer(), self._on_timer)

    def _lose(self) -> None:
        """Nobody listens there, or no way leads there (ICMP)."""
        self.close()
        self._client.receive_unreachable(self._loop.time())

    def _on_health(self, up: bool) -> None:
        if up:
            log.info("rtpengine up", extra={"server": self.name})
        else:
            log.warning("rtpengine down", extra={"server": self.name})


def connected(
    family: int, kind: int, protocol: int, canonical_name: str, address: tuple[str, int]
) -> socket.socket:
    """As `getaddrinfo` says. Raises OSError."""
    made = socket.socket(family, kind, protocol)
    try:
        made.setblocking(False)
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made
