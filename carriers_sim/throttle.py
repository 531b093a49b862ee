"""How a carrier holds its customer to the agreed rate, counted in segments.

A token bucket answers ESME_RTHROTTLED once it is empty. Some carriers add a penalty: after the
first refusal everything is refused for a while, however slowly it comes.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from carriers_sim.delay import Seconds

Rate = Annotated[float, msgspec.Meta(gt=0)]


class Throttle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`burst` is the size of the bucket in segments; one second's worth unless set."""

    segments_per_s: Rate
    burst: Rate | None = None
    penalty_s: Seconds = 0.0


class TokenBucket:
    """Full at first; refills at `segments_per_s`."""

    def __init__(self, throttle: Throttle, now: float) -> None:
        self._rate = throttle.segments_per_s
        self._size = max(1.0, throttle.burst or throttle.segments_per_s)
        self._penalty_s = throttle.penalty_s
        self._tokens = self._size
        self._filled_at = now
        self._locked_until = now

    def admit(self, segments: int, now: float) -> bool:
        """Take the segments' tokens. A message larger than the bucket needs it full."""
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if now >= self._locked_until and self._tokens >= min(segments, self._size):
            self._tokens -= segments
            return True
        if now >= self._locked_until:
            self._locked_until = now + self._penalty_s
        return False
