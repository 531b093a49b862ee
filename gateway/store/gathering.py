"""When the records that wait are committed. A commit costs the same for one as for twenty.

Commits begin at a distance, so that each has much to carry: the more comes, the longer, and where
little comes at once. And a commit begins earlier when nothing more comes, for then nobody is served
by waiting: a customer whose window is full sends nothing until it is answered. Pure.
"""

from __future__ import annotations

# So many records a second are worth the whole distance; of half as many, half of it.
BUSY_RATE = 10_000.0
# Over what time the rate is taken.
RATE_S = 0.1
# Nothing more comes if nothing came for so long. That is not asked before a round trip to a peer
# next door would be over, because each look interrupts the loop.
QUIET_S = 0.0005
FIRST_LOOK_S = 0.0015


class Gathering:
    """`now` is in seconds of a monotonic clock."""

    def __init__(self, interval_s: float, enough: int) -> None:
        """The whole distance; and so many records are `enough` to commit without delay."""
        self._interval_s = interval_s
        self._enough = enough
        self._rate = 0.0
        self._begun_at = float("-inf")
        self._distance_s = 0.0
        self._seen = 0

    def wait_s(self, waiting: int, now: float) -> float:
        """How long to look away while so many records wait; 0: they are committed now."""
        passed_s = now - self._begun_at
        # A disk that takes half of the distance to flush has let enough gather meanwhile.
        distance_s = self._distance_s if self._seen else self._distance_s / 2
        if passed_s >= distance_s or waiting >= self._enough or waiting == self._seen:
            self._begin(waiting, now, passed_s)
            return 0.0
        self._seen = waiting
        return min(self._distance_s - passed_s, max(FIRST_LOOK_S - passed_s, QUIET_S))

    def _begin(self, records: int, now: float, passed_s: float) -> None:
        if passed_s < RATE_S:
            self._rate += (records - self._rate * passed_s) / RATE_S
        else:
            self._rate = records / passed_s
        self._distance_s = self._interval_s * min(1.0, self._rate / BUSY_RATE)
        self._begun_at = now
        self._seen = 0
