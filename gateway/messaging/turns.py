"""Whose turn it is: the senders that may go now, at a later time, or once a bind has room.

A sender has one turn at most: a number that grows with each move makes its older ones void. Or it
stands in the lines of the binds that it waits for, and keeps its place there until it is served.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from math import inf

from gateway.messaging.lane import Lane


class Turns:
    def __init__(self) -> None:
        self._turns: list[tuple[float, int, Lane, int, str]] = []
        self._order = count()
        self._lines: dict[str, OrderedDict[Lane, None]] = {}
        self._reminders: dict[str, float] = {}
        self._reminder_heap: list[tuple[float, str]] = []

    def give(self, lane: Lane, when: float) -> None:
        """The lane's turn is at `when`, and it waits for no bind; among those of one time, first
        come, first served.
        """
        self._stand_in(lane, ())
        self._push(lane, when, "")

    def suspend(self, lane: Lane) -> None:
        """The lane has no turn, and waits for nothing, until it is given one."""
        self._stand_in(lane, ())
        lane.move += 1

    def wait(self, lane: Lane, binds: Sequence[tuple[str, float | None]]) -> None:
        """The lane's next turn comes with room on any of these binds; time alone makes that at the
        time beside it. In a line where it stands already it keeps its place.
        """
        self._stand_in(lane, tuple([bind for bind, _ in binds]))
        lane.move += 1
        lane.waiting = True
        for bind, retry_at in binds:
            if retry_at is not None and retry_at < self._reminders.get(bind, inf):
                self._reminders[bind] = retry_at
                heappush(self._reminder_heap, (retry_at, bind))

    def wake(self, bind: str, now: float) -> bool:
        """A bind has room: the first lane in its line gets its turn. False: none waits."""
        for lane in self._lines.get(bind, ()):
            if lane.waiting:
                self._push(lane, now, bind)
                return True
        return False

    def wake_all(self, bind: str, now: float) -> None:
        """A bind is up again, or down: everybody in its line looks for room anew."""
        for lane in self._lines.get(bind, ()):
            if lane.waiting:
                self._push(lane, now, bind)

    def pass_on(self, lane: Lane, bind: str, now: float) -> None:
        """The lane has had the turn that room on the bind gave it. Unless it stands there again,
        for there was none after all, the next in line sees what is left.
        """
        if not (lane.waiting and bind in lane.lines):
            self.wake(bind, now)

    def _push(self, lane: Lane, when: float, woken_by: str) -> None:
        lane.move += 1
        lane.waiting = False
        heappush(self._turns, (when, next(self._order), lane, lane.move, woken_by))

    def _stand_in(self, lane: Lane, binds: tuple[str, ...]) -> None:
        """Leave all lines but these, and join those of them that are new."""
        for bind in lane.lines:
            if bind not in binds:
                del self._lines[bind][lane]
        for bind in binds:
            self._lines.setdefault(bind, OrderedDict()).setdefault(lane)
        lane.lines = binds
        lane.waiting = False

    def next(self, now: float) -> tuple[Lane, str] | None:
        """The lane whose turn it is at `now`, and the bind whose room gave it the turn."""
        while self._reminder_heap and self._reminder_heap[0][0] <= now:
            when, bind = heappop(self._reminder_heap)
            if self._reminders.get(bind) == when:
                del self._reminders[bind]
                self.wake(bind, now)
        while self._turns and self._turns[0][0] <= now:
            _, _, lane, move, woken_by = heappop(self._turns)
            if move == lane.move:
                return lane, woken_by
            if woken_by:  # The lane has moved on since, and leaves the room to the next.
                self.wake(woken_by, now)
        return None

    def next_at(self) -> float | None:
        """When `next` may have somebody; a void place only makes it look too early."""
        times = [heap[0][0] for heap in (self._turns, self._reminder_heap) if heap]
        return min(times) if times else None
