"""Which webhook goes when: a lane for each host, order within a message, retry times. Pure.

The outbox itself is durable elsewhere: a `Transition` with listener WEBHOOK and no `Notified` yet.
Here is the part of it that is in memory, and the decisions.

- The events of one message go one after the other. The next waits until the one before it was
  taken by the server or given up.
- Each host has a lane: its own queue and its own limit of attempts in flight. Lanes take turns, so
  a long queue at one host is not in front of anybody else. A host whose last attempt failed gets
  one attempt at a time, and all such hosts together a part of the places only; the first success
  gives its lane back its full width.
- A failed attempt is repeated after 1 s, 2 s, 4 s … 15 min, each time between half and all of that,
  until four hours have passed since the event, or since our start where that is later: a time in
  which we were down is not held against the server.
- What exceeds a bound is left in the store, and with it all that follows for that host, because an
  event must not overtake an older one of its message. When there is room again, a refill reads the
  store from its oldest event on.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from gateway.events import StatusEvent
from gateway.message import Message
from gateway.messaging.webhook_destination import Destination, FailureKind
from gateway.messaging.webhook_request import Answer, WebhookRequest

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 900.0
GIVE_UP_AFTER_S = 14_400.0

# The loop may call a timer a moment early, and `now` is a sum of floats.
TIMER_SLACK_S = 0.001

# A host may fill a sixteenth of the memory that is free, so that however many hosts are dead,
# there is room for one that is not.
FREE_SHARE = 16

# What shows that a host is in trouble, and not that it dislikes one request.
HOST_TROUBLE = frozenset({FailureKind.CONNECT, FailureKind.READ, FailureKind.SERVER_ERROR})

Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """Every bound of the outbox.

    Whatever `host_in_flight_max` says, one host gets no more than a quarter of all places, and so
    do all failing hosts together. An event in memory takes about 0.3 kB, and keeps its message of
    about 1 kB.
    """

    in_flight_max: int = 1_024
    host_in_flight_max: int = 64
    pending_max: int = 100_000
    host_pending_max: int = 2_000


class WebhookSource(Protocol):
    """A kind of webhook: what it sends for an event, and what an answer means."""

    def url(self, message: Message) -> str:
        """Where this message's events go; empty where it is not of this kind."""
        ...

    def request(self, event: StatusEvent, destination: Destination) -> WebhookRequest | None:
        """The request that tells the event; None where its account is no more."""
        ...

    def answered(self, event: StatusEvent, destination: Destination, answer: Answer) -> str:
        """Act on the server's answer, and return the outcome for the record."""
        ...


@dataclass(slots=True, eq=False)
class Delivery:
    """One event on its way to one server. The outbox owns what changes in it."""

    event: StatusEvent
    destination: Destination
    source: WebhookSource
    attempts: int = 0
    deadline: float = 0.0
    as_failing: bool = False
    then: Delivery | None = None

    @property
    def key(self) -> Key:
        return (self.event.message.id, self.event.number)

    @property
    def message_id(self) -> int:
        return self.event.message.id


@dataclass(slots=True, eq=False)
class _Lane:
    """What one host is to be told.

    `ready` are the deliveries that could start now; those that wait for a retry or for an older
    event of their message are only counted in `held`. `late` are events that came during a refill.
    """

    host: str
    ready: deque[Delivery] = field(default_factory=deque)
    held: int = 0
    in_flight: int = 0
    failing: bool = False
    overflowed: bool = False
    refilling: bool = False
    late: list[Delivery] = field(default_factory=list)


class Outbox:
    """Says which deliveries start now, and when to ask again.

    `chance` gives a number from 0 up to 1. Every delivery that `take` hands out comes back by
    `succeeded`, `failed` or `abandoned`; every delivery that ends comes back by `recorded`, once
    the store has it.
    """

    def __init__(
        self, limits: OutboxLimits, chance: Callable[[], float], started_at: float
    ) -> None:
        self._limits = limits
        quarter = max(1, limits.in_flight_max // 4)
        self._host_in_flight_max = min(limits.host_in_flight_max, quarter)
        self._failing_in_flight_max = quarter
        self._chance = chance
        self._started_at = started_at
        self._lanes: dict[str, _Lane] = {}
        self._last_of_message: dict[int, Delivery] = {}
        self._known: set[Key] = set()
        self._pending = 0
        self._in_flight = 0
        self._failing_in_flight = 0
        # The lanes with something to start and a place of their own free; the next in turn first.
        self._turns: OrderedDict[str, _Lane] = OrderedDict()
        self._failing_turns: OrderedDict[str, _Lane] = OrderedDict()
        self._retries: list[tuple[float, int, Delivery]] = []
        self._retry_order = count()
        self._given_up: list[Delivery] = []
        self._overflowed: dict[str, _Lane] = {}
        self._refilling: list[_Lane] = []
        self._recorded_in_refill: list[Key] = []

    @property
    def pending(self) -> int:
        """Deliveries in memory that have not ended."""
        return self._pending

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def hosts(self) -> int:
        """Hosts that there is something to tell; an idle host costs nothing."""
        return len(self._lanes)

    @property
    def overflowed(self) -> int:
        """Hosts with events that are in the store only."""
        return len(self._overflowed)

    def offer(self, delivery: Delivery) -> bool:
        """Take a new delivery; False leaves it in the store, for a refill to fetch."""
        lane = self._lane(delivery.destination.host)
        if lane.overflowed or self._is_full(lane):
            self._overflow(lane)
            return False
        if lane.refilling:
            lane.late.append(delivery)
        else:
            self._hold(lane, delivery)
        return True

    def take(self, now: float) -> list[Delivery]:
        """The deliveries to attempt now. Those that ran out of time come by `given_up`."""
        while self._retries and self._retries[0][0] <= now + TIMER_SLACK_S:
            self._make_ready(heapq.heappop(self._retries)[2])
        started: list[Delivery] = []
        while self._failing_turns and self._has_place(failing=True):
            lane = next(iter(self._failing_turns.values()))
            self._give_up_overdue(lane, now)
            started += self._start_next(lane, self._failing_turns)
        while self._turns and self._has_place(failing=False):
            lane = next(iter(self._turns.values()))
            started += self._start_next(lane, self._turns)
        return started

    def given_up(self) -> list[Delivery]:
        """Deliveries that ended in `take`: their time was over and their host still fails."""
        given_up, self._given_up = self._given_up, []
        return given_up

    def succeeded(self, delivery: Delivery) -> None:
        """The server took it."""
        self._land(delivery, failing=False)
        self._end(delivery)

    def failed(self, delivery: Delivery, kind: FailureKind, now: float) -> bool:
        """The attempt failed. True where it will be repeated, False where it is given up."""
        self._land(delivery, failing=kind in HOST_TROUBLE)
        delay = min(RETRY_FIRST_S * 2.0 ** min(delivery.attempts - 1, 32), RETRY_MAX_S)
        due = now + delay * (0.5 + self._chance() / 2)
        if due > delivery.deadline or not delivery.destination.overrides.retries(
            kind, delivery.attempts
        ):
            self._end(delivery)
            return False
        heapq.heappush(self._retries, (due, next(self._retry_order), delivery))
        return True

    def abandoned(self, delivery: Delivery) -> None:
        """There is no use in another attempt, which says nothing about the host."""
        self._land(delivery, failing=self._lane(delivery.destination.host).failing)
        self._end(delivery)

    def recorded(self, delivery: Delivery) -> None:
        """The store has the end of this delivery, so that no refill will find it again."""
        if self._refilling:
            self._recorded_in_refill.append(delivery.key)
        else:
            self._known.discard(delivery.key)

    def next_timer(self) -> float | None:
        """When `take` has something that it has not now, if nothing else happens."""
        return self._retries[0][0] if self._retries else None

    def begin_refill(self) -> bool:
        """Start to read the store for the hosts that have room again; False where there is none."""
        room = self._host_room()
        if self._refilling or not room:
            return False
        self._refilling = [lane for lane in self._overflowed.values() if lane.held * 2 <= room]
        for lane in self._refilling:
            lane.refilling = True
            lane.overflowed = False
            del self._overflowed[lane.host]
        return bool(self._refilling)

    def refill(self, delivery: Delivery) -> bool:
        """Take a delivery that the store has, the oldest first; False ends the reading."""
        lane = self._lanes.get(delivery.destination.host)
        if lane is not None and lane.refilling and delivery.key not in self._known:
            if lane.overflowed or self._is_full(lane):
                self._overflow(lane)
                return any(not other.overflowed for other in self._refilling)
            self._hold(lane, delivery)
        return True

    def end_refill(self, complete: bool) -> None:
        """The store has no more, or with `complete` False could not be read to its end."""
        lanes, self._refilling = self._refilling, []
        for lane in lanes:
            lane.refilling = False
            late, lane.late = lane.late, []
            if not complete:
                self._overflow(lane)
            # A lane that overflowed again leaves what came late in the store, behind the rest.
            for delivery in late:
                if lane.overflowed or self._is_full(lane):
                    self._overflow(lane)
                    break
                self._hold(lane, delivery)
            self._drop_if_idle(lane)
        self._known.difference_update(self._recorded_in_refill)
        self._recorded_in_refill.clear()

    def _lane(self, host: str) -> _Lane:
        lane = self._lanes.get(host)
        if lane is None:
            lane = self._lanes[host] = _Lane(host)
        return lane

    def _has_place(self, failing: bool) -> bool:
        if failing and self._failing_in_flight >= self._failing_in_flight_max:
            return False
        return self._in_flight < self._limits.in_flight_max

    def _host_room(self) -> int:
        """How many deliveries one host may have in memory now (dynamic threshold)."""
        free = self._limits.pending_max - self._pending
        return min(self._limits.host_pending_max, free // FREE_SHARE)

    def _is_full(self, lane: _Lane) -> bool:
        return lane.held + len(lane.late) >= self._host_room()

    def _overflow(self, lane: _Lane) -> None:
        lane.overflowed = True
        self._overflowed[lane.host] = lane

    def _hold(self, lane: _Lane, delivery: Delivery) -> None:
        if delivery.key in self._known:
            return
        self._known.add(delivery.key)
        self._pending += 1
        lane.held += 1
        delivery.deadline = max(delivery.event.at, self._started_at) + GIVE_UP_AFTER_S
        before = self._last_of_message.get(delivery.message_id)
        self._last_of_message[delivery.message_id] = delivery
        if before is None:
            self._make_ready(delivery)
        else:
            before.then = delivery

    def _make_ready(self, delivery: Delivery) -> None:
        lane = self._lane(delivery.destination.host)
        lane.ready.append(delivery)
        self._queue_up(lane)

    def _queue_up(self, lane: _Lane) -> None:
        """Give the lane a turn, if it has use for one."""
        width = 1 if lane.failing else self._host_in_flight_max
        if lane.ready and lane.in_flight < width:
            turns = self._failing_turns if lane.failing else self._turns
            turns.setdefault(lane.host, lane)

    def _start_next(self, lane: _Lane, turns: OrderedDict[str, _Lane]) -> list[Delivery]:
        """Start the lane's first delivery, and send the lane to the end of the turns."""
        del turns[lane.host]
        if not lane.ready:
            return []
        delivery = lane.ready.popleft()
        delivery.attempts += 1
        delivery.as_failing = lane.failing
        self._in_flight += 1
        self._failing_in_flight += lane.failing
        lane.in_flight += 1
        self._queue_up(lane)
        return [delivery]

    def _give_up_overdue(self, lane: _Lane, now: float) -> None:
        while lane.ready and lane.ready[0].deadline <= now:
            delivery = lane.ready.popleft()
            self._given_up.append(delivery)
            self._end(delivery)

    def _land(self, delivery: Delivery, failing: bool) -> None:
        """An attempt is over: free its place, and judge the host by it."""
        lane = self._lane(delivery.destination.host)
        self._in_flight -= 1
        self._failing_in_flight -= delivery.as_failing
        lane.in_flight -= 1
        if lane.failing is not failing:
            # A lane in the failing turns has nothing in flight, so it is never one that lands.
            self._turns.pop(lane.host, None)
            lane.failing = failing
        self._queue_up(lane)

    def _end(self, delivery: Delivery) -> None:
        """This delivery is over; the next event of its message may go."""
        lane = self._lane(delivery.destination.host)
        self._pending -= 1
        lane.held -= 1
        if delivery.then is not None:
            self._make_ready(delivery.then)
        else:
            del self._last_of_message[delivery.message_id]
        self._drop_if_idle(lane)

    def _drop_if_idle(self, lane: _Lane) -> None:
        if not (lane.held or lane.overflowed or lane.refilling):
            self._lanes.pop(lane.host, None)
