"""Whose turn it is: the senders that may go now, at a later time, or once there is room for them.

Room is that of a bind, or what the cap of an account lets pass. Who waits for it stands in a line
(see `FairLine`), and may stand in several. While a line has room, its first is served, again and
again, before any whose time has come: so nobody takes room past those who wait for it.

A sender has one turn at most: a number that grows with each move makes its older ones void.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from math import inf

from gateway.messaging.fair_line import FairLine
from gateway.messaging.lane import Lane


class Turns:
    def __init__(self) -> None:
        self._turns: list[tuple[float, int, Lane, int]] = []
        self._order = count()
        self._lines: dict[str, FairLine[Lane]] = {}
        # Lines that may have room.
        self._open: dict[str, None] = {}
        # Who was served from a line and could go again at once.
        self._eager: dict[str, dict[Lane, None]] = {}
        self._reminders: dict[str, float] = {}
        self._reminder_heap: list[tuple[float, str]] = []

    def give(self, lane: Lane, when: float) -> None:
        """The lane's turn is at `when`, and it waits for no room; among those of one time, first
        come, first served.
        """
        self._leave(lane)
        self._call(lane, when)

    def suspend(self, lane: Lane) -> None:
        """The lane has no turn, and waits for nothing, until it is given one."""
        self._leave(lane)
        lane.move += 1

    def wait(self, lane: Lane, level: int, rooms: Sequence[tuple[str, float | None]]) -> None:
        """The lane's next turn, for a message of this level, comes with room in any of these lines;
        time alone makes that at the time beside it. Where it stands already it keeps its place.
        """
        names = tuple([name for name, _ in rooms])
        for name in lane.lines:
            if name not in names:
                self._lines[name].leave(lane)
        for name, room_at in rooms:
            self._line(name).join(lane, lane.account_sid, level)
            if room_at is not None:
                self._remind(name, room_at)
        self._stand(lane, names)
        lane.eager = False

    def contend(self, lane: Lane, level: int, name: str) -> None:
        """The lane was served from this line, and would go again at once: it stands behind those
        who wait there. When there is no more room it has a turn, to look for some elsewhere."""
        self._leave(lane)
        self._line(name).join(lane, lane.account_sid, level)
        eager = self._eager.setdefault(name, {})
        eager.pop(lane, None)
        eager[lane] = None
        self._stand(lane, (name,))
        lane.eager = True

    def charge(self, lane: Lane, bind: str, segments: int) -> None:
        """The lane has so many segments on the bind, for which others may wait as well."""
        for name in lane.lines:
            if name in (bind, lane.account_sid):
                self._lines[name].charge(lane, segments)

    def wake(self, name: str) -> None:
        """The line may have room."""
        if self._lines.get(name):
            self._open[name] = None

    def wake_all(self, name: str, now: float) -> None:
        """Everybody in the line looks for room anew, and keeps their places."""
        for lane in self._lines.get(name, ()):
            self._call(lane, now)

    def served(self, lane: Lane, name: str, now: float, room_at: float) -> None:
        """The lane has had the turn that room in the line gave it; there is more at `room_at`,
        unless the lane waits there again."""
        stands = name in lane.lines
        if stands and not lane.waiting:
            self._leave(lane)  # It asks for nothing.
            stands = False
        if room_at > now:
            if room_at < inf and self._lines[name]:
                self._remind(name, room_at)
            self._close(name, now)
        elif stands and not lane.eager:
            self._close(name, now)

    def next(self, now: float) -> tuple[Lane, str] | None:
        """The lane whose turn it is at `now`, and the line whose room it has; "": its time came."""
        while self._reminder_heap and self._reminder_heap[0][0] <= now:
            when, name = heappop(self._reminder_heap)
            if self._reminders.get(name) == when:
                del self._reminders[name]
                self.wake(name)
        while self._open:
            name = next(iter(self._open))
            first = self._lines[name].first()
            if first is not None:
                first.waiting = False
                return first, name
            self._close(name, now)
        while self._turns and self._turns[0][0] <= now:
            _, _, lane, move = heappop(self._turns)
            if move == lane.move:
                lane.waiting = False
                return lane, ""
        return None

    def next_at(self) -> float | None:
        """When `next` may have somebody; a void place only makes it look too early."""
        times = [heap[0][0] for heap in (self._turns, self._reminder_heap) if heap]
        return min(times) if times else None

    def _call(self, lane: Lane, when: float) -> None:
        lane.move += 1
        lane.waiting = lane.eager = False
        heappush(self._turns, (when, next(self._order), lane, lane.move))

    def _close(self, name: str, now: float) -> None:
        """No more room there."""
        self._open.pop(name, None)
        for lane in self._eager.pop(name, ()):
            if lane.eager:
                self.give(lane, now)

    def _line(self, name: str) -> FairLine[Lane]:
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = FairLine()
        return line

    def _stand(self, lane: Lane, names: tuple[str, ...]) -> None:
        lane.lines = names
        lane.waiting = True
        lane.move += 1

    def _leave(self, lane: Lane) -> None:
        for name in lane.lines:
            self._lines[name].leave(lane)
        lane.lines = ()
        lane.waiting = lane.eager = False

    def _remind(self, name: str, room_at: float) -> None:
        if room_at < self._reminders.get(name, inf):
            self._reminders[name] = room_at
            heappush(self._reminder_heap, (room_at, name))
