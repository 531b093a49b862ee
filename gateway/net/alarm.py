"""One timer of the loop, for whoever keeps its own deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.clock import Clock


class Alarm:
    """Calls back at `at`, the earliest time that was asked for since it last did."""

    def __init__(self, clock: Clock, callback: Callable[[], None]) -> None:
        self._clock = clock
        self._callback = callback
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self.at = float("inf")

    def set(self, when: float | None) -> None:
        """Ring at `when`, if not before."""
        if when is None or when >= self.at:
            return
        if self._handle:
            self._handle.cancel()
        self.at = when
        self._handle = self._loop.call_at(self._clock.to_monotonic(when), self._ring)

    def cancel(self) -> None:
        if self._handle:
            self._handle.cancel()
        self._handle, self.at = None, float("inf")

    def _ring(self) -> None:
        self._handle, self.at = None, float("inf")
        self._callback()
