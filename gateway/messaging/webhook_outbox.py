"""Which webhook goes when: a lane for each host, order within a message, retry times. Pure.

The outbox itself is durable elsewhere: a `Transition` with listener WEBHOOK, or a `Replay` of one,
and no `Notified` yet. Here is the part of it that is in memory, and the decisions.

- The events of one message go one after the other. The next waits until the one before it was
  taken by the server or given up.
- Each account has a lane to each host: its own queue, circuit and backlog. Lanes take turns, and
  those to one host share that host's limit of attempts in flight, so a long queue or a bad URL of
  one account is not in front of anybody else's. A lane whose last attempt failed gets one attempt
  at a time, and all such lanes together a part of the places only.
- A lane that fails OPEN_AFTER times in a row gets no attempts but single probes (`HostCircuit`).
  They take turns: what has failed is behind what waits in the store. What is for it waits there,
  unless it has a fallback. The first success gives the lane back
  its full width, and the backlog is read from the store a page at a time.
- A failed attempt is repeated after 1 s, 2 s, 4 s … 15 min, each time between half and all of that,
  until four hours have passed since the event came here: a time in which we were down is not held
  against the server. What the customer's overrides say of retries comes first.
- Memory holds a bounded head of each lane, and all else as positions. What finds no room among
  these either is given up; like all that is given up it is on record, and can be replayed.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from gateway.messaging.backlog_pages import BacklogPages
from gateway.messaging.host_circuit import CLOSED, OPEN
from gateway.messaging.host_lane import HostLane
from gateway.messaging.host_lanes import HostLanes
from gateway.messaging.host_turns import HostTurns
from gateway.messaging.outbox_memory import OutboxMemory
from gateway.messaging.owed_positions import OwedPositions, Position
from gateway.messaging.webhook_delivery import Delivery
from gateway.messaging.webhook_retry import is_over
from gateway.store.interface import OwedKey
from gateway.webhooks.destination import HOST_TROUBLE
from gateway.webhooks.request import RETRIEVAL_FAILURE, Failure
from gateway.webhooks.retry import GIVE_UP_AFTER_S, delay_s

# The loop may call a timer a moment early, and `now` is a sum of floats.
TIMER_SLACK_S = 0.001

# What has failed lets another be the probe, which takes no longer than this.
YIELD_S = 15.0

# A dead host's backlog ends as fast as the store can note it.
UNRECORDED_MAX = 5_000


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """Every bound of the outbox.

    Whatever `host_in_flight_max` says, one host gets no more than a quarter of all places, and so
    do all hosts in trouble together. `pending_max` deliveries of about 1.3 kB are in memory, half
    of them newly come and half of them read again from the store. `waiting_max` positions take 21
    octets each; one host has at most as many as are left free.
    """

    in_flight_max: int = 1_024
    host_in_flight_max: int = 64
    pending_max: int = 50_000
    host_pending_max: int = 1_000
    waiting_max: int = 5_000_000


class Ended(NamedTuple):
    """Given up without another attempt."""

    key: OwedKey
    host: str
    reason: str


class Outbox:
    """Says which deliveries start now, and when to ask again.

    `chance` gives a number from 0 up to 1. Every delivery that `take` hands out comes back by
    `succeeded`, `failed` or `abandoned`; for every one that has ended, and for what `ended` gives,
    `recorded` says that the store knows. What `page` asks for comes by `paged`, or `page_failed`.
    """

    def __init__(self, limits: OutboxLimits, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._lanes = HostLanes()
        self._turns = HostTurns(limits.in_flight_max, limits.host_in_flight_max)
        self._memory = OutboxMemory(limits.pending_max, limits.host_pending_max, limits.waiting_max)
        self._pages = BacklogPages()
        self._last_of_message: dict[int, Delivery] = {}
        self._unrecorded = 0
        # Retries of deliveries; ends of the pauses of lanes, and when to look after them.
        self._timers: list[tuple[float, int, Delivery | HostLane]] = []
        self._timer_order = count()
        # Lanes whose oldest have perhaps waited for too long.
        self._overdue: deque[HostLane] = deque()
        self._ended: list[Ended] = []

    # Readings

    @property
    def pending(self) -> int:
        """Deliveries in memory that have not ended, and those on their way there."""
        return self._memory.held + self._pages.reading

    @property
    def waiting(self) -> int:
        """Deliveries that are in the store only."""
        return self._memory.waiting

    @property
    def in_flight(self) -> int:
        return self._turns.in_flight

    @property
    def hosts(self) -> int:
        """Hosts that there is something to tell, or whose trouble is remembered."""
        return len(self._lanes)

    @property
    def open_circuits(self) -> int:
        """Hosts that get nothing but probes."""
        return self._lanes.open

    @property
    def has_overdue(self) -> bool:
        """Whether more is to be given up, once what was given up before is recorded."""
        return bool(self._overdue)

    def is_open(self, account: str, host: str) -> bool:
        lane = self._lanes.find(account, host)
        return lane is not None and lane.circuit.state is not CLOSED

    def next_timer(self) -> float | None:
        """When there is something to do that there is not now, if nothing else happens."""
        timers = [self._timers[0][0]] if self._timers else []
        if self._pages.next_timer:
            timers.append(self._pages.next_timer)
        return min(timers, default=None)

    # What is owed

    def offer(self, delivery: Delivery, now: float) -> None:
        """Take what is newly owed. If there is no room for it, it comes by `ended`."""
        delivery.since = int(now)
        self._place(delivery)

    def page(self, now: float) -> list[OwedKey]:
        """What is to be read from the store now; nothing while a page is under way."""
        keys = self._pages.ask(now, self._memory.room_for_late)
        self._memory.waiting -= len(keys)
        return keys

    def paged(self, found: dict[OwedKey, Delivery]) -> None:
        """What the page was found to be; what is not among it is no longer owed."""
        for lane, _, positions in self._pages.end():
            self._arrive(lane, positions, found)
            self._pages.want(lane)
            self._drop_if_idle(lane)

    def page_failed(self, now: float) -> None:
        """The store could not be read; it is asked again later."""
        for lane, queue, positions in self._pages.end():
            self._put_back(queue, positions)
            self._queue_up(lane)
            self._pages.want(lane)
        self._pages.retry(now)

    # Attempts

    def take(self, now: float) -> list[Delivery]:
        """The deliveries to attempt now. Those that are given up instead come by `ended`."""
        while self._timers and self._timers[0][0] <= now + TIMER_SLACK_S:
            _, _, item = heapq.heappop(self._timers)
            if isinstance(item, HostLane):
                self._handle_lane_timer(item, now + TIMER_SLACK_S)
            else:
                self._retry(item, now)
        self._give_up_overdue(now)
        return self._turns.start()

    def ended(self) -> list[Ended]:
        """What was given up without an attempt since this was last asked."""
        ended, self._ended = self._ended, []
        return ended

    def succeeded(self, delivery: Delivery) -> None:
        """The server took it."""
        self._land(delivery)
        self._end(delivery)

    def failed(self, delivery: Delivery, failure: Failure, now: float) -> bool:
        """The attempt failed. True where there will be another, there or at the fallback; False
        where that was the last.
        """
        lane = self._lanes.of(delivery)
        self._land(delivery, failure if failure.kind in HOST_TROUBLE else None, now)
        pauses = lane.circuit.state is OPEN
        due = lane.circuit.probe_at if pauses else now + delay_s(delivery.attempts, self._chance())
        over = is_over(delivery, failure, due)
        if delivery.fallback and (pauses or over):
            self._divert(delivery, failure.code)
        elif over:
            self._end(delivery)
            return False
        elif pauses and self._memory.is_crowded(delivery):
            lane.ready.append(delivery)
            self._clear(lane)
        else:
            self._set_timer(due, delivery)
        return True

    def abandoned(self, delivery: Delivery) -> None:
        """There is no use in another attempt, which says nothing about the host."""
        lane = self._lanes.of(delivery)
        self._turns.leave(lane, delivery)
        self._end(delivery)
        self._queue_up(lane)

    def recorded(self) -> None:
        """The store has the end of one more."""
        self._unrecorded -= 1

    # Lanes

    def _place(self, delivery: Delivery) -> None:
        """Find room for a delivery that has none: in its lane, at its fallback, in the store."""
        lane = self._lanes.of(delivery)
        if lane.takes(self._memory.room_for_new()):
            self._hold(lane, delivery)
        elif delivery.fallback and lane.circuit.state is not CLOSED:
            delivery.divert(_code(lane))
            self._place(delivery)
        elif self._memory.has_position_for(lane):
            queue = lane.divertible if delivery.fallback else lane.backlog
            queue.append(delivery.position)
            self._memory.waiting += 1
            self._pages.want(lane)
        else:
            self._ended.append(Ended(delivery.key, lane.host, "too many wait for the host"))
            self._unrecorded += 1
            self._drop_if_idle(lane)

    def _hold(self, lane: HostLane, delivery: Delivery) -> None:
        self._memory.count(lane, delivery, 1)
        before = self._last_of_message.get(delivery.message_id)
        self._last_of_message[delivery.message_id] = delivery
        if before is None:
            self._make_ready(delivery)
        else:
            before.then = delivery

    def _make_ready(self, delivery: Delivery) -> None:
        lane = self._lanes.of(delivery)
        lane.ready.append(delivery)
        self._queue_up(lane)

    def _retry(self, delivery: Delivery, now: float) -> None:
        """Attempt it again; but what its host has not refused yet goes before it as the probe, as
        long as it has the time for that: the host may be well, and its URL alone in trouble.
        """
        lane = self._lanes.of(delivery)
        circuit = lane.circuit
        due = circuit.probe_at if circuit.state is OPEN else now + YIELD_S
        yields = circuit.state is not CLOSED and len(lane.backlog) > 0
        in_time = due <= delivery.since + GIVE_UP_AFTER_S
        if yields and in_time and not self._memory.is_crowded(delivery):
            self._set_timer(due, delivery)
        else:
            self._make_ready(delivery)

    def _queue_up(self, lane: HostLane) -> None:
        """Give the lane a turn, if it has use for one."""
        if not lane.ready:
            return
        if lane.circuit.state is OPEN:
            self._clear(lane)
        else:
            self._turns.queue_up(lane)

    def _drop_if_idle(self, lane: HostLane) -> None:
        self._set_timer(self._lanes.leave(lane), lane)

    def _land(self, delivery: Delivery, trouble: Failure | None = None, now: float = 0.0) -> None:
        """An attempt is over: free its place, and judge the host by it."""
        lane = self._lanes.of(delivery)
        self._turns.leave(lane, delivery)
        was_in_trouble = lane.in_trouble
        if self._lanes.judge(lane, trouble, now, self._chance()):
            self._set_timer(lane.circuit.probe_at, lane)
        if lane.in_trouble is not was_in_trouble:
            self._turns.withdraw(lane)
        self._queue_up(lane)
        self._pages.want(lane)

    def _end(self, delivery: Delivery) -> None:
        self._unrecorded += 1
        self._let_go(delivery)

    def _let_go(self, delivery: Delivery) -> None:
        """This delivery is no longer in its lane; the next event of its message may go."""
        lane = self._lanes.of(delivery)
        self._memory.count(lane, delivery, -1)
        if delivery.then is not None:
            self._make_ready(delivery.then)
        else:
            del self._last_of_message[delivery.message_id]
        self._pages.want(lane)
        self._drop_if_idle(lane)

    # Hosts that fail

    def _set_timer(self, at: float | None, item: Delivery | HostLane) -> None:
        if at is not None:
            heapq.heappush(self._timers, (at, next(self._timer_order), item))

    def _divert(self, delivery: Delivery, code: int) -> None:
        self._let_go(delivery)
        delivery.then = None
        delivery.divert(code)
        self._place(delivery)

    def _clear(self, lane: HostLane) -> None:
        """The circuit is open: what could start goes to its fallback, or waits in the store. It is
        older than what waits there already, and than a page on its way, which is put back first.
        """
        if lane.reading:
            return
        ready, lane.ready = lane.ready, deque()
        positions: list[Position] = []
        for delivery in ready:
            if delivery.fallback:
                self._divert(delivery, _code(lane))
            else:
                positions += self._forget(lane, delivery)
        self._put_back(lane.backlog, positions)

    def _forget(self, lane: HostLane, delivery: Delivery) -> list[Position]:
        """Keep no more than positions of a delivery and the next events of its message."""
        del self._last_of_message[delivery.message_id]
        positions = []
        follower: Delivery | None = delivery
        while follower is not None:
            self._memory.count(lane, follower, -1)
            positions.append(follower.position)
            follower = follower.then
        return positions

    def _put_back(self, queue: OwedPositions, positions: list[Position]) -> None:
        queue.put_back(positions)
        self._memory.waiting += len(positions)

    def _arrive(
        self, lane: HostLane, positions: list[Position], found: dict[OwedKey, Delivery]
    ) -> None:
        """Take up again what waited in the store for this lane."""
        still_waiting: list[Position] = []
        for position in positions:
            delivery = found.pop(position.key, None)
            if delivery is None:
                continue
            delivery.is_late = True
            delivery.since, delivery.attempts = position.since, position.attempts
            if delivery.fallback and delivery.host != lane.host == delivery.fallback.host:
                # It was on its way to its fallback already.
                delivery.divert(_code(self._lanes.find(lane.account, delivery.host)))
                delivery.attempts = position.attempts
            if lane.circuit.state is not OPEN or delivery.host != lane.host:
                self._hold(self._lanes.of(delivery), delivery)
            elif delivery.fallback:
                self._place(delivery)
            else:
                still_waiting.append(position)
        self._put_back(lane.backlog, still_waiting)
        self._queue_up(lane)

    def _handle_lane_timer(self, lane: HostLane, now: float) -> None:
        """Let a probe go, if the pause is over; forget an old trouble."""
        if lane.circuit.handle_timer(now):
            self._overdue.append(lane)
            self._pages.want(lane)
        self._set_timer(self._lanes.look_after(lane, now), lane)

    def _give_up_overdue(self, now: float) -> None:
        """End what has waited in the store for too long."""
        since = now - GIVE_UP_AFTER_S
        while self._overdue and self._unrecorded < UNRECORDED_MAX:
            lane = self._overdue[0]
            room = UNRECORDED_MAX - self._unrecorded
            positions = lane.backlog.take_older(since, room)
            positions = positions or lane.divertible.take_older(since, room)
            reason = str(lane.trouble)
            self._ended += (Ended(position.key, lane.host, reason) for position in positions)
            self._unrecorded += len(positions)
            self._memory.waiting -= len(positions)
            if not positions:
                self._overdue.popleft()
                self._drop_if_idle(lane)


def _code(lane: HostLane | None) -> int:
    """Twilio's code of the last trouble of a host, or the general one."""
    return lane.trouble.code if lane and lane.trouble else RETRIEVAL_FAILURE
