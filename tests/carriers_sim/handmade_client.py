"""A client whose every octet is written by the test: what no session of ours would send."""

from __future__ import annotations

import asyncio
from struct import Struct
from typing import NamedTuple, cast

from tests.carriers_sim.carrier_builder import World

HEADER = Struct(">IIII")
BIND_TRANSCEIVER = 0x00000009
SUBMIT_SM = 0x00000004
DELIVER_SM_RESP = 0x80000005
UNBIND = 0x00000006
ENQUIRE_LINK = 0x00000015
ENQUIRE_LINK_RESP = 0x80000015
GENERIC_NACK = 0x80000000
# system_id, password, system_type, interface_version, addr_ton, addr_npi, address_range
CREDENTIALS = b"supernet\0simpass\0\0\x34\0\0\0"
# service_type, +15005550006 to +15005551234, esm_class to sm_default_msg_id, "hello"
MESSAGE = b"\0\x01\x0115005550006\0\x01\x0115005551234\0\0\0\0\0\0\0\0\0\0\x05hello"


class Seen(NamedTuple):
    """A PDU that came."""

    command_id: int
    command_status: int
    sequence_number: int
    body: bytes


def pdu(command_id: int, sequence_number: int, body: bytes = b"", status: int = 0) -> bytes:
    return HEADER.pack(16 + len(body), command_id, status, sequence_number) + body


class HandmadeClient(asyncio.Protocol):
    """Writes what it is told to and keeps what comes. It answers nothing by itself."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.closed = asyncio.Event()
        self._octets = b""
        self._came = asyncio.Event()
        self._transport: asyncio.Transport

    def write(self, octets: bytes) -> None:
        self._transport.write(octets)

    def close(self) -> None:
        self._transport.close()

    async def wait_for(self, command_id: int) -> Seen:
        """The first PDU of this kind."""
        while True:
            for seen in self.seen:
                if seen.command_id == command_id:
                    return seen
            self._came.clear()
            await self._came.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, octets: bytes) -> None:
        self._octets += octets
        while len(self._octets) >= 16:
            length, command_id, status, sequence_number = HEADER.unpack_from(self._octets)
            if len(self._octets) < length:
                break
            body = self._octets[16:length]
            self.seen.append(Seen(command_id, status, sequence_number, body))
            self._octets = self._octets[length:]
        self._came.set()

    @property
    def rest(self) -> bytes:
        """The beginning of a PDU whose end has not come."""
        return self._octets

    def connection_lost(self, cause: Exception | None) -> None:
        self.closed.set()


async def connected(world: World) -> HandmadeClient:
    client = HandmadeClient()
    await world.network.connect("127.0.0.1", world.smsc.port, lambda: client)
    return client


async def bound(world: World, interface_version: int = 0x34) -> HandmadeClient:
    """Bound as a transceiver, with sequence_number 1."""
    client = await connected(world)
    credentials = CREDENTIALS.replace(b"\x34", bytes([interface_version]))
    client.write(pdu(BIND_TRANSCEIVER, 1, credentials))
    await client.wait_for(BIND_TRANSCEIVER | 0x80000000)
    return client
