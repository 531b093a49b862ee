"""What must happen at a time, whatever else happens: a wheel of buckets.

A heap would keep a tuple and a float per message; here a message costs one list slot in the bucket
of its deadline, and what was settled meanwhile is skipped by whoever takes the bucket.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import ceil
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Items by deadline, to `grain_s`: due never before it, and less than one grain after."""

    def __init__(self, grain_s: float) -> None:
        self._grain_s = grain_s
        self._buckets: dict[int, list[T]] = {}
        self._ticks: list[int] = []

    def add(self, when: float, item: T) -> None:
        tick = ceil(when / self._grain_s)
        bucket = self._buckets.get(tick)
        if bucket is None:
            self._buckets[tick] = [item]
            heappush(self._ticks, tick)
        else:
            bucket.append(item)

    def next_at(self) -> float | None:
        """When the next bucket is due."""
        return self._ticks[0] * self._grain_s if self._ticks else None

    def due(self, now: float) -> list[T]:
        """Take what is due at `now`, in the order of deadlines, then of `add`."""
        items: list[T] = []
        while self._ticks and self._ticks[0] * self._grain_s <= now:
            items += self._buckets.pop(heappop(self._ticks))
        return items
