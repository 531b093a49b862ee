"""Stops two machines that answer each other for ever (Twilio's 14107). Pure."""

from __future__ import annotations

from collections import OrderedDict, deque

REPLY_RATE_EXCEEDED = 14107
REPLIES_MAX = 30
WINDOW_S = 30.0

# Beyond it the pair that has been quiet longest is forgotten, and starts again from nothing.
PAIRS_MAX = 10_000


class ReplyLoopGuard:
    """Counts the replies from a number to a texter: 30 in any 30 s, no more.

    A pair takes about 2 kB at most, the whole table 20 MB.
    """

    def __init__(self, pairs_max: int = PAIRS_MAX) -> None:
        self._pairs_max = pairs_max
        self._replies: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._replies)

    def allows(self, number: str, texter: str, now: float) -> bool:
        """Count one reply; False where it must not be sent (and then it does not count)."""
        sent = self._replies.setdefault((number, texter), deque())
        self._replies.move_to_end((number, texter))
        if len(self._replies) > self._pairs_max:
            self._replies.popitem(last=False)
        while sent and sent[0] <= now - WINDOW_S:
            sent.popleft()
        if len(sent) >= REPLIES_MAX:
            return False
        sent.append(now)
        return True
