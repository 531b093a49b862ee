"""A peer that writes octets, and reads what comes back as headers."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from gateway.net.network import Network
from gateway.smpp import codec
from gateway.smpp.pdus import Pdu


class Answer(NamedTuple):
    command_id: int
    command_status: int
    sequence_number: int
    body: bytes


class RawEsme(asyncio.Protocol):
    """Sends what no session of ours would."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._received = b""
        self.closed = False

    @classmethod
    async def connected(cls, network: Network, port: int) -> RawEsme:
        esme = cls()
        await network.connect("127.0.0.1", port, lambda: esme)
        return esme

    def write(self, octets: bytes) -> None:
        self._transport.write(octets)

    async def ask(self, pdu: Pdu, sequence_number: int) -> Answer:
        """Send a request, and wait for what comes next with its number."""
        self.write(codec.encode(pdu, sequence_number))
        await asyncio.sleep(0.1)
        return next(each for each in self.answers if each.sequence_number == sequence_number)

    @property
    def answers(self) -> list[Answer]:
        """All that has come."""
        found, at = [], 0
        while at < len(self._received):
            length, command_id, status, number = codec.HEADER.unpack_from(self._received, at)
            body = self._received[at + codec.HEADER.size : at + length]
            found.append(Answer(command_id, status, number, body))
            at += length
        return found

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, octets: bytes) -> None:
        self._received += octets

    def connection_lost(self, cause: Exception | None) -> None:
        self.closed = True
