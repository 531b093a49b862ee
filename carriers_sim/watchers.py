"""Tests that wait until something has happened at a carrier."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Watchers:
    """Told of each event; looks at each condition again."""

    def __init__(self, carrier: str) -> None:
        self._carrier = carrier
        self._waiting: list[asyncio.Future[None]] = []

    async def wait_until(
        self, condition: Callable[[], bool], timeout_s: float, progress: Callable[[], str]
    ) -> None:
        """Raises TimeoutError, which says how far it came."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    watcher = asyncio.get_running_loop().create_future()
                    self._waiting.append(watcher)
                    await watcher
        except TimeoutError:
            raise TimeoutError(f"{self._carrier}: {progress()} within {timeout_s:g} s") from None

    def tell(self) -> None:
        """Something has happened."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for watcher in waiting:
            if not watcher.done():
                watcher.set_result(None)
