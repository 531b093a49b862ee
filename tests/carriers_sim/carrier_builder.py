"""A carrier in memory, with a customer bound to it, in two lines of a test."""

from __future__ import annotations

import asyncio

import msgspec

from carriers_sim.behaviour import Behaviour
from carriers_sim.config import CarrierConfig, InterfaceVersion, SimulatorConfig
from carriers_sim.handset_traffic import HandsetTraffic
from carriers_sim.recorder import Expectations
from carriers_sim.simulator import Simulator
from carriers_sim.smsc import Smsc
from carriers_sim.timeline import Change
from gateway.clock import Clock
from tests.carriers_sim.customer import Customer
from tests.support.memory_network import MemoryNetwork

WALL = 1_700_000_000.0


class World:
    """Carriers in memory under one clock."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.clock = Clock(asyncio.get_running_loop().time, WALL)
        self.network = MemoryNetwork()
        self.simulator = Simulator(config, network=self.network, clock=self.clock)

    @property
    def smsc(self) -> Smsc:
        return self.simulator["alpha"]

    async def customer(self, carrier: str = "alpha", response_s: float = 10.0) -> Customer:
        """Connected, not bound."""
        port = self.simulator[carrier].port
        return await Customer(self.clock).connect(self.network, port, response_s)

    async def bound(self, carrier: str = "alpha", response_s: float = 10.0) -> Customer:
        customer = await self.customer(carrier, response_s)
        await customer.bind()
        return customer


def behaviour(**keys: object) -> Behaviour:
    """As TOML writes it; receipts come a second after the response unless the test says more."""
    receipts = {"delay_s": 1.0}
    given = keys.pop("receipts", {})
    assert isinstance(given, dict)
    return msgspec.convert({**keys, "receipts": receipts | given}, Behaviour)


async def world(
    carriers: tuple[str, ...] = ("alpha",),
    expectations: Expectations = Expectations(),  # noqa: B008 - frozen
    keep: int = 1_000,
    seed: int = 1,
    deliver_attempts_max: int = 5,
    version: str = "3.4",
    timeline: tuple[Change, ...] = (),
    handsets: HandsetTraffic | None = None,
    **keys: object,
) -> World:
    """Carriers that listen, all with the behaviour that `keys` gives."""
    config = SimulatorConfig(
        carriers=tuple(
            CarrierConfig(
                name=name,
                port=27751 + index,
                behaviour=behaviour(**keys),
                deliver_attempts_max=deliver_attempts_max,
                version=InterfaceVersion(version),
                timeline=timeline,
                handsets=handsets,
            )
            for index, name in enumerate(carriers)
        ),
        seed=seed,
        keep=keep,
        expectations=expectations,
    )
    made = World(config)
    await made.simulator.start()
    return made
