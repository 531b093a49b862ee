"""Makes the trouble of a scenario: at times, in places and of kinds that its seed draws."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from msgspec.structs import replace

from carriers_sim.behaviour import Behaviour
from carriers_sim.delay import Lognormal, Weights
from carriers_sim.dlr_schedule import ReceiptBehaviour
from carriers_sim.simulator import Simulator
from carriers_sim.throttle import Throttle
from tests.sim.cast import HEALTHY
from tests.sim.scenario import Scenario
from tests.support.memory_network import MemoryNetwork

MOOD_S = 60.0


class Trouble:
    """`crash` and `restart` replace the gateway's process and return when the next one runs."""

    def __init__(
        self,
        scenario: Scenario,
        simulator: Simulator,
        network: MemoryNetwork,
        random: Random,
        crash: Callable[[], Awaitable[None]],
        restart: Callable[[], Awaitable[None]],
        fail_disk: Callable[[], Awaitable[None]],
    ) -> None:
        self._scenario = scenario
        self._simulator = simulator
        self._network = network
        self._random = random
        self._crash = crash
        self._restart = restart
        self._fail_disk = fail_disk

    async def run(self) -> None:
        """All the trouble; it ends in time, and carriers are well again."""
        scenario = self._scenario
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._at_times(scenario.cuts, self._cut))
            tasks.create_task(self._at_times(scenario.freezes, self._freeze))
            for carrier in HEALTHY:
                tasks.create_task(self._moods(carrier))
            tasks.create_task(self._outages())
            tasks.create_task(self._disk_failures())
            tasks.create_task(self._ends_of_the_process())
        for carrier, healthy in HEALTHY.items():
            self._simulator[carrier].set_behaviour(healthy)

    def _times(self, number: int) -> list[float]:
        """That many moments, as pauses between them."""
        moments = sorted(self._random.uniform(0, self._scenario.duration_s) for _ in range(number))
        return [after - before for before, after in zip([0.0, *moments], moments, strict=False)]

    async def _at_times(self, number: int, act: Callable[[], None]) -> None:
        for pause_s in self._times(number):
            await asyncio.sleep(pause_s)
            act()

    async def _ends_of_the_process(self) -> None:
        ends = [self._crash] * self._scenario.crashes + [self._restart] * self._scenario.restarts
        self._random.shuffle(ends)
        for pause_s, end in zip(self._times(len(ends)), ends, strict=True):
            await asyncio.sleep(pause_s)
            await end()

    async def _disk_failures(self) -> None:
        for pause_s in self._times(self._scenario.disk_failures):
            await asyncio.sleep(pause_s)
            await self._fail_disk()

    async def _outages(self) -> None:
        random = self._random
        for pause_s in self._times(self._scenario.outages):
            await asyncio.sleep(pause_s)
            smsc = self._simulator[random.choice(tuple(HEALTHY))]
            kind = random.random()
            if kind < 0.2:
                await self._simulator.stop()
                await asyncio.sleep(random.uniform(1.0, 300.0))
                await self._simulator.start()
            elif kind < 0.6:
                await smsc.stop()
                await asyncio.sleep(random.uniform(1.0, 120.0))
                await smsc.start()
            else:
                smsc.set_behaviour(
                    replace(
                        smsc.behaviour,
                        bind_status=random.choice(("ESME_RBINDFAIL", "ESME_RALYBND")),
                    )
                )
                smsc.drop_connections()
                await asyncio.sleep(random.uniform(1.0, 60.0))
                smsc.set_behaviour(replace(smsc.behaviour, bind_status="ESME_ROK"))

    def _cut(self) -> None:
        wires = list(self._network.wires.values())
        if wires:
            self._random.choice(wires).cut(octets_lost=self._random.random() < 0.5)

    def _freeze(self) -> None:
        wires = list(self._network.wires.values())
        if wires:
            self._random.choice(wires).freeze()

    # Carriers

    async def _moods(self, carrier: str) -> None:
        """A carrier changes now and then."""
        random, smsc = self._random, self._simulator[carrier]
        for pause_s in self._times(round(self._scenario.duration_s / MOOD_S)):
            mood = HEALTHY[carrier] if random.random() < 0.3 else self._mood(HEALTHY[carrier])
            smsc.set_behaviour(replace(mood, bind_status=smsc.behaviour.bind_status))
            await asyncio.sleep(pause_s)

    def _mood(self, healthy: Behaviour) -> Behaviour:
        random, scenario = self._random, self._scenario
        behaviour = healthy
        if scenario.refusals:
            behaviour = replace(behaviour, submit=_refusals(random))
        if scenario.throttling and random.random() < 0.5:
            throttle = Throttle(
                segments_per_s=random.uniform(1.0, 20.0),
                penalty_s=random.choice((0.0, 0.0, 2.0, 5.0)),
            )
            behaviour = replace(behaviour, throttle=throttle)
        if scenario.throttling and random.random() < 0.2:
            behaviour = replace(behaviour, queue_max=random.randint(1, 10))
        if scenario.lost_answers:
            behaviour = replace(
                behaviour,
                unanswered=random.choice((0.0, 0.02, 0.3)),
                drop=random.choice((0.0, 0.02, 0.1)),
                response_delay_s=random.choice(
                    (
                        behaviour.response_delay_s,
                        (0.0, 1.0),
                        Lognormal(median_s=0.5, sigma=2.0, max_s=40.0),
                    )
                ),
            )
        if scenario.strange_receipts:
            behaviour = replace(behaviour, receipts=_strange(random, behaviour.receipts))
        return behaviour


def _refusals(random: Random) -> Weights:
    return {
        "ESME_ROK": random.choice((0.0, 1.0, 10.0, 10.0)),
        "ESME_RTHROTTLED": random.choice((0.0, 1.0)),
        "ESME_RMSGQFUL": random.choice((0.0, 0.5)),
        "ESME_RSYSERR": random.choice((0.0, 1.0, 5.0)),
        "ESME_RSUBMITFAIL": 0.3,
        "ESME_RINVDSTADR": 0.3,
        "0x0410": 0.3,
    }


def _strange(random: Random, usual: ReceiptBehaviour) -> ReceiptBehaviour:
    return replace(
        usual,
        outcomes={
            "DELIVRD": 10.0,
            "UNDELIV": 2.0,
            "EXPIRED": 1.0,
            "REJECTD": 1.0,
            "DELETED": 0.5,
            "ENROUTE+DELIVRD": 1.0,
            "ACCEPTD+DELIVRD": 1.0,
            "DELIVRD+UNDELIV": 1.0,
            "UNDELIV+DELIVRD": 1.0,
            "NONE": 0.5,
        },
        delay_s=random.choice(((0.0, 0.5), (0.2, 30.0), (10.0, 400.0))),
        before_response=random.choice((0.0, 0.2)),
        duplicated=random.choice((0.0, 0.3)),
        missing=random.choice((0.0, 0.05)),
    )
