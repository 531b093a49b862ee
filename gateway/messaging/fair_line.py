"""Who waits for room on one bind, and who has it next: by class of traffic, then fairly by account.

Codes that somebody waits for go first while they are under URGENT_SHARE of what was sent; beyond
that, classes share by their weights, so that a flood of codes starves nobody. Within a class the
accounts that wait get equal shares, counted in segments, by start-time fair queueing (Goyal, Vin,
Cheng 1996): whoever has had least goes next, and an account that comes anew starts where the
others are, for what it did not use is gone. The senders of one account take turns.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, TypeVar

from gateway.account import TrafficClass

URGENT_SHARE = 0.7
# What urgent traffic may be ahead of its share: a burst of so many segments / (1 - URGENT_SHARE).
URGENT_CREDIT = 40.0
WEIGHTS = (8, 3, 1)
URGENT, NORMAL, BULK = range(len(WEIGHTS))
LEVELS = {TrafficClass.OTP.value: URGENT, TrafficClass.PROMOTIONAL.value: BULK}
# So many accounts may be remembered that wait no more, or as many as wait.
IDLE_MAX = 64

T = TypeVar("T")


def level(traffic_class: str) -> int:
    """The place in WEIGHTS of a class of traffic, by its name."""
    return LEVELS.get(traffic_class, NORMAL)


class _Flow(Generic[T]):
    """The senders of one account that wait. `start` says how much its class had been given when
    its next segment is due."""

    __slots__ = ("account", "listed_at", "start", "waiting")

    def __init__(self, account: str) -> None:
        self.account = account
        self.waiting: OrderedDict[T, None] = OrderedDict()
        self.start = 0.0
        self.listed_at = -1.0


class _Level(Generic[T]):
    """The accounts of one class. `given` is its virtual time: the start of what was sent last."""

    __slots__ = ("_by_start", "_flows", "_order", "_waiting", "given")

    def __init__(self) -> None:
        self.given = 0.0
        self._flows: dict[str, _Flow[T]] = {}
        self._by_start: list[tuple[float, int, _Flow[T]]] = []
        self._order = count()
        self._waiting = 0

    def join(self, sender: T, account: str) -> None:
        flow = self._flows.get(account)
        if flow is None:
            flow = self._flows[account] = _Flow(account)
        if not flow.waiting:
            self._waiting += 1
            flow.start = max(flow.start, self.given)
            self._list(flow)
        flow.waiting[sender] = None

    def leave(self, sender: T, account: str) -> None:
        flow = self._flows[account]
        del flow.waiting[sender]
        if not flow.waiting:
            self._waiting -= 1
            if len(self._flows) > 2 * self._waiting + IDLE_MAX:
                self._forget()

    def first(self) -> T | None:
        by_start = self._by_start
        while by_start:
            start, _, flow = by_start[0]
            if flow.waiting and flow.start == start:
                return next(iter(flow.waiting))
            heappop(by_start)
            if flow.listed_at == start:
                flow.listed_at = -1.0
        return None

    def charge(self, account: str, segments: int) -> None:
        """The account has sent so much."""
        flow = self._flows.get(account)
        if flow is None:
            return
        if flow.waiting:
            self.given = max(self.given, flow.start)
        flow.start = max(flow.start, self.given) + segments
        if flow.waiting:
            self._list(flow)

    def _list(self, flow: _Flow[T]) -> None:
        if flow.listed_at != flow.start:
            flow.listed_at = flow.start
            heappush(self._by_start, (flow.start, next(self._order), flow))

    def _forget(self) -> None:
        """Those that wait no more, and have had no more than the others."""
        self._flows = {
            account: flow
            for account, flow in self._flows.items()
            if flow.waiting or flow.start > self.given
        }
        self._by_start = [
            (flow.start, next(self._order), flow) for flow in self._flows.values() if flow.waiting
        ]
        heapify(self._by_start)
        for flow in self._flows.values():
            flow.listed_at = flow.start if flow.waiting else -1.0

    def __len__(self) -> int:
        return self._waiting


class FairLine(Generic[T]):
    """Each who waits stands in it once, for a message of one class."""

    __slots__ = ("_credit", "_given", "_levels", "_places", "_starts")

    def __init__(self) -> None:
        self._levels: tuple[_Level[T], ...] = tuple(_Level() for _ in WEIGHTS)
        self._places: dict[T, tuple[int, str]] = {}
        # Between classes the same holds as between accounts, by weight.
        self._given = 0.0
        self._starts = [0.0] * len(WEIGHTS)
        self._credit = URGENT_CREDIT

    def join(self, sender: T, account: str, level: int) -> None:
        """Stand in line; who stands there already with the same class keeps the place."""
        place = self._places.get(sender)
        if place is not None:
            if place[0] == level:
                return
            self.leave(sender)
        if not self._levels[level]:
            self._starts[level] = max(self._starts[level], self._given)
        self._levels[level].join(sender, account)
        self._places[sender] = (level, account)

    def leave(self, sender: T) -> None:
        """No error where it does not stand here."""
        place = self._places.pop(sender, None)
        if place is not None:
            self._levels[place[0]].leave(sender, place[1])

    def first(self) -> T | None:
        """Who has the next room; it keeps its place until it leaves."""
        if self._levels[URGENT] and self._credit > 0:
            return self._levels[URGENT].first()
        levels = [number for number, waiting in enumerate(self._levels) if waiting]
        if not levels:
            return None
        return self._levels[min(levels, key=self._starts.__getitem__)].first()

    def charge(self, sender: T, segments: int) -> None:
        """Who stands here has sent so much."""
        place = self._places.get(sender)
        if place is None:
            return
        number, account = place
        self._levels[number].charge(account, segments)
        start = self._starts[number]
        if number != URGENT or self._credit <= 0:
            self._given = max(self._given, start)
        self._starts[number] = max(start, self._given) + segments / WEIGHTS[number]
        self._credit += URGENT_SHARE * segments
        if number == URGENT:
            self._credit -= segments
        self._credit = min(self._credit, URGENT_CREDIT)

    def __contains__(self, sender: T) -> bool:
        return sender in self._places

    def __iter__(self) -> Iterator[T]:
        """All who wait, in no order."""
        return iter(list(self._places))

    def __len__(self) -> int:
        return len(self._places)
