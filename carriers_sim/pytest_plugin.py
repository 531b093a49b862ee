"""Fixtures for any test suite that talks SMPP or SIP to a carrier.

pytest loads this wherever the package is installed, so it imports nothing but pytest until a test
asks for a fixture. The carriers run on a thread of their own, on free ports of 127.0.0.1, and so
serve tests of any kind: plain, asyncio, or of a program in another process. A test that wants the
carriers inside its own event loop says `async with carriers_sim.simulator.Simulator(config)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from carriers_sim.background import BackgroundSimulator, BackgroundSipCarrier, BackgroundSmsc


@pytest.fixture
def carriers_sim() -> Iterator[BackgroundSimulator]:
    """Three healthy carriers, `alpha`, `bravo` and `charlie`: `carriers_sim["alpha"].port`.

    They share one recorder, so that a message that two of them got is a violation.
    """
    from carriers_sim.background import BackgroundSimulator
    from carriers_sim.config import CarrierConfig, SimulatorConfig

    names = ("alpha", "bravo", "charlie")
    config = SimulatorConfig(carriers=tuple(CarrierConfig(name=name) for name in names))
    with BackgroundSimulator(config) as simulator:
        yield simulator


@pytest.fixture
def smsc_factory() -> Iterator[Callable[..., BackgroundSmsc]]:
    """A function that starts a carrier of its own each time it is called.

    Its arguments are the keys of a `[[carriers]]` table, and `seed`:
    `smsc_factory(behaviour={"unanswered": 0.1}, seed=7)`.
    """
    import msgspec

    from carriers_sim.background import BackgroundSimulator
    from carriers_sim.config import SimulatorConfig

    with ExitStack() as started:

        def start(seed: int = 1, **keys: object) -> BackgroundSmsc:
            carrier = {"name": "smsc"} | keys
            config = msgspec.convert({"seed": seed, "carriers": [carrier]}, SimulatorConfig)
            return started.enter_context(BackgroundSimulator(config))[str(carrier["name"])]

        yield start


@pytest.fixture
def sip_carrier_factory() -> Iterator[Callable[..., BackgroundSipCarrier]]:
    """A function that starts a carrier for calls of its own each time it is called.

    Its arguments are the keys of a `[[sip_carrier]]` table, and `seed`:
    `sip_carrier_factory(behaviour={"outcomes": {"200": 9, "503": 1}}, seed=7)`.
    """
    import msgspec

    from carriers_sim.background import BackgroundSimulator
    from carriers_sim.config import SimulatorConfig

    with ExitStack() as started:

        def start(seed: int = 1, **keys: object) -> BackgroundSipCarrier:
            carrier = {"name": "carrier"} | keys
            config = msgspec.convert({"seed": seed, "sip_carrier": [carrier]}, SimulatorConfig)
            simulator = started.enter_context(BackgroundSimulator(config))
            return simulator.sip_carrier(str(carrier["name"]))

        yield start
