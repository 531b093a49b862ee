"""Segments-per-second limiting as arithmetic on the caller's clock (GCRA)."""

from __future__ import annotations

JITTER_S = 0.010


class MpsLimiter:
    """Lets at most `mps` segments pass in any half-open second, evenly spread.

    The state is one float: the theoretical arrival time of the next segment (TAT). A segment may
    pass once `now` is not over JITTER_S before it, so that a late timer is made good instead of
    lost. The spacing is stretched by as much: (1 + JITTER_S) / mps. Then floor((1 + JITTER_S) /
    spacing) = mps is the most that any second can hold, and `mps` segments a second is the
    promise that the carrier can rely on.
    """

    __slots__ = ("_next_at", "_spacing")

    def __init__(self, mps: float) -> None:
        assert mps > 0
        self._spacing = (1 + JITTER_S) / mps
        self._next_at = 0.0

    @property
    def idle_at(self) -> float:
        """From when on it remembers nothing, so that a new limiter would let pass the same."""
        return self._next_at

    def after(self, now: float, segments: int) -> float:
        """When so many segments have passed, and the next may, if all go as fast as they may."""
        return max(now, self._next_at) + segments * self._spacing

    def ready_at(self, now: float) -> float:
        """When the next segment may pass: `now` if it may pass at once."""
        return max(now, self._next_at - JITTER_S)

    def take(self, now: float, segments: int = 1) -> None:
        """Let one segment pass, or several at once: the next waits for all of them. The caller has
        checked `ready_at`."""
        assert now >= self._next_at - JITTER_S - 1e-6, "take() before ready_at()"
        self._next_at = max(now, self._next_at) + segments * self._spacing
