"""Whose turn it is: the senders that may go now, at a later time, or once a bind has room.

A sender stands in one place only: a number that grows with each move makes its older places void,
so nothing is ever searched for or removed from the middle.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count

from gateway.message import Message
from gateway.messaging.account_queue import AccountQueue
from gateway.messaging.open_message import OpenMessage


class Lane:
    """A sender of an account, with its queue. `busy` holds, by recipient, the message that is at
    a carrier: the next one to that recipient waits for its answer, so that not even a refusal
    and a second try can put two messages of a conversation out of order.
    """

    __slots__ = ("account_sid", "busy", "move", "queue", "sender", "sender_type")

    def __init__(
        self, account_sid: str, sender: str, sender_type: str, queue: AccountQueue[OpenMessage]
    ) -> None:
        self.account_sid = account_sid
        self.sender = sender
        self.sender_type = sender_type
        self.queue = queue
        self.busy: dict[str, OpenMessage] = {}
        self.move = 0

    def blocks(self, message: Message) -> bool:
        """Whether an earlier message to the same recipient is still at a carrier."""
        earlier = self.busy.get(message.recipient)
        return earlier is not None and earlier.message is not message


class Turns:
    def __init__(self) -> None:
        self._turns: list[tuple[float, int, Lane, int, str]] = []
        self._order = count()
        self._waiting: dict[str, dict[Lane, int]] = {}
        self._reminders: dict[str, float] = {}
        self._reminder_heap: list[tuple[float, str]] = []

    def give(self, lane: Lane, when: float, woken_by: str = "") -> None:
        """The lane's turn is at `when`; among those of one time, first come, first served."""
        lane.move += 1
        heappush(self._turns, (when, next(self._order), lane, lane.move, woken_by))

    def suspend(self, lane: Lane) -> None:
        """The lane has no turn until it is given one."""
        lane.move += 1

    def forget(self, lane: Lane) -> None:
        """The lane is gone, from wherever it stands."""
        lane.move += 1
        for waiting in self._waiting.values():
            waiting.pop(lane, None)

    def park(self, lane: Lane, bind: str, retry_at: float | None) -> None:
        """The lane also waits for room on this bind, behind those that wait for it already; time
        alone makes room at `retry_at`.
        """
        waiting = self._waiting.setdefault(bind, {})
        waiting.pop(lane, None)
        waiting[lane] = lane.move
        if retry_at is not None and retry_at < self._reminders.get(bind, float("inf")):
            self._reminders[bind] = retry_at
            heappush(self._reminder_heap, (retry_at, bind))

    def is_parked(self, lane: Lane, bind: str) -> bool:
        return self._waiting.get(bind, {}).get(lane) == lane.move

    def wake(self, bind: str, now: float) -> bool:
        """A bind has room: the first lane that waits for it gets its turn. False: none waits."""
        waiting = self._waiting.get(bind)
        while waiting:
            lane = next(iter(waiting))
            if waiting.pop(lane) == lane.move:
                self.give(lane, now, bind)
                return True
        return False

    def wake_all(self, bind: str, now: float) -> None:
        """A bind is up again."""
        while self.wake(bind, now):
            pass

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
