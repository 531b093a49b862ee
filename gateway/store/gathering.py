"""When the records that wait are committed. A commit costs the same for one as for twenty.

After a lull it is at once. Under load commits begin `interval_s` apart, so that each has much to
carry; earlier when nothing more comes, for then nobody is served by waiting: a customer whose
window is full sends nothing until it is answered. Pure.
"""

from __future__ import annotations

# Nothing more comes if nothing came for so long: then all that followed from the commit before is
# there, but for what peers are asked over the network.
QUIET_S = 0.001


class Gathering:
    """`now` is in seconds of a monotonic clock."""

    def __init__(self, interval_s: float, enough: int) -> None:
        """So many records are `enough` to commit without delay."""
        self._interval_s = interval_s
        self._enough = enough
        self._until = 0.0
        self._seen = 0

    def wait_s(self, waiting: int, now: float) -> float:
        """How long to look away while so many records wait; 0: they are committed now."""
        left_s = self._until - now
        if left_s <= 0 or waiting >= self._enough or waiting == self._seen:
            self._until = now + self._interval_s
            self._seen = 0
            return 0.0
        self._seen = waiting
        return min(left_s, QUIET_S)
