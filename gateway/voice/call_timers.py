"""The timers of all calls as values: what is due when, in one structure.

As in `gateway.sip.timers`, they run for one of a few intervals (each trunk's patience, the longest
call), so each interval has a queue in the order of its deadlines. What is stopped leaves its queue
at once: most calls end hours before their longest time, and must not be kept until then.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import StrEnum
from typing import Generic, TypeVar

C = TypeVar("C")


class CallTimer(StrEnum):
    NO_RESPONSE = "no response"  # neither 18x nor a final answer came of this way
    UNANSWERED = "unanswered"  # it rang for as long as it may
    LONGEST = "longest"  # it stood for as long as it may
    REPLY = "reply"  # the media engine does not answer

    # Enum's own is written in Python and takes ten times as long.
    __hash__ = str.__hash__


class CallTimers(Generic[C]):
    """One timer of each kind for a call. `now` never goes back."""

    def __init__(self) -> None:
        self._queues: dict[float, OrderedDict[tuple[C, CallTimer], float]] = {}
        self._intervals: dict[tuple[C, CallTimer], float] = {}
        self._held: set[tuple[C, CallTimer]] = set()

    def __len__(self) -> int:
        return len(self._intervals)

    def set(self, timer: CallTimer, call: C, interval: float, now: float) -> None:
        """In the place of the one that runs."""
        self.stop(timer, call)
        key = call, timer
        queue = self._queues.get(interval)
        if queue is None:
            queue = self._queues[interval] = OrderedDict()
        queue[key] = now + interval
        self._intervals[key] = interval

    def stop(self, timer: CallTimer, call: C) -> None:
        """Harmless where none runs."""
        key = call, timer
        if self._held:
            self._held.discard(key)
        interval = self._intervals.pop(key, None)
        if interval is None:
            return
        queue = self._queues[interval]
        del queue[key]
        if not queue:
            del self._queues[interval]

    def hold(self, timer: CallTimer, call: C) -> None:
        """It has fired, and its call may have to attend to something else before: until then it
        may still be stopped."""
        self._held.add((call, timer))

    def release(self, timer: CallTimer, call: C) -> bool:
        """Whether it was held until now."""
        key = call, timer
        if key not in self._held:
            return False
        self._held.remove(key)
        return True

    def next_timer(self) -> float | None:
        soonest = None
        for queue in self._queues.values():
            deadline = next(iter(queue.values()))
            if soonest is None or deadline < soonest:
                soonest = deadline
        return soonest

    def pop_due(self, now: float) -> tuple[CallTimer, C] | None:
        """The next that has fired by `now`, with its call."""
        for queue in self._queues.values():
            (call, timer), deadline = next(iter(queue.items()))
            if deadline <= now:
                self.stop(timer, call)
                return timer, call
        return None
