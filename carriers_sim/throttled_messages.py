"""Whether a throttled message comes again before later ones of its pair of numbers do (CLI-5).

All carriers of a simulator share one, for the next attempt may go to another carrier.
"""

from __future__ import annotations

import msgspec

PAIRS_MAX = 100_000
# What was on its way when the answer was written comes within this time; after the longer one the
# message may have expired, or its sender may have given it up.
IN_FLIGHT_S = 1.0
FORGOTTEN_S = 15.0

Pair = tuple[str, str]


class ThrottledMessage(msgspec.Struct, frozen=True, gc=False):
    content: int
    at: float


class ThrottledMessages:
    """The first message of each pair that was answered ESME_RTHROTTLED or ESME_RMSGQFUL."""

    def __init__(self) -> None:
        self._waiting: dict[Pair, ThrottledMessage] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def throttled(self, pair: Pair, content: int, now: float) -> None:
        if len(self._waiting) >= PAIRS_MAX:
            del self._waiting[next(iter(self._waiting))]
        self._waiting.setdefault(pair, ThrottledMessage(content, now))

    def overtaken(self, pair: Pair, content: int, now: float) -> bool:
        """Whether this message has come where another one should have."""
        waiting = self._waiting.get(pair)
        if waiting is None:
            return False
        waited_s = now - waiting.at
        if content != waiting.content and waited_s < IN_FLIGHT_S:
            return False
        del self._waiting[pair]
        return content != waiting.content and waited_s < FORGOTTEN_S

    def clear(self) -> None:
        self._waiting.clear()
