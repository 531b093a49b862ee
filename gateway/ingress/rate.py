"""How fast a customer may ask: a rate with a burst of one second's worth (GCRA)."""

from __future__ import annotations

BURST_S = 1.0
# Sums of intervals are not exact.
TOLERANCE_S = 1e-6


class Rate:
    """The state is one float: the instant up to which the rate is used."""

    __slots__ = ("_ahead_max_s", "_due", "_interval_s")

    def __init__(self, per_second: float) -> None:
        self._interval_s = 1.0 / per_second
        # Less than the burst by the one that is asked for.
        self._ahead_max_s = max(BURST_S - self._interval_s, 0.0) + TOLERANCE_S
        self._due = 0.0

    def ahead_s(self, now: float) -> float:
        """0 where one more may pass, which then counts; else the wait until it may."""
        starts_at = self._due
        if starts_at < now:
            starts_at = now
        elif starts_at - now > self._ahead_max_s:
            return starts_at - now - self._ahead_max_s + TOLERANCE_S
        self._due = starts_at + self._interval_s
        return 0.0
