"""What must happen at a time, whatever else happens: a wheel of buckets.

A heap would keep a tuple and a float per message, and could not let go of one before its time.
Here a message takes one place in the bucket of its deadline, and gives it back when it is settled.
"""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heappop, heappush
from math import ceil
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

# So many buckets may be empty before their time, or as many as are not.
EMPTY_MAX = 1_000


class Deadlines(Generic[T]):
    """Items by deadline, to `grain_s`: due never before it, and less than one grain after."""

    def __init__(self, grain_s: float) -> None:
        self._grain_s = grain_s
        self._buckets: dict[int, dict[T, None]] = {}
        self._ticks: list[int] = []
        self._empty = 0

    def add(self, when: float, item: T) -> None:
        tick = self._tick(when)
        bucket = self._buckets.get(tick)
        if bucket is None:
            self._buckets[tick] = {item: None}
            heappush(self._ticks, tick)
        else:
            if not bucket:
                self._empty -= 1
            bucket[item] = None

    def discard(self, when: float, item: T) -> bool:
        """Forget an item that was added for `when`; False: it is not there any more."""
        bucket = self._buckets.get(self._tick(when))
        if not bucket or item not in bucket:
            return False
        del bucket[item]
        if not bucket:
            bucket.clear()  # A dict keeps the room of what was in it until then.
            self._empty += 1
            if self._empty > EMPTY_MAX and 2 * self._empty > len(self._buckets):
                self._sweep()
        return True

    def next_at(self) -> float | None:
        """When the next item is due."""
        while self._ticks and not self._buckets[self._ticks[0]]:
            self._take_first()
        return self._ticks[0] * self._grain_s if self._ticks else None

    def due(self, now: float) -> list[T]:
        """Take what is due at `now`, in the order of deadlines, then of `add`."""
        items: list[T] = []
        while self._ticks and self._ticks[0] * self._grain_s <= now:
            items += self._take_first()
        return items

    def _take_first(self) -> dict[T, None]:
        bucket = self._buckets.pop(heappop(self._ticks))
        if not bucket:
            self._empty -= 1
        return bucket

    def _sweep(self) -> None:
        """What was settled before its time leaves nothing behind until then."""
        self._buckets = {tick: bucket for tick, bucket in self._buckets.items() if bucket}
        self._ticks = sorted(self._buckets)
        self._empty = 0

    def _tick(self, when: float) -> int:
        tick = ceil(when / self._grain_s)
        # A quotient that was rounded down would make the item due too early.
        return tick if tick * self._grain_s >= when else tick + 1
