"""A dispatcher with all that it needs, over binds that do nothing: the test answers for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from gateway.account import Account, InDoubt, Sender, SenderType, TrafficClass
from gateway.carriers.bind_events import (
    BindCameUp,
    BindWentDown,
    SubmitAnswered,
    SubmitLost,
    SubmitTimedOut,
)
from gateway.clock import Clock
from gateway.config.carrier import CarrierBind
from gateway.events import EventBus, StatusEvent
from gateway.message import Message, Status
from gateway.messaging.carrier_ids import CarrierIds
from gateway.messaging.dispatcher import Dispatcher
from gateway.messaging.journal import Journal
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.receipts import Receipts, carrier_of
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.receipt import Receipt
from gateway.store.interface import Attempt, AttemptOutcome
from routing.carrier_bind import CarrierBind as RoutedBind
from routing.carrier_bind import RouteEntry
from routing.router import Router
from tests.messaging.ledger import Ledger
from tests.store.builders import ACCOUNT, a_message

WALL = 1_700_000_000.0
SENDER = "55501"
RECIPIENT = "+15017122661"
OTHER = "+15005550009"
THIRD = "+15005550010"
# So many messages of a queue are in memory where the fixture short_heads is used.
HEAD = 4
LONG = "x" * 400  # Three parts.
TURN_S = 0.000_1
UNKNOWN_WAIT_S = 3_600.0
HOLD_S = 120.0
RECEIPT_WAIT_S = 259_200.0


def a_bind(bind_id: str = "alpha/1", **changes: Any) -> CarrierBind:
    fields: dict[str, Any] = {
        "id": bind_id.partition("/")[2],
        "host": "127.0.0.1",
        "port": 2775,
        "system_id": "supernet",
        "password": "secret",
        "window": 10,
        "tps": 1_000.0,
    }
    return CarrierBind(**(fields | changes))


def to(match: str, priority: int = 1, *sender_types: str) -> RouteEntry:
    return RouteEntry(match, priority, sender_types=frozenset(sender_types))


# Beta only takes what alpha cannot.
TWO = {"alpha/1": (to("", 1),), "beta/1": (to("", 2),)}


def part_id(opened: OpenMessage, part: int = 1) -> str:
    """As `Traffic.sent` has the carrier name it."""
    return f"{opened.message.id:x}-{part}"


def an_attempt(
    message_id: int, outcome: AttemptOutcome, part: int = 1, bind: str = "alpha/1"
) -> Attempt:
    return Attempt(message_id, part, WALL - 30, outcome, bind)


@dataclass
class Written:
    """A submit_sm that awaits its answer."""

    pdu: SubmitSm
    reference: Any
    at: float

    @property
    def text(self) -> str:
        return self.pdu.short_message.decode("latin-1")


class FakeBind:
    """Keeps what is submitted. `trouble` is raised at the next submits."""

    def __init__(self, config: CarrierBind, clock: Clock) -> None:
        self.config = config
        self.trouble: Exception | None = None
        self.awaiting: deque[Written] = deque()
        self.written: list[Written] = []
        self._clock = clock

    def submit(self, pdu: SubmitSm, reference: Any) -> None:
        if self.trouble:
            raise self.trouble
        written = Written(pdu, reference, self._clock.now())
        self.awaiting.append(written)
        self.written.append(written)


class Traffic:
    """`binds` by id, each with its routes; without routes it leads everywhere. All are up, and all
    but the `silent_binds` give receipts."""

    def __init__(
        self,
        binds: Mapping[str, tuple[RouteEntry, ...]] | None = None,
        mps: float = 1_000.0,
        max_queue_s: int = 14_400,
        mps_max: float | None = None,
        expired_code: int = 30001,
        silent_binds: tuple[str, ...] = (),
        in_doubt: InDoubt = InDoubt.RESEND,
        ledger: Ledger | None = None,
        carrier_ids: Mapping[str, CarrierIds] | None = None,
        traffic_class: TrafficClass | None = None,
        **config: Any,
    ) -> None:
        self.account = Account(
            ACCOUNT,
            "0123456789abcdef0123456789abcdef",
            senders=(
                Sender(SENDER, SenderType.SHORT_CODE, mps),
                Sender(
                    "+15005550006",
                    SenderType.LONG_CODE,
                    mps,
                    traffic_class=TrafficClass.TRANSACTIONAL,
                ),
            ),
            traffic_class=traffic_class,
            max_queue_s=max_queue_s,
            mps_max=mps_max,
            in_doubt=in_doubt,
            in_doubt_hold_s=HOLD_S,
        )
        self.clock = Clock(asyncio.get_running_loop().time, WALL)
        self.ledger = ledger or Ledger()
        self.told: list[StatusEvent] = []
        bus = EventBus()
        bus.subscribe(self.told.append)
        self.journal = Journal(self.ledger, self.clock, bus, RECEIPT_WAIT_S)
        routes = binds or {"alpha/1": ()}
        self.binds = {
            bind: FakeBind(
                a_bind(bind, **{"receipts": bind not in silent_binds, **config}), self.clock
            )
            for bind in routes
        }
        self.router = Router(
            [
                RoutedBind(bind, entries or (RouteEntry(),), fake.config.window, fake.config.tps)
                for (bind, entries), fake in zip(routes.items(), self.binds.values(), strict=True)
            ],
            now=WALL,
        )
        silent = frozenset(bind for bind, fake in self.binds.items() if not fake.config.receipts)
        self.receipts = Receipts(
            self.journal,
            self.ledger,
            self.router,
            self.clock,
            RECEIPT_WAIT_S,
            silent,
            carrier_ids,
        )
        self.dispatcher = Dispatcher(
            self.journal,
            self.receipts,
            self.router,
            cast(Any, self.binds),
            self.ledger,
            self.clock,
            expired_code,
            UNKNOWN_WAIT_S,
        )
        self.receipts.on_confirmed = self.dispatcher.answers.on_confirmed
        self.running = [
            asyncio.ensure_future(self.dispatcher.run()),
            asyncio.ensure_future(self.receipts.run()),
        ]
        self._ids = 0
        for bind in self.binds:
            self.up(bind)

    # Messages

    def a_message(self, body: str = "hello", **changes: Any) -> Message:
        self._ids += 1
        now = self.clock.now()
        fields = {
            "sender": SENDER,
            "recipient": RECIPIENT,
            "body": body,
            "accepted_at": now,
            "expires_at": now + 14_400,
        }
        return a_message(self._ids, **(fields | changes))

    async def put(self, body: str = "hello", **changes: Any) -> OpenMessage:
        """Accept a message and queue it, as the intake does."""
        message = self.a_message(body, **changes)
        sender = next(each for each in self.account.senders if each.address == message.sender)
        lane = self.dispatcher.lanes.of(self.account, sender)
        assert lane.queue.reserve(message.segments)
        accepted: asyncio.Future[OpenMessage] = asyncio.get_running_loop().create_future()

        def on_accepted(opened: OpenMessage | None) -> None:
            assert opened
            accepted.set_result(opened)
            self.dispatcher.lanes.put(lane, opened)

        self.journal.accept(message, on_accepted)
        return await accepted

    async def sent(self, body: str = "hello", bind: str = "alpha/1", **changes: Any) -> OpenMessage:
        """A message that the carrier has taken."""
        opened = await self.put(body, **changes)
        for _ in range(opened.segments):
            await self.turn()
            self.ok(bind, part_id(opened, opened.sent + 1))
        await self.turn()
        assert opened.status is Status.SENT
        return opened

    async def turn(self, seconds: float = TURN_S) -> None:
        await asyncio.sleep(seconds)

    # Carriers

    def up(self, bind: str) -> None:
        self.dispatcher.on_bind_up(BindCameUp(bind))

    def down(self, bind: str) -> None:
        """As a bind tells it: first what was not answered, then that it is down."""
        awaiting = self.binds[bind].awaiting
        while awaiting:
            self.dispatcher.answers.on_lost(SubmitLost(bind, awaiting.popleft().reference))
        self.dispatcher.on_bind_down(BindWentDown(bind, "connection lost"))

    def answer(
        self, bind: str = "alpha/1", status: int = CommandStatus.ESME_ROK, carrier_id: str = ""
    ) -> None:
        """Answer the oldest submit_sm."""
        self.answer_to(bind, self.binds[bind].awaiting.popleft(), status, carrier_id)

    def answer_to(
        self, bind: str, written: Written, status: int = 0, carrier_id: str = "", late: bool = False
    ) -> None:
        latency_s = self.clock.now() - written.at
        self.dispatcher.answers.on_answered(
            SubmitAnswered(bind, written.reference, status, carrier_id, latency_s, late)
        )

    def ok(self, bind: str = "alpha/1", carrier_id: str = "") -> None:
        """The carrier takes it, under an id of its own."""
        carrier_id = carrier_id or f"{bind} {len(self.binds[bind].written)}.{self.clock.now()}"
        self.answer(bind, CommandStatus.ESME_ROK, carrier_id)

    def time_out(self, bind: str = "alpha/1") -> Written:
        """The oldest submit_sm is not answered in time."""
        written = self.binds[bind].awaiting.popleft()
        latency_s = self.clock.now() - written.at
        self.dispatcher.answers.on_timed_out(SubmitTimedOut(bind, written.reference, latency_s))
        return written

    def receipt(
        self,
        carrier_id: str,
        stat: str = "DELIVRD",
        err: str = "000",
        bind: str = "alpha/1",
        recipient: str = RECIPIENT,
    ) -> list[object]:
        """What it is answered with: nothing while the list is empty, then None or an error. It
        comes from the `recipient`, to SENDER."""
        answers: list[object] = []
        told = Receipt(carrier_id, stat, err, "2311142213", recipient, SENDER)
        self.receipts.on_receipt(carrier_of(bind), told, answers.append)
        return answers

    # What is to be seen

    def texts(self, bind: str = "alpha/1") -> list[str]:
        """All that was ever written there."""
        return [written.text for written in self.binds[bind].written]

    def statuses(self, opened: OpenMessage) -> list[Status]:
        return [event.status for event in self.told if event.message.id == opened.message.id]

    def outcomes(self, opened: OpenMessage) -> list[tuple[int, AttemptOutcome, str]]:
        """What is on record of the attempts at its parts: part, outcome and bind."""
        return [
            (attempt.part, attempt.outcome, attempt.bind)
            for attempt in self.ledger.attempts
            if attempt.message_id == opened.message.id
        ]

    def last(self, opened: OpenMessage) -> tuple[Status, int]:
        """What the customer heard last, and with which error code."""
        event = [event for event in self.told if event.message.id == opened.message.id][-1]
        return event.status, event.error_code

    @property
    def segments_queued(self) -> int:
        return sum(segments for *_, segments in self.dispatcher.lanes.backlog())

    @property
    def lanes(self) -> int:
        """How many senders the dispatcher knows of now."""
        return len(self.dispatcher.lanes)
