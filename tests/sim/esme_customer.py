"""A customer over SMPP: binds again whenever it is cut off, submits, and takes its receipts."""

from __future__ import annotations

import asyncio
import contextlib
from random import Random

from gateway.account import Account
from gateway.clock import Clock, message_id_of
from gateway.message import Origin, Receipts
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp import receipt
from gateway.smpp.constants import CommandStatus, DataCoding, EsmClass, status_name
from gateway.smpp.errors import NotBound
from gateway.smpp.events import Bound, Closed, Event, Request, Response
from gateway.smpp.pdus import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DeliverSm,
    DeliverSmResp,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import SENDING, Role
from tests.sim.cast import GATEWAY_PORT, HOST, PASSWORD, RECIPIENTS
from tests.sim.ledger import Asked, Ledger
from tests.sim.numbered_text import number_in, numbered_text
from tests.support.memory_network import MemoryNetwork

Bind = type[BindTransceiver] | type[BindTransmitter] | type[BindReceiver]

BURST_MAX = 12
FLOOD = 60
FLOOD_SHARE = 0.03
PAUSE_S = 30.0
RECONNECT_S = 2.0
TIMERS = Timers(session_init_s=0, enquire_link_s=20.0, response_s=15.0)


class EsmeCustomer:
    """One bind, made again for ever. `rude`: it answers late, never, or with errors, and leaves."""

    def __init__(
        self,
        account: Account,
        system_id: str,
        bind: Bind,
        network: MemoryNetwork,
        ledger: Ledger,
        clock: Clock,
        random: Random,
    ) -> None:
        self._account = account
        self._system_id = system_id
        self._bind = bind
        self._network = network
        self._ledger = ledger
        self._clock = clock
        self._random = random
        self._connection: SmppConnection | None = None
        self._closed = asyncio.Event()
        self._asked: dict[int, Asked] = {}
        self.rude = False

    async def keep_bound(self) -> None:
        while True:
            self._closed.clear()
            with contextlib.suppress(ConnectionRefusedError):
                await self._network.connect(HOST, GATEWAY_PORT, self._connect)
                await self._closed.wait()
            await asyncio.sleep(RECONNECT_S)

    async def run(self, until: float) -> None:
        """Submit, and if rude, leave now and then."""
        random = self._random
        while self._clock.now() < until:
            await asyncio.sleep(random.expovariate(1 / PAUSE_S))
            burst = FLOOD if random.random() < FLOOD_SHARE else random.randint(1, BURST_MAX)
            for _ in range(burst):
                if self._can_submit:
                    self._submit()
            connection = self._connection
            if connection and self.rude and random.random() < 0.1:
                if random.random() < 0.5:
                    connection.unbind()
                else:
                    connection.abort("rude")

    @property
    def _can_submit(self) -> bool:
        connection = self._connection
        return connection is not None and connection.session.state in SENDING

    def _connect(self) -> SmppConnection:
        return SmppConnection(
            Role.ESME, self._clock, TIMERS, self._on_event, window=1_000, on_open=self._opened
        )

    def _opened(self, connection: SmppConnection) -> None:
        connection.request(self._bind(system_id=self._system_id, password=PASSWORD))

    def _on_event(self, connection: SmppConnection, event: Event) -> None:
        match event:
            case Bound():
                self._connection = connection
            case Response(sequence_number, command_status, pdu):
                asked = self._asked.pop(sequence_number, None)
                if asked and isinstance(pdu, SubmitSmResp):
                    asked.message_id = message_id_of(pdu.message_id)
                elif asked:
                    asked.refused = status_name(command_status)
            case Request(sequence_number, DeliverSm() as pdu):
                self._deliver(connection, sequence_number, pdu)
            case Closed():
                self._connection = None
                self._asked.clear()
                self._closed.set()
            case _:
                pass

    def _submit(self) -> None:
        random = self._random
        assert self._connection is not None
        sender = random.choice(self._account.senders)
        recipient = random.choice(RECIPIENTS["US"])
        wants = random.choice((Receipts.ALL, Receipts.ALL, Receipts.FAILURE, Receipts.NONE))
        asked = self._ledger.ask(self._account, sender.address, recipient, Origin.SMPP, wants)
        text = numbered_text(asked.number).encode()
        header = b""
        if random.random() < 0.1:
            # Its own header, with the 16-bit reference (3GPP TS 23.040 §9.2.3.24.8).
            header = bytes((6, 8, 4, *asked.number.to_bytes(2, "big"), 2, random.randint(1, 2)))
        short_code = not sender.address.startswith("+")
        pdu = SubmitSm(
            source_addr_ton=3 if short_code else 1,
            source_addr_npi=0 if short_code else 1,
            source_addr=sender.address.removeprefix("+"),
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=recipient.removeprefix("+"),
            esm_class=EsmClass.UDHI if header else EsmClass.DEFAULT,
            registered_delivery=wants,
            validity_period="000000000100000R" if random.random() < 0.1 else "",
            data_coding=DataCoding.DEFAULT_ALPHABET,
            short_message=header + text,
        )
        try:
            self._asked[self._connection.request(pdu)] = asked
        except NotBound:
            asked.refused = "we are leaving"

    def _deliver(self, connection: SmppConnection, sequence_number: int, pdu: DeliverSm) -> None:
        random = self._random
        if self.rude and random.random() < 0.1:
            status = random.choice((CommandStatus.ESME_RX_T_APPN, CommandStatus.ESME_RMSGQFUL))
            connection.respond(sequence_number, None, status)
            return
        if receipt.is_receipt(pdu.esm_class):
            said = receipt.parse(pdu.short_message, pdu.tlvs)
            assert said is not None
            self._ledger.esme_receipts.append((self._account.sid, said))
        else:
            number = number_in(pdu.short_message.decode("latin-1"))
            if number is not None:
                self._ledger.esme_inbound.append(number)
        if self.rude and random.random() < 0.1:
            asyncio.get_running_loop().call_later(
                random.uniform(5.0, 30.0), connection.respond, sequence_number, DeliverSmResp()
            )
        else:
            connection.respond(sequence_number, DeliverSmResp())
