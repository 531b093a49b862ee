"""How many lines of one kind go into the log, whatever the peers do. Pure."""

from __future__ import annotations

LINES_PER_MINUTE_MAX = 30
WINDOW_S = 60.0


class LogAllowance:
    """`unlogged` counts what was left out; whoever logs the next line says so and takes it."""

    def __init__(self, lines_per_minute_max: int = LINES_PER_MINUTE_MAX) -> None:
        self._most = lines_per_minute_max
        self._lines = 0
        self._until = 0.0
        self._unlogged = 0

    def take(self, now: float) -> bool:
        if now >= self._until:
            self._lines = 0
            self._until = now + WINDOW_S
        if self._lines >= self._most:
            self._unlogged += 1
            return False
        self._lines += 1
        return True

    def take_unlogged(self) -> int:
        unlogged, self._unlogged = self._unlogged, 0
        return unlogged
