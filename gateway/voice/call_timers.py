"""The timers of all calls as values: what is due when, in one structure.

As in `gateway.sip.timers`, they run for one of a few intervals (each trunk's patience, the longest
call), so each interval has a queue in the order of its deadlines. What is stopped leaves its queue
at once: most calls end hours before their longest time, and must not be kept until then.

Nearly all are stopped, and who has to know the next deadline asks after each step of each call: so
what was next is remembered until it is due, and only then looked for among those that are left.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import StrEnum
from math import inf
from typing import Generic, TypeVar

C = TypeVar("C")


class CallTimer(StrEnum):
    NO_RESPONSE = "no response"  # neither 18x nor a final answer came of this way
    UNANSWERED = "unanswered"  # it rang for as long as it may
    LONGEST = "longest"  # it stood for as long as it may
    REPLY = "reply"  # the media engine does not answer

    # Enum's own is written in Python and takes ten times as long.
    __hash__ = str.__hash__


# Going through the members of an Enum is written in Python, too.
TIMERS = tuple(CallTimer)


class CallTimers(Generic[C]):
    """One timer of each kind for a call. `now` never goes back."""

    def __init__(self) -> None:
        self._queues: dict[float, OrderedDict[tuple[CallTimer, C], float]] = {}
        # Of those that run, the queue that they are in.
        self._running: dict[tuple[CallTimer, C], OrderedDict[tuple[CallTimer, C], float]] = {}
        self._held: set[tuple[CallTimer, C]] = set()
        self._soonest = inf

    def __len__(self) -> int:
        return len(self._running)

    def set(self, timer: CallTimer, call: C, interval: float, now: float) -> None:
        """In the place of the one that runs."""
        key = timer, call
        if key in self._running or self._held:
            self.stop(timer, call)
        queue = self._queues.get(interval)
        if queue is None:
            queue = self._queues[interval] = OrderedDict()
        deadline = queue[key] = now + interval
        self._running[key] = queue
        if deadline < self._soonest:
            self._soonest = deadline

    def stop(self, timer: CallTimer, call: C) -> None:
        """Harmless where none runs."""
        key = timer, call
        if self._held:
            self._held.discard(key)
        queue = self._running.pop(key, None)
        if queue is not None:
            del queue[key]

    def stop_all(self, call: C) -> None:
        """Harmless where none runs."""
        for timer in TIMERS:
            self.stop(timer, call)

    def hold(self, timer: CallTimer, call: C) -> None:
        """It has fired, and its call may have to attend to something else before: until then it
        may still be stopped."""
        self._held.add((timer, call))

    def release(self, timer: CallTimer, call: C) -> bool:
        """Whether it was held until now."""
        key = timer, call
        if key not in self._held:
            return False
        self._held.remove(key)
        return True

    def next_timer(self) -> float | None:
        """Before which none fires. It may be that of one that was stopped; when it is due,
        `pop_due` finds out."""
        return self._soonest if self._running else None

    def pop_due(self, now: float) -> tuple[CallTimer, C] | None:
        """The next that has fired by `now`, with its call."""
        if now < self._soonest:
            return None
        self._queues = {interval: queue for interval, queue in self._queues.items() if queue}
        self._soonest = inf
        for queue in self._queues.values():
            fired, deadline = next(iter(queue.items()))
            if deadline <= now:
                self._soonest = deadline  # There may be more.
                self.stop(*fired)
                return fired
            self._soonest = min(self._soonest, deadline)
        return None
