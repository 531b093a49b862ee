"""The soak itself: traffic and troubles for a while, then peace, a drain, and the reckoning."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.e2e.kill_loop import all_stored, flaws, handsets, settled
from tests.e2e.kill_loop_audit import Evidence, Verdict, audit
from tests.e2e.site import CARRIERS
from tests.soak.measurements import MIB, Bounds, Measurements, sample
from tests.soak.moods import LATE_S
from tests.soak.scene import BINDS, ESME_AWAY_S, QUEUE, WINDOW, Scene, a_scene
from tests.soak.troubles import Troubles

PROGRESS_S = 10.0
SAMPLE_S = 2.0
KILL_EVERY_S = 60.0
# In the last part of the time nothing is killed, so that one life is long enough to be measured.
LAST_LIFE_SHARE = 0.25
KILLS_MIN = 4
HANDSET_PAUSE_S = 0.5
# In flight at one interruption: all windows, and the answers of one commit.
IN_FLIGHT = len(CARRIERS) * BINDS * WINDOW + 20
COMMIT_S = 2.0
# After peace: what waits for an answer or a receipt, then for an endpoint's next attempt.
SETTLE_S = sum(QUEUE.values()) + ESME_AWAY_S[1] + 300.0


@dataclass(slots=True)
class Result:
    """`complaints` says what was wrong, a line each; the rest is for the table."""

    seed: int
    complaints: list[str] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)


class Soak:
    def __init__(
        self,
        scene: Scene,
        duration_s: float,
        rate: float,
        random: Random,
        tell: Callable[[str], None],
    ) -> None:
        self._scene = scene
        self._duration_s = duration_s
        self._random = random
        self._tell = tell
        self._troubles = Troubles(scene, rate, duration_s, random)
        self._measurements = Measurements()
        self._kills: list[float] = []
        self._began = time.monotonic()
        self._born = self._began

    async def run(self, seed: int) -> Result:
        scene = self._scene
        self._measurements.begin()
        async with self._watched():
            async with scene.customers.present():
                async with (
                    handsets(scene.carriers[CARRIERS[0]], scene.ledger, HANDSET_PAUSE_S),
                    self._troubles.happening(),
                ):
                    await self._kill()
                scene.customers.stop_asking()
                self._tell("peace: everything is to come to its end now")
                over = await settled(scene.daemon, scene.ledger, SETTLE_S)
            stored = await all_stored(scene.rest)
        code = await scene.daemon.stop()
        verdict = audit(
            Evidence(
                scene.ledger,
                scene.carriers.recorder.messages,
                stored,
                sorted(self._kills + self._troubles.interruptions),
                window=IN_FLIGHT,
                in_flight_s=LATE_S + COMMIT_S,
                unsigned=sum(server.unsigned for server in scene.servers.values()),
                forgets=True,
            )
        )
        result = self._result(seed, verdict, over, code)
        result.complaints += await flaws(scene.store)
        return result

    async def _kill(self) -> None:
        """Until the time is over; the last life is the longest."""
        until = self._began + self._duration_s
        quiet_from = until - LAST_LIFE_SHARE * self._duration_s
        every_s = min(KILL_EVERY_S, (quiet_from - self._began) / KILLS_MIN)
        while True:
            pause_s = every_s * self._random.uniform(0.7, 1.3)
            if time.monotonic() + pause_s > quiet_from:
                break
            await asyncio.sleep(pause_s)
            self._kills.append(time.time())
            await self._scene.daemon.kill()
            self._measurements.begin()
            await self._scene.daemon.start()
            self._born = time.monotonic()
        await asyncio.sleep(until - time.monotonic())

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        told = 0.0
        while True:
            await asyncio.sleep(SAMPLE_S)
            now = time.monotonic()
            daemon = self._scene.daemon
            taken = (
                sample(daemon.pid, self._scene.store, now - self._born) if daemon.running else None
            )
            if taken:
                self._measurements.add(taken)
            if now - told >= PROGRESS_S:
                told = now
                self._tell(self._progress(now))

    def _progress(self, now: float) -> str:
        ledger, last = self._scene.ledger, self._measurements.last
        line = (
            f"{now - self._began:5.0f} s  accepted {len(ledger.accepted):,}"
            f"  untold {len(ledger.untold):,}  kills {len(self._kills)}"
            f"  lost connections {len(self._troubles.interruptions)}"
        )
        if last:
            line += (
                f"  rss {last.rss // MIB} MiB  descriptors {last.descriptors}"
                f"  files {last.files}  {last.octets / MIB:.1f} MiB"
            )
        return line

    def _result(self, seed: int, verdict: Verdict, over: bool, code: int) -> Result:
        bounds = Bounds()
        result = Result(seed)
        if not over:
            result.complaints.append(f"not settled within {SETTLE_S:g} s")
        if code:
            result.complaints.append(f"the last daemon ended with {code}")
        for promise, count in verdict.broken.items():
            examples = "; ".join(verdict.examples[promise])
            result.complaints.append(f"broken {count} times: {promise}: {examples}")
        result.complaints += self._measurements.growth(bounds)
        last = self._measurements.last
        assert last is not None
        result.figures = (
            {name: f"{count:,}" for name, count in verdict.figures.items()}
            | {"kills": f"{len(self._kills):,}"}
            | {name: f"{count:,}" for name, count in sorted(self._troubles.counts.items())}
            | {
                "answers said twice": f"{sum(wire.echoes for wire in self._scene.wires):,}",
                "memory at the end": f"{last.rss / MIB:.0f} MiB",
                "memory grows": f"{self._measurements.slope(bounds):.2f} MiB a minute",
                "descriptors at the end": f"{last.descriptors}",
                "store at the end": f"{last.files} files, {last.octets / MIB:.1f} MiB",
            }
            | {f"refused: {answer}": f"{n:,}" for answer, n in self._scene.ledger.refusals.items()}
        )
        return result


async def soak(
    directory: Path, duration_s: float, rate: float, seed: int, tell: Callable[[str], None]
) -> Result:
    random = Random(seed)
    async with a_scene(directory, rate, random) as scene:
        return await Soak(scene, duration_s, rate, random, tell).run(seed)
