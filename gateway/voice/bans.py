"""Whom we do not hear any more, by address, since scanners and guessers never stop.

A failure is a wrong password, a source that may not call at all, or a challenge that nobody took
up; of the last, many make one. Whoever is known by its address (a trunk's `allowed_ips`, a carrier)
never comes here, so that nobody can have it banned under a forged sender; nor are unanswered
challenges counted of where a password was right of late.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

from gateway.net.peer_address import origin

ORIGINS_MAX = 65_536
# So many challenges without a right password count as one failure.
CHALLENGES_A_FAILURE = 10
PROVEN_S = 86_400.0

V = TypeVar("V")


class Bans:
    """An IPv4 address, or a /64 of IPv6, is one origin. The table forgets the oldest."""

    def __init__(self, failures_max: int, ban_s: float) -> None:
        self._failures_max = failures_max
        self._ban_s = ban_s
        # By origin: challenges, failures as tenths, and until when they count.
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._proven: OrderedDict[str, float] = OrderedDict()

    def is_banned(self, host: str, now: float) -> bool:
        return bool(self._counts) and self._is_full(origin(host), now)

    def failed(self, host: str, now: float) -> bool:
        """True where it is banned by this one."""
        return self._count(origin(host), CHALLENGES_A_FAILURE, now)

    def challenged(self, host: str, now: float) -> bool:
        """It was asked for its password, which it has not shown. True where it is banned by it."""
        where = origin(host)
        if now < self._proven.get(where, 0.0):
            return False
        return self._count(where, 1, now)

    def proven(self, host: str, now: float) -> None:
        """A password was right. Takes no wrong one back: else one who has an account could guess
        another's for ever."""
        _put_last(self._proven, origin(host), now + PROVEN_S)

    def __len__(self) -> int:
        return len(self._counts)

    def _is_full(self, where: str, now: float) -> bool:
        count, until = self._counts.get(where, (0, 0.0))
        return count >= self._failures_max * CHALLENGES_A_FAILURE and now < until

    def _count(self, where: str, more: int, now: float) -> bool:
        count, until = self._counts.get(where, (0, 0.0))
        _put_last(self._counts, where, ((count if now < until else 0) + more, now + self._ban_s))
        return self._is_full(where, now)


def _put_last(table: OrderedDict[str, V], key: str, value: V) -> None:
    """As the newest; of more than ORIGINS_MAX the oldest goes."""
    table.pop(key, None)
    if len(table) >= ORIGINS_MAX:
        table.popitem(last=False)
    table[key] = value
