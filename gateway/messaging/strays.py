"""Copies of parts that carriers may have, and of which no answer can tell any more.

One was lost with its bind and the part went out again, or its message has ended meanwhile. Its
carrier may send a receipt for it, under an id that nobody knows.
"""

from __future__ import annotations

import logging
from collections import Counter, deque

log = logging.getLogger(__name__)

# Each takes about 250 octets.
STRAYS_MAX = 200_000

# The carrier, the sender and the recipient, so written that they can be compared.
Place = tuple[str, str, str]


class Strays:
    """Known by their place alone, each for `wait_s`. With STRAYS_MAX of them the next is not known
    by its place, and may be anywhere for as long."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        # When each is over, and the hash of its place: where two places share one, either is
        # believed to have a stray of the other, and nothing worse.
        self._ends: deque[tuple[float, int]] = deque()
        self._here: Counter[int] = Counter()
        self._anywhere_until = 0.0

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, place: Place, since: float, now: float) -> None:
        """A copy that may be there has been a stray since then."""
        until = since + self._wait_s
        self._expire(now)
        if until <= now:
            return
        if len(self._ends) >= STRAYS_MAX:
            if self._anywhere_until <= now:
                log.error("too many copies without an answer", extra={"copies": len(self._ends)})
            self._lose(until)
            return
        if self._ends:  # In the order of their ends, also where the clock was set back.
            until = max(until, self._ends[-1][0])
        self._ends.append((until, hash(place)))
        self._here[hash(place)] += 1

    def lose(self, now: float) -> None:
        """Nobody knows the place of a copy, or under which id its carrier has it."""
        self._lose(now + self._wait_s)

    def may_be_at(self, place: Place, now: float) -> bool:
        self._expire(now)
        return hash(place) in self._here or now < self._anywhere_until

    def _lose(self, until: float) -> None:
        self._anywhere_until = max(self._anywhere_until, until)

    def _expire(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, key = self._ends.popleft()
            self._here[key] -= 1
            if not self._here[key]:
                del self._here[key]
