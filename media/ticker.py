"""One timer for all that plays, listens and records: none while nothing does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

TICK_S = 0.010


class Ticker:
    """Calls each of those that are `add`ed every TICK_S, until it is discarded."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._ticked: dict[Callable[[float], object], None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def add(self, tick: Callable[[float], object]) -> None:
        self._ticked[tick] = None
        if self._timer is None:
            self._due = self._now()
            self._tick()

    def discard(self, tick: Callable[[float], object]) -> None:
        self._ticked.pop(tick, None)

    def _tick(self) -> None:
        now = self._now()
        for tick in list(self._ticked):
            tick(now)
        self._timer = None
        if self._ticked:
            # Late ones are not made up for: those who are ticked know what is due.
            self._due = max(self._due + TICK_S, now)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._due - now, self._tick)
