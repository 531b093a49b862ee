"""How many lines go into the log for what peers do wrong, however much of it they do."""

from __future__ import annotations

import logging

LINES_PER_MINUTE_MAX = 30
WINDOW_S = 60.0


class BoundedLog:
    """`unlogged` of a line is how many were left out since the one before it."""

    def __init__(
        self, log: logging.Logger, lines_per_minute_max: int = LINES_PER_MINUTE_MAX
    ) -> None:
        self._log = log
        self._most = lines_per_minute_max
        self._lines = 0
        self._until = 0.0
        self._unlogged = 0

    def say(self, now: float, event: str, **facts: str) -> None:
        if now >= self._until:
            self._lines = 0
            self._until = now + WINDOW_S
        if self._lines >= self._most:
            self._unlogged += 1
            return
        self._lines += 1
        unlogged, self._unlogged = self._unlogged, 0
        self._log.warning(event, extra={**facts, "unlogged": unlogged})
