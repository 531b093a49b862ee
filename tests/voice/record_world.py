"""The records of calls over a real store, and what they tell on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.call import CallEvent
from gateway.clock import Clock
from gateway.store.call_store import CallLimits, CallStore
from gateway.voice.call_records import CallRecords
from tests.store.call_builders import NOON


class World:
    def __init__(self, path: Path, wall_now: float = NOON) -> None:
        loop = asyncio.get_running_loop()
        # By so much the clock is ahead of the loop.
        self.skipped_s = 0.0
        self.clock = Clock(lambda: loop.time() + self.skipped_s, wall_now)
        self.store = CallStore(path, CallLimits(), self.clock)
        self.records = CallRecords(self.store, self.clock)
        self.told: list[CallEvent] = []
        self._heard = asyncio.Event()
        self.records.subscribe(self._on_event)

    def _on_event(self, event: CallEvent) -> None:
        self.told.append(event)
        self._heard.set()

    async def until_told(self, count: int) -> None:
        while len(self.told) < count:
            self._heard.clear()
            await self._heard.wait()


@asynccontextmanager
async def a_world(path: Path, wall_now: float = NOON) -> AsyncIterator[World]:
    world = World(path, wall_now)
    try:
        yield world
    finally:
        await world.store.close()
