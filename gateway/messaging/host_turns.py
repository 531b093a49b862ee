"""Whose webhook starts next: lanes take turns for the places that there are. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict

from gateway.messaging.host_circuit import OPEN
from gateway.messaging.host_lane import HostLane
from gateway.messaging.webhook_delivery import Delivery


class HostTurns:
    """Counts the attempts in flight, of each lane too.

    One host gets no more than a quarter of all places, whatever `host_in_flight_max` says; the
    lanes of all accounts to it share them. A lane in trouble gets one at a time, all such lanes to
    one host a quarter of its places, and all of them together a quarter of all, because their
    attempts may take as long as their time allows. What comes late, from the store, gets half of
    all places, so that what is new need not stand in line behind the backlogs of many hosts.
    """

    def __init__(self, in_flight_max: int, host_in_flight_max: int) -> None:
        quarter = max(1, in_flight_max // 4)
        self._in_flight_max = in_flight_max
        self._host_in_flight_max = min(host_in_flight_max, quarter)
        self._host_troubled_max = max(1, self._host_in_flight_max // 4)
        self._troubled_max = quarter
        self._late_max = 2 * quarter
        self._troubled = 0
        self._late = 0
        self.in_flight = 0
        # The lanes with something to start and a place of their own free; the next in turn first.
        self._turns: OrderedDict[HostLane, None] = OrderedDict()
        self._late_turns: OrderedDict[HostLane, None] = OrderedDict()
        self._troubled_turns: OrderedDict[HostLane, None] = OrderedDict()
        # By host: attempts in flight, those in trouble, and the lanes that wait for one to end, in
        # trouble or not.
        self._of_host: Counter[str] = Counter()
        self._troubled_of_host: Counter[str] = Counter()
        self._parked: dict[tuple[str, bool], OrderedDict[HostLane, None]] = {}

    def queue_up(self, lane: HostLane) -> bool:
        """Give the lane a turn, if it has use for one."""
        if not lane.ready or lane.circuit.state is OPEN:
            return False
        if lane.in_flight >= (1 if lane.in_trouble else self._host_in_flight_max):
            return False
        if lane.in_trouble:
            self._troubled_turns.setdefault(lane)
        elif lane.ready[0].is_late:
            self._late_turns.setdefault(lane)
        else:
            self._turns.setdefault(lane)
        return True

    def withdraw(self, lane: HostLane) -> None:
        """Take the turn back that it was given while it was not in trouble. (A lane that waits for
        a turn in trouble has nothing in flight, so it is not getting better or worse.)
        """
        self._turns.pop(lane, None)
        self._late_turns.pop(lane, None)

    def start(self) -> list[Delivery]:
        """Start what there are places for."""
        started: list[Delivery] = []
        while self._troubled_turns and self._troubled < self._troubled_max and self._has_place:
            started += self._start_next(self._troubled_turns)
        while self._late_turns and self._late < self._late_max and self._has_place:
            started += self._start_next(self._late_turns)
        while self._turns and self._has_place:
            started += self._start_next(self._turns)
        return started

    def leave(self, lane: HostLane, delivery: Delivery) -> None:
        """The attempt is over, and its place is free."""
        self._count(lane, delivery, -1)
        for in_trouble in (False, True):
            self._unpark(lane.host, in_trouble)

    @property
    def _has_place(self) -> bool:
        return self.in_flight < self._in_flight_max

    def _host_has_place(self, lane: HostLane) -> bool:
        host = lane.host
        if lane.in_trouble and self._troubled_of_host[host] >= self._host_troubled_max:
            return False
        return self._of_host[host] < self._host_in_flight_max

    def _unpark(self, host: str, in_trouble: bool) -> None:
        """A place at the host is free: one lane that waited for it gets a turn."""
        parked = self._parked.get((host, in_trouble))
        while parked and not self.queue_up(parked.popitem(last=False)[0]):
            pass
        if parked is not None and not parked:
            del self._parked[host, in_trouble]

    def _start_next(self, turns: OrderedDict[HostLane, None]) -> list[Delivery]:
        """Start the first delivery of the lane in turn, and send the lane to the end. Where its
        host has all that it may, it waits for one of that host to end.
        """
        lane, _ = turns.popitem(last=False)
        if not self._host_has_place(lane):
            self._parked.setdefault((lane.host, lane.in_trouble), OrderedDict())[lane] = None
            return []
        delivery = lane.ready.popleft()
        delivery.attempts += 1
        delivery.in_trouble = lane.in_trouble
        self._count(lane, delivery, 1)
        self.queue_up(lane)
        return [delivery]

    def _count(self, lane: HostLane, delivery: Delivery, one: int) -> None:
        self.in_flight += one
        lane.in_flight += one
        _tally(self._of_host, lane.host, one)
        if delivery.in_trouble:
            self._troubled += one
            _tally(self._troubled_of_host, lane.host, one)
        elif delivery.is_late:
            self._late += one


def _tally(counts: Counter[str], host: str, one: int) -> None:
    """Count, and keep nothing of a host that there is nothing of."""
    counts[host] += one
    if not counts[host]:
        del counts[host]
