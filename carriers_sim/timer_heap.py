"""Many deadlines on one timer of the event loop."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.clock import Clock

# What is due this close together is done in one turn of the loop; it also covers a timer of the
# loop that fires a little early.
TICK_S = 0.002

T = TypeVar("T")


class TimerHeap(Generic[T]):
    """Calls `on_due` with each item at its time; of two at one time, the first added is first.

    An idle heap costs nothing, and a waiting item a tuple: a million receipts may wait.
    """

    def __init__(self, clock: Clock, on_due: Callable[[T], None]) -> None:
        self._clock = clock
        self._on_due = on_due
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[float, int, T]] = []
        self._order = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, due: float, item: T) -> None:
        self._order += 1
        heapq.heappush(self._heap, (due, self._order, item))
        if self._timer is None or due < self._timer_due - TICK_S:
            self._arm(due)

    def keep(self, wanted: Callable[[T], bool]) -> None:
        """Forget the items that are not wanted."""
        self._heap = [entry for entry in self._heap if wanted(entry[2])]
        heapq.heapify(self._heap)
        if not self._heap and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_at(self._clock.to_monotonic(due), self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._clock.now()
        try:
            while self._heap and self._heap[0][0] < now + TICK_S / 2:
                self._on_due(heapq.heappop(self._heap)[2])
        finally:
            if self._heap and self._timer is None:
                self._arm(max(self._heap[0][0], now + TICK_S))
