"""Whose webhook starts next: hosts take turns for the places that there are. Pure."""

from __future__ import annotations

from collections import OrderedDict

from gateway.messaging.host_lane import HostLane
from gateway.messaging.webhook_delivery import Delivery


class HostTurns:
    """Counts the attempts in flight, of each lane too.

    One host gets no more than a quarter of all places, whatever `host_in_flight_max` says. A host
    in trouble gets one at a time, and all such hosts together a quarter, because their attempts
    may take as long as their time allows. What comes late, from the store, gets half of all places,
    so that what is new need not stand in line behind the backlogs of many hosts.
    """

    def __init__(self, in_flight_max: int, host_in_flight_max: int) -> None:
        quarter = max(1, in_flight_max // 4)
        self._in_flight_max = in_flight_max
        self._host_in_flight_max = min(host_in_flight_max, quarter)
        self._troubled_max = quarter
        self._late_max = 2 * quarter
        self._troubled = 0
        self._late = 0
        self.in_flight = 0
        # The lanes with something to start and a place of their own free; the next in turn first.
        self._turns: OrderedDict[HostLane, None] = OrderedDict()
        self._late_turns: OrderedDict[HostLane, None] = OrderedDict()
        self._troubled_turns: OrderedDict[HostLane, None] = OrderedDict()

    def queue_up(self, lane: HostLane) -> None:
        """Give the lane a turn, if it has use for one."""
        if not lane.ready or lane.in_flight >= (1 if lane.in_trouble else self._host_in_flight_max):
            return
        if lane.in_trouble:
            self._troubled_turns.setdefault(lane)
        elif lane.ready[0].is_late:
            self._late_turns.setdefault(lane)
        else:
            self._turns.setdefault(lane)

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
            started.append(self._start_next(self._troubled_turns))
        while self._late_turns and self._late < self._late_max and self._has_place:
            started.append(self._start_next(self._late_turns))
        while self._turns and self._has_place:
            started.append(self._start_next(self._turns))
        return started

    def leave(self, lane: HostLane, delivery: Delivery) -> None:
        """The attempt is over, and its place is free."""
        self._count(lane, delivery, -1)

    @property
    def _has_place(self) -> bool:
        return self.in_flight < self._in_flight_max

    def _start_next(self, turns: OrderedDict[HostLane, None]) -> Delivery:
        """Start the first delivery of the lane in turn, and send the lane to the end."""
        lane, _ = turns.popitem(last=False)
        delivery = lane.ready.popleft()
        delivery.attempts += 1
        delivery.in_trouble = lane.in_trouble
        self._count(lane, delivery, 1)
        self.queue_up(lane)
        return delivery

    def _count(self, lane: HostLane, delivery: Delivery, one: int) -> None:
        self.in_flight += one
        lane.in_flight += one
        if delivery.in_trouble:
            self._troubled += one
        elif delivery.is_late:
            self._late += one
