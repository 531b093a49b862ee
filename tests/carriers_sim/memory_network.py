"""A network without sockets: octets arrive in the next turn of the loop, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from gateway.net.network import ProtocolFactory


class MemoryTransport(asyncio.Transport):
    """One end of a connection."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._other: MemoryTransport
        self._closed = False

    def join(self, other: MemoryTransport) -> None:
        self._other = other
        self._protocol.connection_made(self)

    def write(self, data: Any) -> None:
        self._loop.call_soon(self._other.deliver, bytes(data))

    def deliver(self, octets: bytes) -> None:
        if not self._closed:
            self._protocol.data_received(octets)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered here."""

    def pause_reading(self) -> None:
        raise AssertionError("no test sends that much")

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._loop.call_soon(self._end)
        self._loop.call_soon(self._other._end)

    def abort(self) -> None:
        self.close()

    def _end(self) -> None:
        if not self._closed:
            self._closed = True
            self._protocol.connection_lost(None)


class MemoryListening:
    def __init__(self, port: int, close: Callable[[], object]) -> None:
        self.port = port
        self._close = close

    async def close(self) -> None:
        self._close()


class MemoryNetwork:
    def __init__(self) -> None:
        self._listeners: dict[tuple[str, int], ProtocolFactory] = {}

    async def listen(self, host: str, port: int, factory: ProtocolFactory) -> MemoryListening:
        address = host, port or 1 + len(self._listeners)
        self._listeners[address] = factory
        return MemoryListening(address[1], lambda: self._listeners.pop(address))

    async def connect(self, host: str, port: int, factory: ProtocolFactory) -> None:
        if (host, port) not in self._listeners:
            raise ConnectionRefusedError
        ours, theirs = (
            MemoryTransport(factory()),
            MemoryTransport(self._listeners[host, port]()),
        )
        ours._other, theirs._other = theirs, ours
        theirs.join(ours)
        ours.join(theirs)
