"""A customer's ESME, on our own session: it answers deliver_sm and keeps what came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from gateway.clock import system_clock
from gateway.net.network import TcpNetwork
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import CommandStatus, Npi, RegisteredDelivery, Ton
from gateway.smpp.events import Closed, Event, Request, Response
from gateway.smpp.pdus import (
    BindFields,
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    Pdu,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import Role
from tests.e2e.configuration import ESME, ESME_PASSWORD, LONG_CODE
from tests.e2e.process import PATIENCE_S

WINDOW = 100


def submit_sm(
    to: str,
    text: bytes = b"hello",
    sender: str = LONG_CODE,
    registered_delivery: int = RegisteredDelivery.ALL,
) -> SubmitSm:
    """To an international number, from one or from a short code."""
    international = sender.startswith("+")
    return SubmitSm(
        source_addr_ton=Ton.INTERNATIONAL if international else Ton.NETWORK_SPECIFIC,
        source_addr_npi=Npi.ISDN if international else Npi.UNKNOWN,
        source_addr=sender.removeprefix("+"),
        dest_addr_ton=Ton.INTERNATIONAL,
        dest_addr_npi=Npi.ISDN,
        destination_addr=to.removeprefix("+"),
        registered_delivery=registered_delivery,
        short_message=text,
    )


class Esme:
    """`async with Esme(port) as esme` is bound. Requests that a lost connection leaves without
    an answer raise ConnectionError. `answers` are for the next deliver_sm; all others get
    ESME_ROK, and are `taken`."""

    def __init__(
        self,
        port: int,
        system_id: str = ESME,
        password: str = ESME_PASSWORD,
        kind: type[BindFields] = BindTransceiver,
    ) -> None:
        self._port = port
        self._bind = kind(system_id=system_id, password=password)
        self._clock = system_clock(asyncio.get_running_loop().time)
        self._awaited: dict[int, asyncio.Future[Response]] = {}
        self._grown = asyncio.Event()
        self.delivered: list[DeliverSm] = []
        self.taken: list[DeliverSm] = []
        self.answers: list[CommandStatus] = []
        self.closed = asyncio.Event()
        self.connection: SmppConnection

    def send(self, pdu: Pdu) -> asyncio.Future[Response]:
        """Its answer to come. Raises NotBound, WindowFull."""
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._awaited[self.connection.request(pdu)] = answer
        return answer

    async def submit(self, pdu: SubmitSm) -> str:
        """The message_id of a submit_sm that is accepted."""
        response = await self.send(pdu)
        assert response.command_status == 0, response
        assert isinstance(response.pdu, SubmitSmResp)
        return response.pdu.message_id

    async def wait_for(
        self, matches: Callable[[DeliverSm], bool], timeout_s: float = PATIENCE_S
    ) -> DeliverSm:
        """The first deliver_sm that matches."""
        async with asyncio.timeout(timeout_s):
            while True:
                for pdu in self.delivered:
                    if matches(pdu):
                        return pdu
                self._grown.clear()
                await self._grown.wait()

    async def connect(self) -> None:
        """Connect only. Raises OSError: nobody listens."""

        def connection() -> SmppConnection:
            self.connection = SmppConnection(
                Role.ESME, self._clock, Timers(), self._on_event, window=WINDOW
            )
            return self.connection

        await TcpNetwork().connect("127.0.0.1", self._port, connection)

    async def bind(self) -> int:
        """Connect and bind; the command_status of the answer."""
        await self.connect()
        return (await self.send(self._bind)).command_status

    async def unbind(self) -> None:
        self.connection.unbind()
        async with asyncio.timeout(PATIENCE_S):
            await self.closed.wait()

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(PATIENCE_S):
            status = await self.bind()
        assert status == 0, status
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.closed.is_set():
            await self.unbind()

    def _on_event(self, connection: SmppConnection, event: Event) -> None:
        match event:
            case Response(sequence_number):
                answer = self._awaited.pop(sequence_number)
                if not answer.done():
                    answer.set_result(event)
            case Request(sequence_number, DeliverSm() as pdu):
                self.delivered.append(pdu)
                status = self.answers.pop(0) if self.answers else CommandStatus.ESME_ROK
                if not status:
                    self.taken.append(pdu)
                connection.respond(sequence_number, DeliverSmResp(), status)
                self._grown.set()
            case Closed(reason):
                for answer in self._awaited.values():
                    if not answer.done():
                        answer.set_exception(ConnectionError(reason))
                self._awaited.clear()
                self.closed.set()
            case _:
                pass
