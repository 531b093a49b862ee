"""How often a customer knocks at a carrier's door in vain (CLI-4; 5.0 §2.8.1)."""

from __future__ import annotations

from collections import deque

WINDOW_S = 60.0


class BindAttempts:
    """Those of one kind at one carrier, in a sliding minute."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: deque[float] = deque()

    def add(self, now: float) -> bool:
        """Count one; true where there were too many, which starts the count anew."""
        times = self._times
        times.append(now)
        while times[0] <= now - WINDOW_S:
            times.popleft()
        if len(times) <= self._most:
            return False
        times.clear()
        return True

    def clear(self) -> None:
        self._times.clear()
