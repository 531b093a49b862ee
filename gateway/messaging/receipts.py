"""Receipts find their message by (carrier, the carrier's id), and settle it.

A receipt may come before the submit_sm_resp that gives the id, over another bind, twice, or for a
message that we do not know. It is answered once what it says is durable; one that finds nothing
waits unanswered for PARK_S, then it is stored as unmatched, answered, and shown.
"""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import msgspec

from gateway.clock import Clock, message_sid
from gateway.errors import StoreError
from gateway.interworking.carrier_errors import UNKNOWN_ERROR
from gateway.interworking.receipt_outcome import outcome
from gateway.message import Status
from gateway.messaging.alarm import Alarm
from gateway.messaging.deadlines import Deadlines
from gateway.messaging.journal import Journal
from gateway.messaging.open_message import OpenMessage
from gateway.smpp.receipt import Receipt
from gateway.store.interface import Store, StoredMessage, UnmatchedReceipt
from routing.events import ReceiptSeen
from routing.router import Router

log = logging.getLogger(__name__)

PARK_S = 3.0
# How long an unmatched receipt may still meet its message: longer than any response time-out, and
# far shorter than the time in which carriers use their ids again.
REMATCH_S = 60.0
PARKED_MAX = 100_000
SETTLED_MAX = 100_000
EXPECTED_MAX = 5_000_000
# Of a message that ends by another reason than a carrier's word.
UNTOLD = Receipt("", "")

Key = tuple[str, str]
Answer = Callable[[StoreError | None], None]


class Expected(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A part that a carrier has taken, until its receipt comes."""

    opened: OpenMessage
    part: int
    bind: str
    at: float
    key: Key


class Receipts:
    """`silent` names the binds whose carriers give no receipts: what went over them stays sent."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        router: Router,
        clock: Clock,
        receipt_wait_s: float,
        silent: frozenset[str] = frozenset(),
    ) -> None:
        self._journal = journal
        self._store = store
        self._router = router
        self._clock = clock
        self._receipt_wait_s = receipt_wait_s
        self._silent = silent
        self._expected: dict[Key, Expected] = {}
        self._given_up: Deadlines[Expected] = Deadlines(min(60.0, receipt_wait_s / 10))
        # Each with those who await an answer: nobody, once it is stored as unmatched.
        self._parked: OrderedDict[Key, tuple[Receipt, list[Answer]]] = OrderedDict()
        self._park_ends: Deadlines[Key] = Deadlines(0.1)
        self._forgotten: Deadlines[Key] = Deadlines(1.0)
        self._settled: OrderedDict[Key, None] = OrderedDict()
        self._alarm = Alarm(clock, self._run)
        self.matched = 0
        self.unmatched = 0
        self.duplicates = 0

    @property
    def expected(self) -> int:
        return len(self._expected)

    def expect(self, opened: OpenMessage, part: int, bind: str, carrier_id: str) -> None:
        """A carrier has taken this part under its own id."""
        full = len(self._expected) >= EXPECTED_MAX
        if full:
            log.error("too many receipts expected", extra={"sid": message_sid(opened.message.id)})
        if full or bind in self._silent:
            opened.silent_parts += 1
            self._decide(opened)
            return
        expected = self._expect(opened, part, bind, carrier_id, self._clock.now())
        parked = self._parked.pop(expected.key, None)
        if parked:
            receipt, answers = parked
            self.on_receipt(expected.key[0], receipt, partial(_answer, answers))
        self._decide(opened)

    def restore(self, opened: OpenMessage, stored: StoredMessage) -> None:
        """Expect the receipts of a message of an earlier run."""
        settled = {
            step.part
            for step in stored.transitions
            if step.part and step.status not in (Status.SENDING, Status.SENT)
        }
        for step in stored.transitions:
            # Of several parts each has its own id; the message's own step has none.
            of_part = step.part or opened.segments == 1
            if step.status is not Status.SENT or not of_part or step.part in settled:
                continue
            if step.bind in self._silent:
                opened.silent_parts += 1
            else:
                self._expect(opened, step.part or 1, step.bind, step.carrier_id, step.at)
        self._decide(opened)

    def _expect(
        self, opened: OpenMessage, part: int, bind: str, carrier_id: str, at: float
    ) -> Expected:
        """Where the carrier gave no id, or one that it has given before, the message whose receipt
        can no longer be told is given up in its time."""
        expected = Expected(opened, part, bind, at, (carrier_of(bind), carrier_id))
        self._given_up.add(at + self._receipt_wait_s, expected)
        self._alarm.set(self._given_up.next_at())
        if not carrier_id or expected.key in self._expected:
            log.warning(
                "carrier_id cannot tell messages apart",
                extra={"bind": bind, "carrier_id": carrier_id},
            )
        if carrier_id:
            self._expected[expected.key] = expected
        return expected

    def close(self) -> None:
        """Let no deadline pass any more: the store is about to close."""
        self._alarm.cancel()

    def on_receipt(self, carrier: str, receipt: Receipt, answer: Answer) -> None:
        """A receipt over any bind of the carrier; `answer` is called when it may be answered."""
        result = outcome(receipt.stat, receipt.err)
        if result.status is None:
            log.debug("intermediate receipt", extra={"carrier": carrier, "stat": receipt.stat})
            answer(None)
            return
        key = (carrier, receipt.message_id)
        expected = self._expected.pop(key, None)
        if expected is None:
            if key in self._settled:
                self.duplicates += 1
                log.info("receipt again", extra={"carrier": carrier, "stat": receipt.stat})
                answer(None)
            else:
                self._park(key, receipt, answer)
            return
        self._given_up.discard(expected.at + self._receipt_wait_s, expected)
        self._remember(key)
        self.matched += 1
        now = self._clock.now()
        delivered = result.status is Status.DELIVERED
        # A change of the configuration may have taken the bind away, and left its carrier.
        with contextlib.suppress(KeyError):
            self._router.observe(ReceiptSeen(expected.bind, delivered, now - expected.at, now))
        self._settle(expected, receipt, result.status, result.error_code, answer)

    def _settle(
        self,
        expected: Expected,
        receipt: Receipt,
        status: Status,
        error_code: int,
        answer: Answer,
    ) -> None:
        opened, bind = expected.opened, expected.bind
        if opened.segments == 1:
            self._conclude(opened, status, error_code, bind, receipt, answer)
            return
        opened.settled_parts += 1
        opened.undelivered = opened.undelivered or error_code
        self._journal.note_part(
            opened,
            expected.part,
            status,
            bind,
            receipt.message_id,
            error_code,
            receipt.done_date,
            receipt.stat,
            receipt.err,
            on_commit=answer,
        )
        self._decide(opened, status, bind, receipt)

    def _decide(
        self,
        opened: OpenMessage,
        status: Status | None = None,
        bind: str = "",
        receipt: Receipt = UNTOLD,
    ) -> None:
        """A message of several parts is delivered once all are, and undelivered with the first
        that is, but not before its last part is sent. The receipt goes along if it says the same.
        With a part that gets no receipt it is never delivered, and let go of once all others are.
        """
        settled = opened.settled_parts + opened.silent_parts
        if opened.status is not Status.SENT or not settled:
            return
        if opened.undelivered:
            decided = Status.UNDELIVERED
        elif settled < opened.segments:
            return
        elif opened.silent_parts:
            self._journal.release(opened)
            return
        else:
            decided = Status.DELIVERED
        if status is not decided:
            bind, receipt = "", UNTOLD
        self._conclude(opened, decided, opened.undelivered, bind, receipt)

    def _conclude(
        self,
        opened: OpenMessage,
        status: Status,
        error_code: int,
        bind: str,
        receipt: Receipt,
        on_commit: Answer | None = None,
    ) -> None:
        self._journal.advance(
            opened,
            status,
            error_code,
            bind,
            receipt.message_id,
            receipt.done_date,
            receipt.stat,
            receipt.err,
            on_commit,
        )

    # Receipts without a message

    def _park(self, key: Key, receipt: Receipt, answer: Answer) -> None:
        """Of several under one id the first counts, and all are answered with it."""
        if key in self._parked:
            _, answers = self._parked[key]
            if answers:
                answers.append(answer)
            else:
                answer(None)
            return
        if len(self._parked) >= PARKED_MAX:
            oldest = next(iter(self._parked))
            self._keep_unmatched(oldest)
            self._parked.pop(oldest, None)
        self._parked[key] = (receipt, [answer])
        self._park_ends.add(self._clock.now() + PARK_S, key)
        self._alarm.set(self._park_ends.next_at())

    def _keep_unmatched(self, key: Key) -> None:
        receipt, answers = self._parked[key]
        if not answers:
            return
        now = self._clock.now()
        self._parked[key] = (receipt, [])
        self._forgotten.add(now + REMATCH_S, key)
        self.unmatched += 1
        log.warning("receipt without a message", extra={"carrier": key[0], "carrier_id": key[1]})
        self._store.append(
            UnmatchedReceipt(key[0], key[1], now, receipt.stat, receipt.err, receipt.done_date),
            partial(_answer, answers),
        )

    def _remember(self, key: Key) -> None:
        if len(self._settled) >= SETTLED_MAX:
            self._settled.popitem(last=False)
        self._settled[key] = None

    def _run(self) -> None:
        now = self._clock.now()
        for key in self._park_ends.due(now):
            if key in self._parked:
                self._keep_unmatched(key)
        for key in self._forgotten.due(now):
            parked = self._parked.get(key)
            if parked and not parked[1]:
                del self._parked[key]
        for expected in self._given_up.due(now):
            if self._expected.get(expected.key) is expected:
                del self._expected[expected.key]
            if expected.opened.status is Status.SENT:
                self._conclude(
                    expected.opened, Status.UNDELIVERED, UNKNOWN_ERROR, expected.bind, UNTOLD
                )
        for deadlines in (self._park_ends, self._forgotten, self._given_up):
            self._alarm.set(deadlines.next_at())


def carrier_of(bind: str) -> str:
    """Ids are the carrier's, whichever of its binds they come over."""
    return bind.partition("/")[0]


def _answer(answers: list[Answer], error: StoreError | None) -> None:
    for answer in answers:
        answer(error)
