"""What goes wrong during a soak, and when: drawn from the seed, each kind by itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from carriers_sim.smsc import Smsc
from tests.soak.moods import CALM, mood
from tests.soak.scene import MORTAL, Scene

MOOD_S = (5.0, 25.0)
BETWEEN_CUTS_S = (15.0, 60.0)
BETWEEN_OUTAGES_S = (60.0, 180.0)
OUTAGE_S = (2.0, 15.0)
# An endpoint is dead for minutes, where the run is long enough.
BETWEEN_DEATHS_S = (20.0, 90.0)
DEATH_S = (10.0, 180.0)
DEATH_SHARE_MAX = 0.1
LOOK_S = 0.05


class Troubles:
    """`interruptions` are the times (Unix seconds) at which connections to carriers were lost, or
    a moment before, kills not included; `counts` has how often each thing went wrong."""

    def __init__(self, scene: Scene, rate: float, duration_s: float, random: Random) -> None:
        self.interruptions: list[float] = []
        self.counts: Counter[str] = Counter()
        self._scene = scene
        self._rate = rate
        self._duration_s = duration_s
        self._random = random

    @asynccontextmanager
    async def happening(self) -> AsyncIterator[None]:
        """All is well before, and again when the context is left."""
        carriers = list(self._scene.carriers.smscs.values())
        async with asyncio.TaskGroup() as tasks:
            under_way = [
                tasks.create_task(trouble)
                for trouble in (
                    *(self._moods(carrier) for carrier in carriers),
                    self._cuts(carriers),
                    self._outages(carriers),
                    self._deaths(),
                    self._watch(carriers),
                )
            ]
            try:
                yield
            finally:
                for task in under_way:
                    task.cancel()
        for carrier in carriers:
            carrier.set_behaviour(CALM)

    async def _sleep(self, between_s: tuple[float, float]) -> None:
        await asyncio.sleep(self._random.uniform(*between_s))

    async def _moods(self, carrier: Smsc) -> None:
        while True:
            await self._sleep(MOOD_S)
            name, behaviour = mood(self._rate, self._random)
            self.counts[name] += 1
            carrier.set_behaviour(behaviour)

    async def _cuts(self, carriers: list[Smsc]) -> None:
        while True:
            await self._sleep(BETWEEN_CUTS_S)
            self._interrupted("cuts")
            self._random.choice(carriers).drop_connections()

    async def _outages(self, carriers: list[Smsc]) -> None:
        while True:
            await self._sleep(BETWEEN_OUTAGES_S)
            carrier = self._random.choice(carriers)
            self._interrupted("outages of a carrier")
            await carrier.stop()
            try:
                await self._sleep(OUTAGE_S)
            finally:
                await carrier.start()

    async def _deaths(self) -> None:
        """Of an endpoint: it answers 500, or nobody is there."""
        server = self._scene.servers[MORTAL]
        longest_s = min(DEATH_S[1], DEATH_SHARE_MAX * self._duration_s)
        while True:
            await self._sleep(BETWEEN_DEATHS_S)
            self.counts["deaths of an endpoint"] += 1
            if self._random.random() < 0.5:
                server.broken = True
            else:
                await server.close()
            try:
                await self._sleep((min(DEATH_S[0], longest_s), longest_s))
            finally:
                if server.broken:
                    server.broken = False
                else:
                    await server.open()

    async def _watch(self, carriers: list[Smsc]) -> None:
        """Note when a mood has cut a connection."""
        recorder = self._scene.carriers.recorder
        before, looked_at = 0, time.time()
        while True:
            await asyncio.sleep(LOOK_S)
            dropped = sum(recorder.counts(carrier.name).dropped for carrier in carriers)
            if dropped > before:
                self.counts["messages cut off"] += dropped - before
                self.interruptions.append(looked_at)
            before, looked_at = dropped, time.time()

    def _interrupted(self, what: str) -> None:
        self.counts[what] += 1
        self.interruptions.append(time.time())
