"""How a carrier holds its customer to the agreed rate, counted in segments or in messages.

A token bucket answers ESME_RTHROTTLED once it is empty. Some carriers add a penalty: after the
first refusal everything is refused for a while, however slowly it comes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from carriers_sim.delay import Seconds

Rate = Annotated[float, msgspec.Meta(gt=0)]


class Counted(StrEnum):
    """What one token pays for."""

    SEGMENTS = "segments"
    MESSAGES = "messages"


class Throttle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`burst` is the size of the bucket; one second's worth unless set."""

    segments_per_s: Rate
    burst: Rate | None = None
    penalty_s: Seconds = 0.0
    counted: Counted = Counted.SEGMENTS


class TokenBucket:
    """Full at first; refills at `segments_per_s`."""

    def __init__(self, throttle: Throttle, now: float) -> None:
        self._rate = throttle.segments_per_s
        self._size = max(1.0, throttle.burst or throttle.segments_per_s)
        self._penalty_s = throttle.penalty_s
        self._counts_segments = throttle.counted is Counted.SEGMENTS
        self._tokens = self._size
        self._filled_at = now
        self._locked_until = now

    def admit(self, segments: int, now: float) -> bool:
        """Take the segments' tokens. A message larger than the bucket needs it full."""
        segments = segments if self._counts_segments else 1
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if now >= self._locked_until and self._tokens >= min(segments, self._size):
            self._tokens -= segments
            return True
        if now >= self._locked_until:
            self._locked_until = now + self._penalty_s
        return False

    def congestion(self, now: float) -> int:
        """How empty it is, as a congestion_state: 0 is idle, 100 refuses (5.0 §4.8.4.18)."""
        if now < self._locked_until:
            return 100
        tokens = min(self._size, self._tokens + (now - self._filled_at) * self._rate)
        return min(100, round(100 * (1 - tokens / self._size)))
