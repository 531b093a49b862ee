"""Receipts that have found no message: they wait for one, then they are stored as unmatched."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.messaging.deadlines import Deadlines
from gateway.messaging.settled_receipts import Answer, Key
from gateway.net.alarm import Alarm
from gateway.smpp.receipt import Receipt
from gateway.store.interface import Store, UnmatchedReceipt

log = logging.getLogger(__name__)

PARK_S = 3.0
# How long an unmatched receipt may still meet its message: longer than any response time-out, and
# far shorter than the time in which carriers use their ids again.
REMATCH_S = 60.0
PARKED_MAX = 100_000


class Parked:
    """A receipt that came `at`, with those who await its answer."""

    __slots__ = ("answers", "at", "durable", "receipt", "stored")

    def __init__(self, receipt: Receipt, at: float) -> None:
        self.receipt = receipt
        self.at = at
        self.answers: list[Answer] = []
        self.stored = False
        self.durable = False

    def join(self, answer: Answer) -> None:
        """One more that is answered once it is durable."""
        if self.durable:
            answer(None)
        else:
            self.answers.append(answer)

    def answer(self, error: StoreError | None) -> None:
        """It is durable, or never will be."""
        self.durable = error is None
        answers, self.answers = self.answers, []
        for each in answers:
            each(error)


class ParkedReceipts:
    """`identify` is asked twice whether a message can be told otherwise than by the id: before the
    receipt is stored, and before it is forgotten. It says so once the receipt has been taken.
    """

    def __init__(self, store: Store, clock: Clock, identify: Callable[[Key, Parked], bool]) -> None:
        self._store = store
        self._clock = clock
        self._identify = identify
        self._parked: OrderedDict[Key, Parked] = OrderedDict()
        self._ends: Deadlines[Key] = Deadlines(0.1)
        self._forgotten: Deadlines[Key] = Deadlines(1.0)
        self._alarm = Alarm(clock, self._run)
        self.unmatched = 0

    def __len__(self) -> int:
        return len(self._parked)

    def __contains__(self, key: Key) -> bool:
        return key in self._parked

    def park(self, key: Key, receipt: Receipt, answer: Answer) -> None:
        """Of several under one id the first counts, and all are answered with it."""
        parked = self._parked.get(key)
        if parked is None:
            if len(self._parked) >= PARKED_MAX:
                self._keep(*self._parked.popitem(last=False))
            now = self._clock.now()
            parked = self._parked[key] = Parked(receipt, now)
            self._ends.add(now + PARK_S, key)
            self._alarm.set(self._ends.next_at())
        parked.join(answer)

    def take(self, key: Key) -> Parked | None:
        """The receipt for which the message has been found."""
        return self._parked.pop(key, None)

    def close(self) -> None:
        """Let no deadline pass any more: the store is about to close."""
        self._alarm.cancel()

    def _keep(self, key: Key, parked: Parked) -> None:
        """Store it as unmatched, unless that is done."""
        if parked.stored:
            return
        now = self._clock.now()
        parked.stored = True
        self._forgotten.add(now + REMATCH_S, key)
        self.unmatched += 1
        carrier, _, _ = key.partition("/")
        receipt = parked.receipt
        carrier_id = receipt.message_id
        log.warning(
            "receipt without a message", extra={"carrier": carrier, "carrier_id": carrier_id}
        )
        self._store.append(
            UnmatchedReceipt(
                carrier, carrier_id, now, receipt.stat, receipt.err, receipt.done_date
            ),
            partial(self._kept, key, parked),
        )

    def _kept(self, key: Key, parked: Parked, error: StoreError | None) -> None:
        if error and self._parked.get(key) is parked:
            del self._parked[key]
        parked.answer(error)

    def _run(self) -> None:
        now = self._clock.now()
        for key in self._ends.due(now):
            parked = self._parked.get(key)
            if parked and not self._identify(key, parked):
                self._keep(key, parked)
        for key in self._forgotten.due(now):
            parked = self._parked.get(key)
            if parked and parked.stored and not self._identify(key, parked):
                del self._parked[key]
        self._alarm.set(self._ends.next_at())
        self._alarm.set(self._forgotten.next_at())
