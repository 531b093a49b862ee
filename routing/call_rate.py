"""How fast a trunk takes calls: a call cannot wait for its turn as a message does."""

from __future__ import annotations

from collections import deque

from routing.learnt_rate import LearntRate


class CallRate(LearntRate):
    """Of any `tps` calls in a row the last comes a second after the first: a burst may come at
    once, and no second holds more than the contract. Under one a second the time grows instead."""

    __slots__ = ("_starts",)

    def __init__(self, tps: float) -> None:
        super().__init__(tps)
        self._starts: deque[float] = deque(maxlen=max(1, int(tps)))

    def submitted(self, at: float) -> None:
        if self.fraction < 1.0:
            self.settle(at)
        starts = self._starts
        starts.append(at)
        calls = max(1, int(self.tps))
        if len(starts) >= calls:
            self.token_at = starts[-calls] + calls / self.tps
