"""An SMPP server in memory: a counter that takes messages as the test says, a store, customers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, cast

from gateway.account import Account, Esme, Sender, SenderType
from gateway.clock import Clock
from gateway.config.credentials import Credentials
from gateway.config.sections import Smpp
from gateway.errors import Refusal, Refused
from gateway.events import StatusEvent
from gateway.ingress.esme_delivery import EsmeDelivery
from gateway.ingress.smpp_server import SmppServer
from gateway.message import Message, Origin, Receipts, Status
from gateway.messaging.admission import SendRequest
from gateway.messaging.idempotency import Idempotency
from gateway.messaging.intake import Intake, OnAccepted, OnRefused
from gateway.messaging.journal import listener_of
from gateway.messaging.pending_messages import PendingMessages
from gateway.smpp.pdus import BindFields, BindTransceiver, SubmitSm
from gateway.store.interface import Owed, Store, Transition
from tests.carriers_sim.customer import Answered, Customer, receipt_fields
from tests.ingress.pending_world import WaitingRoom
from tests.messaging.ledger import Ledger
from tests.store.builders import ACCOUNT, OTHER_ACCOUNT, a_message
from tests.support.memory_network import MemoryNetwork
from tests.support.virtual_time import virtual_time

WALL = 1_700_000_000.0
PASSWORD = "secret"
WINDOW_S = 7 * 86_400.0
SUBMIT = SubmitSm(
    source_addr_ton=3,
    source_addr="55501",
    dest_addr_ton=1,
    dest_addr_npi=1,
    destination_addr="15005550009",
    registered_delivery=1,
    short_message=b"hello",
)


class Counter:
    """Takes what is submitted, unless it is to `refuse` it or to leave it `waiting`."""

    def __init__(self) -> None:
        self.requests: list[SendRequest] = []
        self.refuse: Refusal | None = None
        self.holds = False
        self.waiting: list[tuple[OnAccepted, OnRefused]] = []

    def submit(self, request: SendRequest, on_accepted: OnAccepted, on_refused: OnRefused) -> None:
        self.requests.append(request)
        if self.refuse:
            on_refused(Refused(self.refuse))
        elif self.holds:
            self.waiting.append((on_accepted, on_refused))
        else:
            on_accepted(self.made(request))

    def made(self, request: SendRequest) -> Message:
        """The message of a request; ids are given in turn."""
        return a_message(len(self.requests), sender=request.sender, smpp=request.smpp)


class SmppSite:
    """`config` is the server's, `changes` are to the account, whose ESMEs are `demo` and `spare`;
    the other account's is `other`."""

    def __init__(
        self,
        config: dict[str, Any] | None = None,
        esme: dict[str, Any] | None = None,
        network: MemoryNetwork | None = None,
        tls: ssl.SSLContext | None = None,
        **changes: Any,
    ) -> None:
        self.clock = Clock(asyncio.get_running_loop().time, WALL)
        self.network = network or MemoryNetwork()
        self.ledger = Ledger()
        self.counter = Counter()
        self.pending = WaitingRoom()
        # How full the queue of each sender is.
        self.fill = 0.0
        # Those that were hashed.
        self.passwords: list[str] = []
        self.ready = True
        account = Account(
            ACCOUNT,
            "0123456789abcdef0123456789abcdef",
            esmes=(Esme("demo", "hash", **(esme or {})), Esme("spare", "hash")),
            senders=(Sender("55501", SenderType.SHORT_CODE),),
            **changes,
        )
        other = Account(OTHER_ACCOUNT, "f" * 32, esmes=(Esme("other", "hash"),))
        smpp = Smpp(**(config or {}))
        self.delivery = EsmeDelivery(cast(Store, self.ledger), self.clock, smpp.deliver_s)
        self.server = SmppServer(
            smpp,
            self.network,
            self.clock,
            Credentials([account, other], self._is_right),
            Idempotency(cast(Intake, self.counter), self.ledger.find_key, self.clock, WINDOW_S),
            cast(PendingMessages, self.pending),
            self.delivery,
            lambda: self.ready,
            lambda account_sid, sender: self.fill,
            Random(7),
            tls,
        )
        self._ids = 0

    async def _is_right(self, password: str, stored: str) -> bool:
        """Instead of scrypt, which takes a thread and 40 ms."""
        self.passwords.append(password)
        await asyncio.sleep(0.04)
        return password == PASSWORD

    async def customer(self, response_s: float = 10.0) -> Customer:
        """Connected, not bound."""
        return await Customer(self.clock).connect(self.network, self.server.port, response_s)

    async def bound(
        self,
        kind: type[BindFields] = BindTransceiver,
        system_id: str = "demo",
        **fields: Any,
    ) -> Customer:
        customer = await self.customer()
        answered = await self.bind(customer, kind, system_id, **fields)
        assert answered.command_status == 0
        return customer

    async def bind(
        self,
        customer: Customer,
        kind: type[BindFields] = BindTransceiver,
        system_id: str = "demo",
        password: str = PASSWORD,
        **fields: Any,
    ) -> Answered:
        return await customer.send(kind(system_id=system_id, password=password, **fields))

    # What happens to messages

    def an_event(
        self, status: Status = Status.DELIVERED, **changes: Any
    ) -> tuple[Message, StatusEvent]:
        self._ids += 1
        fields: dict[str, Any] = {
            "sender": "55501",
            "origin": Origin.SMPP,
            "receipts": Receipts.ALL,
            "accepted_at": WALL,
        }
        message = a_message(self._ids, **(fields | changes))
        return message, StatusEvent(message, 2, status, self.clock.now())

    def becomes(self, status: Status = Status.DELIVERED, **changes: Any) -> Message:
        """A message reaches a status, and the store has it."""
        message, event = self.an_event(status, **changes)
        self._store(event)
        self.delivery.on_event(event)
        return message

    def became(self, status: Status = Status.DELIVERED, **changes: Any) -> Message:
        """As before, in an earlier run."""
        message, event = self.an_event(status, **changes)
        self.delivery.recover(Owed(message, self._store(event)))
        return message

    def _store(self, event: StatusEvent) -> Transition:
        message = event.message
        listener = listener_of(message, event.status)
        step = Transition(message.id, event.number, event.status, event.at, listener=listener)
        self.ledger.has(message, step)
        return step


def esmes(**config: Any) -> Callable[[Callable[[SmppSite], Awaitable[None]]], Callable[[], None]]:
    """Runs a test with a server that listens, in virtual time."""

    def decorate(test: Callable[[SmppSite], Awaitable[None]]) -> Callable[[], None]:
        @virtual_time
        async def run() -> None:
            site = SmppSite(config)
            await site.server.start()
            await test(site)
            site.delivery.close()

        return run

    return decorate


async def a_site(
    config: dict[str, Any] | None = None, esme: dict[str, Any] | None = None, **changes: Any
) -> SmppSite:
    """One whose server listens."""
    site = SmppSite(config, esme, **changes)
    await site.server.start()
    return site


async def moment(seconds: float = 0.1) -> None:
    await asyncio.sleep(seconds)


def ids(customer: Customer) -> list[str]:
    """The messages whose receipts a customer had, in order."""
    return [receipt_fields(pdu)["id"] for pdu in customer.delivered]
