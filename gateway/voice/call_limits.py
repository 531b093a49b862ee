"""How many calls may begin in a second, and how many may stand at once."""

from __future__ import annotations

from collections import deque
from math import ceil


class CallPace:
    """Calls per second: of any `cps` calls in a row the last comes a second after the first, so
    that a burst may come at once and no second holds more. Under one a second the time grows
    instead."""

    __slots__ = ("_starts", "_window_s", "cps")

    def __init__(self, cps: float) -> None:
        assert cps > 0
        self.cps = cps
        calls = max(1, int(cps))
        self._window_s = calls / cps
        self._starts: deque[float] = deque(maxlen=calls)

    def wait_s(self, now: float) -> float:
        """0 where a call may begin now."""
        starts = self._starts
        if len(starts) < (starts.maxlen or 0):
            return 0.0
        return max(0.0, starts[0] + self._window_s - now)

    def take(self, now: float) -> None:
        """A call begins. The caller has asked `wait_s`."""
        self._starts.append(now)


class CallLimit:
    """Of one trunk, account or gateway."""

    __slots__ = ("channels", "in_use", "pace")

    def __init__(self, channels: int, cps: float) -> None:
        self.channels = channels
        self.in_use = 0
        self.pace = CallPace(cps)

    def change(self, channels: int, cps: float) -> None:
        """Calls that stand go on, and count. A pace that is another one begins anew."""
        self.channels = channels
        if cps != self.pace.cps:
            self.pace = CallPace(cps)

    @property
    def is_full(self) -> bool:
        return self.in_use >= self.channels

    def begin(self) -> None:
        self.in_use += 1

    def end(self) -> None:
        assert self.in_use > 0
        self.in_use -= 1


def retry_after(wait_s: float) -> str:
    """The value of Retry-After (RFC 3261 §20.33): whole seconds, one at least."""
    return str(max(1, ceil(wait_s)))
