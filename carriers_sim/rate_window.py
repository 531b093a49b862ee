"""The highest rate that was seen in any one second."""

from __future__ import annotations

from collections import deque

WINDOW_S = 1.0


class RateWindow:
    """A sliding window, half open: what came exactly its length ago has left."""

    __slots__ = ("_in_window", "_length_s", "_sum", "peak")

    def __init__(self, length_s: float = WINDOW_S) -> None:
        self._length_s = length_s
        self._in_window: deque[tuple[float, int]] = deque()
        self._sum = 0
        self.peak = 0

    def add(self, segments: int, now: float) -> bool:
        """Count them; true where the peak has risen."""
        in_window = self._in_window
        in_window.append((now, segments))
        self._sum += segments
        while in_window[0][0] <= now - self._length_s:
            self._sum -= in_window.popleft()[1]
        if self._sum <= self.peak:
            return False
        self.peak = self._sum
        return True
