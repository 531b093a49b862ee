"""Waiting for the next deadline, or for something that happens before."""

from __future__ import annotations

import asyncio

from gateway.clock import Clock


class Wake:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = asyncio.Event()

    def set(self) -> None:
        """Something has happened."""
        self._event.set()

    def clear(self) -> None:
        """From now on, only what happens anew counts."""
        self._event.clear()

    async def until(self, deadline: float | None) -> None:
        """Return at the deadline, or once something has happened; None: no deadline."""
        when = None if deadline is None else self._clock.to_monotonic(deadline)
        try:
            async with asyncio.timeout_at(when):
                await self._event.wait()
        except TimeoutError:
            return
