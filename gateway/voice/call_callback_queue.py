"""Which status callbacks of calls are posted now, and when the failed ones are tried again. Pure.

They are in memory only. A call's are posted one after the other, in their order; a host has a share
of all places, so that one which does not answer holds up its own calls and few others. The hosts
take turns.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from gateway.call import CallEvent
from gateway.webhooks.destination import Destination
from gateway.webhooks.request import Failure
from gateway.webhooks.retry import GIVE_UP_AFTER_S, delay_s

# The loop may call a timer a moment early, and `now` is a sum of floats.
TIMER_SLACK_S = 0.001


@dataclass(frozen=True, slots=True)
class CallbackLimits:
    """Every bound of the queue: what it holds, in all and for one host, and posts at a time. What
    there is no room for is not taken."""

    pending_max: int = 20_000
    host_pending_max: int = 2_000
    in_flight_max: int = 256
    host_in_flight_max: int = 16


@dataclass(slots=True, eq=False)
class CallDelivery:
    """An event on its way. `since` is when it was taken."""

    event: CallEvent
    destination: Destination
    since: float
    attempts: int = 0


@dataclass(slots=True)
class _Host:
    pending: int = 0
    in_flight: int = 0
    ready: deque[CallDelivery] = field(default_factory=deque)


class CallbackQueue:
    """Each delivery that `take` hands out comes back by `ended` or `failed`. `chance` gives a
    number from 0 up to 1."""

    def __init__(self, limits: CallbackLimits, chance: Callable[[], float]) -> None:
        self._limits = limits
        self._chance = chance
        self._hosts: dict[str, _Host] = {}
        self._turns: deque[str] = deque()
        # Of each call what is not told yet; only the first is ready, in flight or retried.
        self._calls: dict[int, deque[CallDelivery]] = {}
        self._retries: list[tuple[float, int, CallDelivery]] = []
        self._order = count()
        self.pending = 0
        self.in_flight = 0

    def next_timer(self) -> float | None:
        """When there is something to post that there is not now, if nothing else happens."""
        return self._retries[0][0] if self._retries else None

    def offer(self, event: CallEvent, destination: Destination, now: float) -> bool:
        """Take an event; False where there is no room for it."""
        host = self._hosts.get(destination.host)
        if self.pending >= self._limits.pending_max or (
            host is not None and host.pending >= self._limits.host_pending_max
        ):
            return False
        self.pending += 1
        host = self._hosts.setdefault(destination.host, _Host())
        host.pending += 1
        delivery = CallDelivery(event, destination, now)
        line = self._calls.setdefault(event.call.id, deque())
        line.append(delivery)
        if len(line) == 1:
            self._make_ready(delivery)
        return True

    def take(self, now: float) -> list[CallDelivery]:
        """The deliveries to post now."""
        while self._retries and self._retries[0][0] <= now + TIMER_SLACK_S:
            self._make_ready(heapq.heappop(self._retries)[2])
        taken = []
        for _ in range(len(self._turns)):
            name = self._turns.popleft()
            host = self._hosts[name]
            while self._has_place(host):
                delivery = host.ready.popleft()
                delivery.attempts += 1
                host.in_flight += 1
                self.in_flight += 1
                taken.append(delivery)
            if host.ready:
                self._turns.append(name)
        return taken

    def ended(self, delivery: CallDelivery) -> None:
        """The server took it, or there is no use in another attempt."""
        self._land(delivery)
        self._end(delivery)

    def failed(self, delivery: CallDelivery, failure: Failure, now: float) -> bool:
        """The attempt failed; whether there will be another."""
        self._land(delivery)
        due = now + delay_s(delivery.attempts, self._chance())
        overrides = delivery.destination.overrides
        in_time = due <= delivery.since + GIVE_UP_AFTER_S
        if in_time and overrides.retries(failure.kind, delivery.attempts):
            heapq.heappush(self._retries, (due, next(self._order), delivery))
            return True
        self._end(delivery)
        return False

    def _has_place(self, host: _Host) -> bool:
        return (
            bool(host.ready)
            and host.in_flight < self._limits.host_in_flight_max
            and self.in_flight < self._limits.in_flight_max
        )

    def _make_ready(self, delivery: CallDelivery) -> None:
        name = delivery.destination.host
        host = self._hosts[name]
        if not host.ready:
            self._turns.append(name)
        host.ready.append(delivery)

    def _land(self, delivery: CallDelivery) -> None:
        self._hosts[delivery.destination.host].in_flight -= 1
        self.in_flight -= 1

    def _end(self, delivery: CallDelivery) -> None:
        self.pending -= 1
        name, call_id = delivery.destination.host, delivery.event.call.id
        line = self._calls[call_id]
        line.popleft()
        if line:
            self._make_ready(line[0])
        else:
            del self._calls[call_id]
        host = self._hosts[name]
        host.pending -= 1
        if not host.pending:
            del self._hosts[name]
