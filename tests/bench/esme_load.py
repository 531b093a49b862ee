"""The SMPP load generator, as its own process: `python -m tests.bench.esme_load ORDER`.

Its connections bind as transceivers, submit, and take the receipts that come back over any of
them. PDUs are put together from prepared octets, and one write carries all that a turn starts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from functools import partial
from struct import Struct
from typing import cast

from gateway.smpp import codec
from gateway.smpp.constants import CommandId, DataCoding, RegisteredDelivery
from gateway.smpp.pdus import BindTransceiver
from tests.bench import traffic
from tests.bench.load import CONNECT_S, PASSWORD, EsmeAccount, Load, run

HEADER = Struct(">IIII")
HEADER_LENGTH = HEADER.size

SUBMIT_SM = int(CommandId.SUBMIT_SM)
SUBMIT_SM_RESP = int(CommandId.SUBMIT_SM_RESP)
DELIVER_SM = int(CommandId.DELIVER_SM)
DELIVER_SM_RESP = int(CommandId.DELIVER_SM_RESP)
BIND_TRANSCEIVER_RESP = int(CommandId.BIND_TRANSCEIVER_RESP)
ENQUIRE_LINK = int(CommandId.ENQUIRE_LINK)

# §4.4.1: TON and NPI of a short code, and of an international number.
SHORT_CODE = b"\x03\x00"
INTERNATIONAL = b"\x01\x01"
RECEIPT_ID = b"id:"


class Esme:
    """All the connections of the run together: an id may come back over another of them."""

    def __init__(self, load: Load) -> None:
        order = load.order
        self.load = load
        self.numbers: dict[bytes, int] = {}
        self.receipts: list[tuple[bytes, float]] = []
        self._recipient = traffic.RECIPIENTS_OF[order.recipients]
        delivery = RegisteredDelivery.ALL if order.receipts else RegisteredDelivery.NONE
        text_length = len(traffic.text(0))
        self._before_text = (
            bytes(3)  # esm_class, protocol_id, priority_flag
            + b"\0\0"  # schedule_delivery_time, validity_period
            + bytes((delivery, 0, DataCoding.DEFAULT_ALPHABET, 0, text_length))
        )

    def submit_sm(self, number: int, sequence_number: int, sender: str) -> bytes:
        body = b"\0%b%b\0%b%b\0%b%b" % (
            SHORT_CODE,
            (sender or traffic.sender(number)).encode(),
            INTERNATIONAL,
            self._recipient(number).encode(),
            self._before_text,
            traffic.text(number).encode(),
        )
        return HEADER.pack(HEADER_LENGTH + len(body), SUBMIT_SM, 0, sequence_number) + body

    def note_receipts(self) -> None:
        """Find out whose receipts they were; of an unknown id, none of ours."""
        for message_id, at in self.receipts:
            self.load.receipted.note(self.numbers.get(message_id, 0), at)


class EsmeConnection(asyncio.Protocol):
    def __init__(self, esme: Esme, account: EsmeAccount) -> None:
        loop = asyncio.get_running_loop()
        self.bound: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._esme = esme
        self._account = account
        self._load = esme.load
        self._refill = not esme.load.order.rate
        self._rest = b""
        self._sequence_number = 1
        self._under_way: dict[int, int] = {}
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        bind = BindTransceiver(system_id=self._account.system_id, password=PASSWORD)
        self._transport.write(codec.encode(bind, self._sequence_number))

    def connection_lost(self, cause: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def close(self) -> None:
        self._sequence_number += 1
        self._transport.write(codec.encode_header(CommandId.UNBIND, self._sequence_number))

    def submit(self, numbers: Iterable[int]) -> None:
        pdus = []
        for number in numbers:
            self._sequence_number += 1
            self._under_way[self._sequence_number] = number
            pdus.append(self._esme.submit_sm(number, self._sequence_number, self._account.sender))
        if pdus:
            self._transport.write(b"".join(pdus))

    def data_received(self, octets: bytes) -> None:
        now = time.monotonic()
        if self._rest:
            octets = self._rest + octets
        answers: list[bytes] = []
        freed = 0
        at, end = 0, len(octets)
        while end - at >= HEADER_LENGTH:
            length, command_id, status, sequence_number = HEADER.unpack_from(octets, at)
            if end - at < length:
                break
            if command_id == SUBMIT_SM_RESP:
                number = self._under_way.pop(sequence_number)
                if not status:
                    self._esme.numbers[octets[at + HEADER_LENGTH : at + length - 1]] = number
                self._load.answer(number, now, f"0x{status:08x}" if status else "")
                freed += 1
            elif command_id == DELIVER_SM:
                begin = octets.find(RECEIPT_ID, at, at + length) + len(RECEIPT_ID)
                message_id = octets[begin : octets.find(b" ", begin)]
                self._esme.receipts.append((message_id, now))
                self._load.receipt()
                answers.append(
                    HEADER.pack(HEADER_LENGTH + 1, DELIVER_SM_RESP, 0, sequence_number) + b"\0"
                )
            else:
                self._other(command_id, status, sequence_number, answers)
            at += length
        self._rest = octets[at:]
        if answers:
            self._transport.write(b"".join(answers))
        if freed and self._refill:
            self.submit(self._load.take(freed, now))

    def _other(
        self, command_id: int, status: int, sequence_number: int, answers: list[bytes]
    ) -> None:
        if command_id == ENQUIRE_LINK:
            answers.append(codec.encode_header(CommandId.ENQUIRE_LINK_RESP, sequence_number))
        elif command_id == BIND_TRANSCEIVER_RESP:
            if status:
                self.bound.set_exception(ConnectionError(f"bind refused with 0x{status:08x}"))
            else:
                self.bound.set_result(None)
        elif command_id == CommandId.UNBIND_RESP:
            self._transport.close()


async def generate(load: Load) -> None:
    order = load.order
    loop = asyncio.get_running_loop()
    esme = Esme(load)
    connections = []
    async with asyncio.timeout(CONNECT_S):
        for index in range(order.connections):
            account = order.esmes[index % len(order.esmes)]
            _, connection = await loop.create_connection(
                partial(EsmeConnection, esme, account), "127.0.0.1", order.port
            )
            await connection.bound
            connections.append(connection)
    now = time.monotonic()
    load.begin(now)
    if order.rate:
        await load.pace(lambda number, _: connections[number % len(connections)].submit((number,)))
    else:
        for connection in connections:
            connection.submit(load.take(order.window, now))
    await load.wait_settled()
    esme.note_receipts()
    async with asyncio.timeout(CONNECT_S):
        for connection in connections:
            connection.close()
            await connection.closed


if __name__ == "__main__":
    run(generate)
