"""A town around an outbox alone: no event loop and no HTTP, but a heap of what happens next."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from functools import partial
from itertools import count
from random import Random

from gateway.messaging.webhook_delivery import Delivery
from gateway.messaging.webhook_outbox import Outbox, OutboxLimits
from gateway.store.interface import OwedKey
from gateway.webhooks.destination import Destination
from tests.messaging.outbox_world import NOW, NoSource
from tests.messaging.town.plan import (
    STORE_READ_S,
    TIMED_OUT,
    TIMEOUT_S,
    Census,
    Figures,
    Town,
    service_s,
)
from tests.messaging.webhook_world import an_event

# What comes about within so long is taken up at once, as by a loop that is busy.
PASS_S = 0.01


class OutboxLife:
    def __init__(self, town: Town, limits: OutboxLimits) -> None:
        self._town = town
        self._random = Random(1)
        self._census = Census(town)
        self._outbox = Outbox(limits, self._random.random)
        self._places = [
            Destination(f"https://h{number}.example/status", f"h{number}.example:443")
            for number in range(town.destinations)
        ]
        self._source = NoSource()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._now = 0.0

    def run(self) -> Figures:
        """Until all is told."""
        outbox, events = self._outbox, self._town.events()
        event = next(events, None)
        while event or outbox.pending or outbox.waiting:
            timer = outbox.next_timer()
            due = [event[0]] if event else []
            due += [self._heap[0][0]] if self._heap else []
            due += [timer - NOW] if timer else []
            self._now = max(self._now, min(due), math.ceil(min(due) / PASS_S) * PASS_S)
            while event and event[0] <= self._now:
                self._offer(*event)
                event = next(events, None)
            while self._heap and self._heap[0][0] <= self._now:
                heapq.heappop(self._heap)[2]()
            self._decide()
        assert not outbox.hosts
        return self._census.figures()

    def _offer(self, at: float, message_id: int, number: int) -> None:
        self._census.offered(message_id, number, at)
        self._outbox.offer(self._delivery(OwedKey(message_id, number)), NOW + self._now)

    def _delivery(self, key: OwedKey) -> Delivery:
        place = self._places[self._town.place(key.message_id)]
        return Delivery(an_event(key.message_id, key.number), key.round, self._source, place)

    def _decide(self) -> None:
        outbox, now = self._outbox, NOW + self._now
        for delivery in outbox.take(now):
            if self._town.is_dead(delivery.message_id, self._now):
                self._later(TIMEOUT_S, partial(self._fail, delivery))
            else:
                self._later(service_s(self._random), partial(self._succeed, delivery))
        keys = outbox.page(now)
        if keys:
            self._later(STORE_READ_S, partial(self._read, keys))
        self._census.look(outbox.pending, outbox.waiting, outbox.open_circuits)

    def _later(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (self._now + seconds, next(self._order), happen))

    def _fail(self, delivery: Delivery) -> None:
        self._census.attempts_in_vain += 1
        assert self._outbox.failed(delivery, TIMED_OUT, NOW + self._now)

    def _succeed(self, delivery: Delivery) -> None:
        self._outbox.succeeded(delivery)
        self._outbox.recorded()
        self._census.told(delivery.message_id, delivery.event.number, self._now)

    def _read(self, keys: list[OwedKey]) -> None:
        self._outbox.paged({key: self._delivery(key) for key in keys})
