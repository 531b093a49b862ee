"""A line to a carrier that says some of its answers twice."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Self

from gateway.smpp.constants import HEADER_LENGTH, CommandId

CHUNK = 1 << 16
# What the simulator lets pass: far more than any PDU of it.
PDU_MAX = 1 << 16


class EchoingWire:
    """Listens on `port` and passes everything on to the carrier's; of its submit_sm_resp the share
    `doubled` comes twice. A connection that one side ends, ends on the other."""

    def __init__(self, carrier_port: int, random: Random, doubled: float) -> None:
        self.port = 0
        self.echoes = 0
        self._carrier_port = carrier_port
        self._random = random
        self._doubled = doubled
        self._lines: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)
        with suppress(OSError, asyncio.IncompleteReadError):
            try:
                answers, requests = await asyncio.open_connection("127.0.0.1", self._carrier_port)
                try:
                    await either(self._pass(reader, requests), self._echo(answers, writer))
                finally:
                    requests.transport.abort()
            finally:
                writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(CHUNK):
            writer.write(octets)
            await writer.drain()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            header = await reader.readexactly(HEADER_LENGTH)
            length = int.from_bytes(header[:4], "big")
            assert HEADER_LENGTH <= length <= PDU_MAX, length
            pdu = header + await reader.readexactly(length - HEADER_LENGTH)
            writer.write(pdu)
            is_answer = int.from_bytes(header[4:8], "big") == CommandId.SUBMIT_SM_RESP
            if is_answer and self._random.random() < self._doubled:
                self.echoes += 1
                writer.write(pdu)
            await writer.drain()


async def either(*directions: Coroutine[None, None, None]) -> None:
    """Until one of the directions ends; the other is ended with it."""
    tasks = [asyncio.ensure_future(direction) for direction in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
