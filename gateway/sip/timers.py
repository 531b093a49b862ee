"""The timers of SIP (RFC 3261 §17 and table 4, RFC 6026) as values, and what keeps many of them.

Nearly all timers run for one of a few intervals, and those of one interval come due in the order
in which they were set. So each interval has its queue, and only the queues' heads are ordered
among each other: to set, to stop and to find the next take the same time for ten as for a million.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush, heapreplace

import msgspec


class Timer(StrEnum):
    """A to K are RFC 3261's, L and M RFC 6026's; TRYING has no letter there (§17.2.1)."""

    A = "A"  # INVITE request retransmit interval, UDP only
    B = "B"  # INVITE transaction timeout
    D = "D"  # wait time for retransmits of the final response
    E = "E"  # non-INVITE request retransmit interval, UDP only
    F = "F"  # non-INVITE transaction timeout
    G = "G"  # INVITE final response retransmit interval
    H = "H"  # wait time for the ACK
    I = "I"  # wait time for retransmits of the ACK  # noqa: E741 - the RFC names it so
    J = "J"  # wait time for retransmits of a non-INVITE request
    K = "K"  # wait time for retransmits of the response
    L = "L"  # wait time for an accepted INVITE request's retransmits
    M = "M"  # wait time for retransmits of, or additional, 2xx to an INVITE
    TRYING = "100"  # after it a server transaction says 100 by itself
    # What the user agent core keeps beside its transactions.
    ACK = "ACK"  # the next 2xx goes out (§13.3.1.4)
    NO_ACK = "no ACK"  # 64*T1 after the first 2xx
    PRACK = "PRACK"  # the next reliable provisional goes out (RFC 3262 §3)
    NO_PRACK = "no PRACK"  # 64*T1 after the first
    RING = "ring"  # a provisional goes out again, for the proxies on the way (§13.3.1.1)
    CANCELLED = "cancelled"  # 64*T1 after a CANCEL, which the peer did not heed (§9.1)
    REFRESH = "refresh"  # the session is refreshed (RFC 4028 §10)
    EXPIRY = "expiry"  # the session ends for want of a refresh
    GLARE = "glare"  # the request that met a 491 is tried again (§14.1)

    # Enum's own is written in Python and takes ten times as long.
    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class TimerValues:
    """In seconds. t1 is the estimated round trip, t2 the longest interval between retransmissions
    of what is not an INVITE request, t4 the longest time that a message stays in the network.

    trying_s is the time within which an INVITE is answered by us, lest 100 goes out (§17.2.1).
    """

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    trying_s: float = 0.2

    @property
    def timeout(self) -> float:
        """64*T1: timers B, F, H, J, L, M."""
        return 64 * self.t1

    @property
    def timer_d(self) -> float:
        """At least 32 s (§17.1.1.2), and not shorter than the peer's timer H."""
        return max(32.0, 64 * self.t1)


class TimerEntry(msgspec.Struct, gc=False):
    """One running timer. Its owner is None when it was stopped or has fired: so there is no cycle
    for the collector to find, once the owner is over."""

    deadline: float
    timer: Timer
    owner: object | None


class TimerQueues:
    """Running timers of many owners. `now` never goes back. `heads` has the deadline of the next
    first, as `next_timer` says it."""

    def __init__(self) -> None:
        self._queues: dict[float, deque[TimerEntry]] = {}
        self.heads: list[tuple[float, float]] = []

    def __len__(self) -> int:
        """How many are kept, those that were stopped before their time included."""
        return sum(map(len, self._queues.values()))

    def set(self, timer: Timer, owner: object, interval: float, now: float) -> TimerEntry:
        entry = TimerEntry(now + interval, timer, owner)
        try:
            self._queues[interval].append(entry)
        except KeyError:
            self._queues[interval] = deque((entry,))
            heappush(self.heads, (entry.deadline, interval))
        return entry

    def next_timer(self) -> float | None:
        """When `pop_due` is wanted next; now and then it will find that nothing is due."""
        return self.heads[0][0] if self.heads else None

    def pop_due(self, now: float) -> tuple[Timer, object] | None:
        """The next timer that has fired by `now`, with its owner."""
        heads = self.heads
        while heads and heads[0][0] <= now:
            interval = heads[0][1]
            queue = self._queues[interval]
            entry = queue[0]
            if entry.owner is not None and entry.deadline <= now:
                fired = (entry.timer, entry.owner)
                entry.owner = None
            else:
                fired = None
            while entry.owner is None:
                queue.popleft()
                if not queue:
                    heappop(heads)
                    del self._queues[interval]
                    break
                entry = queue[0]
            else:
                heapreplace(heads, (entry.deadline, interval))
            if fired:
                return fired
        return None
