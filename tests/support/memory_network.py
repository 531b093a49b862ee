"""A network without sockets: octets arrive in order, after a delay, until somebody cuts the wire.

Whoever simulates decides how long octets travel (`delay_s`), how they are cut up on the way
(`pieces`), and may watch them pass (`tap`). As it is built, everything arrives whole in the next
turn of the loop.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable, Sequence
from ssl import SSLContext
from typing import Any, Protocol

from gateway.net.errors import ListenError
from gateway.net.network import ProtocolFactory

HOST = "192.0.2.1"  # RFC 5737: for documentation.
EPHEMERAL_PORT = 49_152


class Tap(Protocol):
    """Sees each wire. `from_client` tells the end that wrote: the one that had connected."""

    def written(self, wire: Wire, from_client: bool, octets: bytes) -> None: ...

    def arrived(self, wire: Wire, from_client: bool, octets: bytes) -> None: ...

    def ended(self, wire: Wire, at_client: bool) -> None:
        """One end has been told that the connection is over."""
        ...


class NoTap:
    def written(self, wire: Wire, from_client: bool, octets: bytes) -> None: ...

    def arrived(self, wire: Wire, from_client: bool, octets: bytes) -> None: ...

    def ended(self, wire: Wire, at_client: bool) -> None: ...


class MemoryTransport(asyncio.Transport):
    """One end of a wire; `_inbox` is what travels towards it, None for the end of the stream."""

    def __init__(self, wire: Wire, is_client: bool, protocol: asyncio.Protocol) -> None:
        peer = {} if is_client else wire.network.client
        super().__init__({"peername": (HOST, wire.port)} | peer)
        self._wire = wire
        self._is_client = is_client
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[bytes | None] = deque()
        self._last_arrival = 0.0
        self._arrived = 0
        self._reading = True
        self._closing = False
        self._ended = False

    # What a protocol asks

    def write(self, data: Any) -> None:
        octets = bytes(data)
        if self._closing:
            return
        self._wire.tap.written(self._wire, self._is_client, octets)
        for piece in self._wire.network.pieces(octets):
            self._other.expect(piece)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered here."""

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._loop.call_soon(self._read)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """What is written still arrives, and then the end of the stream."""
        if not self._closing:
            self._closing = True
            self._other.expect(None)
            self._loop.call_soon(self.end)

    def abort(self) -> None:
        """What has not arrived is lost."""
        if not self._closing:
            self._closing = True
            self._other.lose()
            self._other.expect(None)
            self._loop.call_soon(self.end)

    # What the wire does

    @property
    def _other(self) -> MemoryTransport:
        return self._wire.server if self._is_client else self._wire.client

    def open(self) -> None:
        self._protocol.connection_made(self)

    def expect(self, octets: bytes | None) -> None:
        """Something is on its way here, behind all that is."""
        if self._wire.frozen or self._ended:
            return
        now = self._loop.time()
        self._inbox.append(octets)
        self._last_arrival = max(self._last_arrival, now + self._wire.network.delay_s())
        if self._last_arrival > now:
            self._loop.call_at(self._last_arrival, self._arrive)
        else:
            self._loop.call_soon(self._arrive)

    def lose(self) -> None:
        """Lose what is on its way here; its arrivals find nothing."""
        self._inbox.clear()
        self._arrived = 0

    def end(self) -> None:
        """The connection is over at this end."""
        self._closing = True
        self.lose()
        if not self._ended:
            self._ended = True
            self._wire.ended(self._is_client)
            self._protocol.connection_lost(None)

    def _arrive(self) -> None:
        if self._arrived < len(self._inbox) and not self._wire.frozen:
            self._arrived += 1
            self._read()

    def _read(self) -> None:
        while self._arrived and self._reading and not self._closing:
            self._arrived -= 1
            octets = self._inbox.popleft()
            if octets is None:
                self._protocol.eof_received()
                self.close()
                return
            self._wire.tap.arrived(self._wire, not self._is_client, octets)
            self._protocol.data_received(octets)


class Wire:
    """One connection. `port` is the listener's."""

    def __init__(self, network: MemoryNetwork, number: int, port: int) -> None:
        self.network = network
        self.tap = network.tap
        self.number = number
        self.port = port
        self.frozen = False
        self.client: MemoryTransport
        self.server: MemoryTransport
        self._ends = 2

    def cut(self, octets_lost: bool) -> None:
        """Both ends lose the connection: now, or once what is on the wire has arrived."""
        for transport in (self.client, self.server):
            if octets_lost:
                transport.lose()
            transport.expect(None)

    def freeze(self) -> None:
        """Nothing arrives any more, and neither end is told (a half-open connection)."""
        self.frozen = True

    def ended(self, at_client: bool) -> None:
        self.tap.ended(self, at_client)
        self._ends -= 1
        if not self._ends:
            del self.network.wires[self.number]


class MemoryListening:
    def __init__(self, port: int, close: Callable[[], object]) -> None:
        self.port = port
        self._close = close

    async def close(self) -> None:
        self._close()


class MemoryNetwork:
    """The `Network` of a simulation. `wires` are the connections that stand, the oldest first."""

    def __init__(
        self,
        tap: Tap | None = None,
        delay_s: Callable[[], float] = lambda: 0.0,
        pieces: Callable[[bytes], Sequence[bytes]] = lambda octets: (octets,),
    ) -> None:
        self.tap = tap or NoTap()
        self.delay_s = delay_s
        self.pieces = pieces
        self.wires: dict[int, Wire] = {}
        # What a server is told of the clients that connect from now on: their "peername" (by
        # default HOST), and over TLS their "peercert".
        self.client: dict[str, Any] = {}
        self._listeners: dict[tuple[str, int], ProtocolFactory] = {}
        self._wire_number = 0

    async def listen(
        self,
        host: str,
        port: int,
        factory: ProtocolFactory,
        tls: SSLContext | None = None,
        proxies: Sequence[str] = (),
    ) -> MemoryListening:
        address = host, port or EPHEMERAL_PORT + len(self._listeners)
        if address in self._listeners:
            raise ListenError(host, port, OSError(errno.EADDRINUSE, "in use"))
        self._listeners[address] = factory
        return MemoryListening(address[1], lambda: self._listeners.pop(address, None))

    async def connect(
        self,
        host: str,
        port: int,
        factory: ProtocolFactory,
        tls: SSLContext | None = None,
        server_name: str = "",
    ) -> None:
        if delay_s := self.delay_s():
            await asyncio.sleep(2 * delay_s)
        accept = self._listeners.get((host, port))
        if accept is None:
            raise ConnectionRefusedError
        self._wire_number += 1
        wire = self.wires[self._wire_number] = Wire(self, self._wire_number, port)
        wire.client = MemoryTransport(wire, True, factory())
        wire.server = MemoryTransport(wire, False, accept())
        wire.server.open()
        wire.client.open()
