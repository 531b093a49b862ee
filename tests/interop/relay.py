"""A wire that is listened to: connections are passed on to a port, and what goes by is kept."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import NamedTuple, Self

READ_SIZE = 65_536


class Segment(NamedTuple):
    """Octets as they came in one read."""

    connection: int
    from_client: bool
    octets: bytes


class Relay:
    """`async with Relay(port) as relay`: `relay.port` leads to `port`."""

    def __init__(self, port: int) -> None:
        self._towards = port
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self.segments: list[Segment] = []
        self.connections = 0

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Break every connection, without a word to either end."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._towards)
        self._writers += [writer, far_writer]
        await asyncio.gather(
            self._pass_on(reader, far_writer, connection, True),
            self._pass_on(far_reader, writer, connection, False),
        )

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connection: int,
        from_client: bool,
    ) -> None:
        try:
            while octets := await reader.read(READ_SIZE):
                self.segments.append(Segment(connection, from_client, octets))
                writer.write(octets)
                await writer.drain()
        except ConnectionError:
            pass  # Cut, by us or by one of the ends.
        finally:
            writer.close()
