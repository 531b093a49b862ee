"""A customer of the simulated carriers: an ESME that does what a test says."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.clock import Clock
from gateway.net.network import Network
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import INTERFACE_3_4, CommandStatus, Tag
from gateway.smpp.events import Closed, Event, Request, Response
from gateway.smpp.pdus import (
    AlertNotification,
    BindFields,
    BindTransceiver,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    Pdu,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import Role


@dataclass(frozen=True)
class Answered:
    """The answer to a request; `at` is the clock's time."""

    command_status: int
    message_id: str
    at: float
    pdu: Pdu | None = None
    tlvs: dict[int, bytes] = field(default_factory=dict)


def submit_sm(
    to: str = "15005551234",
    text: bytes = b"hello",
    sender: str = "15005550006",
    registered_delivery: int = 1,
    **fields: Any,
) -> SubmitSm:
    """As a gateway sends it: international numbers, a receipt wanted."""
    values: dict[str, Any] = {
        "source_addr_ton": 1,
        "source_addr_npi": 1,
        "source_addr": sender,
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": to,
        "registered_delivery": registered_delivery,
        "short_message": text,
    }
    return SubmitSm(**(values | fields))


class Customer:
    """Sends, and keeps what comes back. `answer` gives the status for each deliver_sm; None is
    no answer at all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.connection: SmppConnection
        self.delivered: list[DeliverSm] = []
        self.delivered_at: list[float] = []
        self.alerts: list[AlertNotification] = []
        self.data: list[DataSm] = []
        self.trace: list[str] = []
        self.answer: Callable[[DeliverSm], int | None] = lambda _: CommandStatus.ESME_ROK
        self.closed = asyncio.Event()
        self._answers: dict[int, asyncio.Future[Answered]] = {}
        self._delivery = asyncio.Event()

    async def connect(
        self,
        network: Network,
        port: int,
        response_s: float = 10.0,
        tls: ssl.SSLContext | None = None,
    ) -> Customer:
        timers = Timers(session_init_s=0, response_s=response_s)

        def connection() -> SmppConnection:
            self.connection = SmppConnection(
                Role.ESME, self._clock, timers, self._on_event, window=1_000
            )
            return self.connection

        await network.connect("127.0.0.1", port, connection, tls)
        return self

    async def bind(
        self,
        kind: type[BindFields] = BindTransceiver,
        system_id: str = "supernet",
        password: str = "simpass",
        interface_version: int = INTERFACE_3_4,
    ) -> Answered:
        return await self.send(
            kind(system_id=system_id, password=password, interface_version=interface_version)
        )

    def send(self, pdu: Pdu) -> asyncio.Future[Answered]:
        answered = asyncio.get_running_loop().create_future()
        self._answers[self.connection.request(pdu)] = answered
        return answered

    async def wait_for_delivered(self, count: int = 1, timeout_s: float = 60.0) -> list[DeliverSm]:
        async with asyncio.timeout(timeout_s):
            while len(self.delivered) < count:
                self._delivery.clear()
                await self._delivery.wait()
        return self.delivered

    async def wait_for_data(self, count: int = 1, timeout_s: float = 60.0) -> list[DataSm]:
        async with asyncio.timeout(timeout_s):
            while len(self.data) < count:
                self._delivery.clear()
                await self._delivery.wait()
        return self.data

    @property
    def stats_of_receipts(self) -> list[str]:
        return [receipt_fields(pdu)["stat"] for pdu in self.delivered]

    def _on_event(self, connection: SmppConnection, event: Event) -> None:
        match event:
            case Response(sequence_number, command_status, pdu):
                message_id = pdu.message_id if isinstance(pdu, SubmitSmResp) else ""
                self.trace.append(f"resp {message_id}")
                tlvs = pdu.tlvs if isinstance(pdu, SubmitSmResp) else {}
                answered = Answered(command_status, message_id, self._clock.now(), pdu, tlvs)
                self._answers.pop(sequence_number).set_result(answered)
            case Request(sequence_number, DeliverSm() as pdu):
                self.delivered.append(pdu)
                self.delivered_at.append(self._clock.now())
                self.trace.append(f"deliver {receipt_fields(pdu).get('id', '')}")
                status = self.answer(pdu)
                if status is not None:
                    connection.respond(sequence_number, DeliverSmResp(), status)
                self._delivery.set()
            case Request(_, AlertNotification() as pdu):
                self.alerts.append(pdu)
            case Request(sequence_number, DataSm() as pdu):
                self.data.append(pdu)
                connection.respond(sequence_number, DataSmResp())
                self._delivery.set()
            case Closed():
                self.closed.set()
            case _:
                pass


RECEIPT = re.compile(
    r"id:(?P<id>\S*) sub:(?P<sub>\d+) dlvrd:(?P<dlvrd>\d+) submit date:(?P<submit>\d{10}) "
    r"done date:(?P<done>\d{10}) stat:(?P<stat>\w+) err:(?P<err>\w+) text:(?P<text>.*)"
)


def receipt_fields(pdu: DeliverSm) -> dict[str, str]:
    match = RECEIPT.fullmatch(pdu.short_message.decode("latin-1"))
    return match.groupdict() if match else {}


def receipted_message_id(pdu: DeliverSm) -> str:
    return pdu.tlvs[Tag.RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode()
