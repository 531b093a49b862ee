"""A town of very many destinations, some of which die for a while, and what is to be seen of it."""

from __future__ import annotations

import math
import resource
from collections import Counter, defaultdict
from collections.abc import Iterator
from random import Random

import msgspec

from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import Failure

BETWEEN_EVENTS_S = 3.0
TIMEOUT_S = 15.0
STORE_READ_S = 0.01
TIMED_OUT = Failure(FailureKind.READ, 11200, "no answer in time")

Key = tuple[int, int]


class Town(msgspec.Struct, frozen=True):
    """Each destination gets a message every `period_s`, with two events. Every `dead_one_in`-th
    answers nothing from `dies_at` until `recovers_at`: each attempt takes all the time that it may.
    Times are seconds from the start.
    """

    destinations: int
    period_s: float
    dies_at: float
    recovers_at: float
    ends_at: float
    dead_one_in: int = 10

    def place(self, message_id: int) -> int:
        return message_id % self.destinations

    def is_mortal(self, message_id: int) -> bool:
        return self.place(message_id) % self.dead_one_in == 0

    def is_dead(self, message_id: int, now: float) -> bool:
        return self.is_mortal(message_id) and self.dies_at <= now < self.recovers_at

    def phase(self, at: float) -> str:
        if at < self.dies_at:
            return "before"
        return "during" if at < self.recovers_at else "after"

    def events(self) -> Iterator[tuple[float, int, int]]:
        """When which event of which message comes about, in order. Each destination has its turn
        in each period."""
        step_s = self.period_s / self.destinations
        late = round(BETWEEN_EVENTS_S / step_s)
        messages = round(self.ends_at / step_s)
        for turn in range(messages + late):
            if turn < messages:
                yield turn * step_s, turn, 1
            if turn >= late:
                yield turn * step_s, turn - late, 2


def service_s(random: Random) -> float:
    """How long a destination takes to answer: a tenth of a second, with a long tail."""
    return min(0.02 + random.expovariate(1 / 0.1), TIMEOUT_S)


class Latencies:
    """In slots of a millisecond."""

    def __init__(self) -> None:
        self._slots: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        self._slots[int(seconds * 1_000)] += 1

    def quantile(self, share: float) -> float:
        left = math.ceil(self._slots.total() * share)
        for slot in sorted(self._slots):
            left -= self._slots[slot]
            if left <= 0:
                return slot / 1_000
        raise AssertionError("nothing was told")


class Figures(msgspec.Struct, frozen=True):
    """What became of a town.

    `p50`, `p99` and `p999` are by phase: how many seconds after its event a webhook of a
    destination that never dies was taken. `caught_up_s` is how long after the recovery nothing
    waited any more of what came before it. `mb` is how much memory the run took in all.
    """

    events: int
    told: int
    out_of_order: int
    p50: dict[str, float]
    p99: dict[str, float]
    p999: dict[str, float]
    attempts_in_vain: int
    caught_up_s: float
    pending_peak: int
    waiting_peak: int
    open_peak: int
    mb: float


class Census:
    """Sees the events and the webhooks of a town."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._offered_at: dict[Key, float] = {}
        self._next_number: defaultdict[int, int] = defaultdict(lambda: 1)
        self._healthy: defaultdict[str, Latencies] = defaultdict(Latencies)
        self._begun_mb = _peak_mb()
        self._events = 0
        self._told = 0
        self._out_of_order = 0
        self._caught_up_s = 0.0
        self._pending_peak = 0
        self._waiting_peak = 0
        self._open_peak = 0
        self.attempts_in_vain = 0

    def offered(self, message_id: int, number: int, at: float) -> None:
        self._events += 1
        self._offered_at[message_id, number] = at

    def told(self, message_id: int, number: int, now: float) -> None:
        self._told += 1
        self._out_of_order += self._next_number[message_id] != number
        self._next_number[message_id] = number + 1
        at = self._offered_at.pop((message_id, number))
        if not self._town.is_mortal(message_id):
            self._healthy[self._town.phase(at)].add(now - at)
        elif at < self._town.recovers_at <= now:
            self._caught_up_s = now - self._town.recovers_at

    def look(self, pending: int, waiting: int, open_circuits: int) -> None:
        self._pending_peak = max(self._pending_peak, pending)
        self._waiting_peak = max(self._waiting_peak, waiting)
        self._open_peak = max(self._open_peak, open_circuits)

    def figures(self) -> Figures:
        def quantiles(share: float) -> dict[str, float]:
            return {phase: each.quantile(share) for phase, each in self._healthy.items()}

        return Figures(
            events=self._events,
            told=self._told,
            out_of_order=self._out_of_order,
            p50=quantiles(0.5),
            p99=quantiles(0.99),
            p999=quantiles(0.999),
            attempts_in_vain=self.attempts_in_vain,
            caught_up_s=round(self._caught_up_s),
            pending_peak=self._pending_peak,
            waiting_peak=self._waiting_peak,
            open_peak=self._open_peak,
            mb=round(_peak_mb() - self._begun_mb),
        )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
