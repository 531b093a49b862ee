"""Which ports a call gets: pairs of an even one for RTP and the next for RTCP (RFC 3550 §11)."""

from __future__ import annotations

from collections import deque
from random import Random

from media.errors import NoPorts

# Late packets of a call that is over must not reach the next one.
REST_S = 2.0


class PortRange:
    """The pairs from `least` to `most`, in an order that nobody can guess; one that is given back
    rests, and is taken then before those that no call has had, since its sockets may be kept."""

    def __init__(self, least: int, most: int, random: Random) -> None:
        pairs = list(range(least + least % 2, most, 2))
        random.shuffle(pairs)
        self._free = deque(pairs)
        self._resting: deque[tuple[float, int]] = deque()
        self.taken: set[int] = set()

    def __len__(self) -> int:
        """How many pairs are not taken."""
        return len(self._free) + len(self._resting)

    def take(self, now: float) -> int:
        """The even port of a pair.

        Raises:
            NoPorts: each is taken, or rests.
        """
        if self._resting and self._resting[0][0] <= now:
            _, port = self._resting.popleft()
        elif self._free:
            port = self._free.popleft()
        else:
            raise NoPorts("no port is left")
        self.taken.add(port)
        return port

    def give_back(self, port: int, now: float) -> None:
        self.taken.remove(port)
        self._resting.append((now + REST_S, port))

    def put_last(self, port: int) -> None:
        """Another has it: it is taken when there is no other."""
        self.taken.remove(port)
        self._free.append(port)

    def holds(self, port: int) -> bool:
        """Whether it is taken, as either of its pair."""
        return port & ~1 in self.taken
