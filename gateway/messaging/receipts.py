"""Receipts find their message by (carrier, the carrier's id), and settle it.

A receipt may come before the submit_sm_resp that gives the id, over another bind, twice, or for a
message that we do not know. It is answered once what it says is durable; one that finds nothing
waits unanswered for PARK_S, then it is stored as unmatched, answered, and shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.interworking.carrier_errors import UNKNOWN_ERROR
from gateway.interworking.receipt_outcome import ReceiptOutcome, outcome
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

Key = tuple[str, str]
Answer = Callable[[StoreError | None], None]


class Receipts:
    def __init__(
        self, journal: Journal, store: Store, router: Router, clock: Clock, receipt_wait_s: float
    ) -> None:
        self._journal = journal
        self._store = store
        self._router = router
        self._clock = clock
        self._receipt_wait_s = receipt_wait_s
        self._expected: dict[Key, tuple[OpenMessage, int, str, float]] = {}
        self._given_up: Deadlines[Key] = Deadlines(min(60.0, receipt_wait_s / 10))
        self._parked: dict[Key, tuple[Receipt, Answer | None]] = {}
        self._park_ends: Deadlines[Key] = Deadlines(0.1)
        self._forgotten: Deadlines[Key] = Deadlines(1.0)
        self._settled: dict[Key, None] = {}
        self._alarm = Alarm(clock, self._run)
        self.matched = 0
        self.unmatched = 0
        self.duplicates = 0

    @property
    def expected(self) -> int:
        return len(self._expected)

    def expect(self, opened: OpenMessage, part: int, bind: str, carrier_id: str) -> None:
        """A carrier has taken this part under its own id."""
        now = self._clock.now()
        key = (carrier_of(bind), carrier_id)
        if len(self._expected) >= EXPECTED_MAX:
            log.error("too many receipts expected", extra={"message": opened.message.id})
            return
        if key in self._expected:
            log.warning("carrier gave an id twice", extra={"bind": bind, "carrier_id": carrier_id})
        self._expected[key] = (opened, part, bind, now)
        self._given_up.add(now + self._receipt_wait_s, key)
        self._alarm.set(self._given_up.next_at())
        parked = self._parked.pop(key, None)
        if parked:
            receipt, answer = parked
            self.on_receipt(key[0], receipt, answer or _unanswered)
        if opened.settled_parts and opened.status is Status.SENT:
            self._settle_early(opened)

    def restore(self, opened: OpenMessage, stored: StoredMessage) -> None:
        """Expect the receipts of a message of an earlier run."""
        settled = {
            step.part for step in stored.transitions if step.part and step.status is not Status.SENT
        }
        for step in stored.transitions:
            if step.status is Status.SENT and step.carrier_id and step.part not in settled:
                key = (carrier_of(step.bind), step.carrier_id)
                self._expected[key] = (opened, step.part or 1, step.bind, step.at)
                self._given_up.add(step.at + self._receipt_wait_s, key)
        self._alarm.set(self._given_up.next_at())

    def on_receipt(self, carrier: str, receipt: Receipt, answer: Answer) -> None:
        """A receipt over any bind of the carrier; `answer` is called when it may be answered."""
        key = (carrier, receipt.message_id)
        expected = self._expected.get(key)
        if expected is None:
            if key in self._settled:
                self.duplicates += 1
                answer(None)
            else:
                self._park(key, receipt, answer)
            return
        result = outcome(receipt.stat, receipt.err)
        if result.status is None:
            log.debug("intermediate receipt", extra={"carrier": carrier, "stat": receipt.stat})
            answer(None)
            return
        opened, part, bind, sent_at = expected
        del self._expected[key]
        self._remember(key)
        self.matched += 1
        now = self._clock.now()
        delivered = result.status is Status.DELIVERED
        self._router.observe(ReceiptSeen(bind, delivered, now - sent_at, now))
        self._settle(opened, part, bind, receipt, result, answer)

    def _settle(
        self,
        opened: OpenMessage,
        part: int,
        bind: str,
        receipt: Receipt,
        result: ReceiptOutcome,
        answer: Answer,
    ) -> None:
        """One part of one: the message has its status. Of several: delivered once all are, and
        undelivered with the first that is."""
        status = result.status
        assert status is not None
        if opened.segments > 1:
            opened.settled_parts += 1
            last = opened.settled_parts == opened.segments
            decides = opened.status is Status.SENT and (last or status is Status.UNDELIVERED)
            self._journal.note_part(
                opened,
                part,
                status,
                bind,
                receipt.message_id,
                result.error_code,
                receipt.done_date,
                receipt.stat,
                receipt.err,
                on_commit=None if decides else answer,
            )
            if not decides:
                opened.undelivered = opened.undelivered or result.error_code
                return
        self._journal.advance(
            opened,
            status,
            result.error_code,
            bind,
            receipt.message_id,
            receipt.done_date,
            receipt.stat,
            receipt.err,
            on_commit=answer,
        )

    def _settle_early(self, opened: OpenMessage) -> None:
        """Receipts of some parts came before the last part was taken, and they decide."""
        if opened.undelivered:
            self._journal.advance(opened, Status.UNDELIVERED, opened.undelivered)
        elif opened.settled_parts == opened.segments:
            self._journal.advance(opened, Status.DELIVERED)

    # Receipts without a message

    def _park(self, key: Key, receipt: Receipt, answer: Answer) -> None:
        earlier = self._parked.pop(key, None)
        if earlier and earlier[1]:
            earlier[1](None)  # The same again: the later one stands for both.
        if len(self._parked) >= PARKED_MAX:
            self._keep_unmatched(next(iter(self._parked)))
        self._parked[key] = (receipt, answer)
        self._park_ends.add(self._clock.now() + PARK_S, key)
        self._alarm.set(self._park_ends.next_at())

    def _keep_unmatched(self, key: Key) -> None:
        receipt, answer = self._parked.pop(key)
        if answer is None:
            return
        now = self._clock.now()
        self._parked[key] = (receipt, None)
        self._forgotten.add(now + REMATCH_S, key)
        self.unmatched += 1
        log.warning("receipt without a message", extra={"carrier": key[0], "carrier_id": key[1]})
        self._store.append(
            UnmatchedReceipt(key[0], key[1], now, receipt.stat, receipt.err, receipt.done_date),
            answer,
        )

    def _remember(self, key: Key) -> None:
        if len(self._settled) >= SETTLED_MAX:
            del self._settled[next(iter(self._settled))]
        self._settled[key] = None

    def _run(self) -> None:
        now = self._clock.now()
        for key in self._park_ends.due(now):
            if key in self._parked:
                self._keep_unmatched(key)
        for key in self._forgotten.due(now):
            parked = self._parked.get(key)
            if parked and parked[1] is None:
                del self._parked[key]
        for key in self._given_up.due(now):
            expected = self._expected.get(key)
            if expected and expected[3] + self._receipt_wait_s <= now:
                del self._expected[key]
                if expected[0].status is Status.SENT:
                    self._journal.advance(expected[0], Status.UNDELIVERED, UNKNOWN_ERROR)
        for deadlines in (self._park_ends, self._forgotten, self._given_up):
            self._alarm.set(deadlines.next_at())


def carrier_of(bind: str) -> str:
    """Ids are the carrier's, whichever of its binds they come over."""
    return bind.partition("/")[0]


def _unanswered(error: StoreError | None) -> None:
    """The receipt was answered when it was stored as unmatched."""
