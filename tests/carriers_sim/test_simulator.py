import asyncio
from typing import Any

import pytest

from carriers_sim.config import CarrierConfig, SimulatorConfig
from carriers_sim.simulator import Simulator
from carriers_sim.violations import Invariant
from gateway.net.errors import ListenError
from tests.carriers_sim.carrier_builder import World, world
from tests.carriers_sim.customer import submit_sm
from tests.support.virtual_time import virtual_time

LIVELY: dict[str, Any] = {
    "response_delay_s": {"median_s": 0.05, "sigma": 1.0},
    "submit": {"ESME_ROK": 8, "ESME_RTHROTTLED": 1, "0x0410": 1},
    "unanswered": 0.05,
    "id_format": "uuid",
    "receipts": {
        "outcomes": {"DELIVRD": 6, "UNDELIV": 2, "ACCEPTD+DELIVRD": 1, "NONE": 1},
        "delay_s": [0.0, 5.0],
        "duplicated": 0.1,
        "before_response": 0.1,
    },
}


def trace(seed: int) -> list[str]:
    """All that one customer of a lively carrier sees of 200 messages."""

    @virtual_time
    async def seen() -> list[str]:
        customer = await (await world(seed=seed, **LIVELY)).bound(response_s=0.0)
        for number in range(200):
            customer.send(submit_sm(text=f"#{number}".encode()))
            await asyncio.sleep(0.01)
        await asyncio.sleep(60)
        return customer.trace

    return seen()


def test_the_same_seed_gives_the_same_trace() -> None:
    assert trace(7) == trace(7)


def test_another_seed_gives_another_trace() -> None:
    assert trace(7) != trace(8)


@virtual_time
async def test_a_message_that_two_carriers_got_is_a_violation() -> None:
    two = await world(carriers=("alpha", "bravo"))
    for carrier in ("alpha", "bravo"):
        await (await two.bound(carrier)).send(submit_sm())
    assert [entry.invariant for entry in two.simulator.violations] == [Invariant.DUPLICATE]
    assert two.simulator.violation_counts == {"DUPLICATE": 1}


@virtual_time
async def test_carriers_do_not_share_their_messages() -> None:
    two = await world(carriers=("alpha", "bravo"))
    await (await two.bound("bravo")).send(submit_sm())
    assert two.simulator["alpha"].messages == []
    assert len(two.simulator["bravo"].messages) == 1


@virtual_time
async def test_ids_begin_where_they_are_told() -> None:
    config = SimulatorConfig(carriers=(CarrierConfig(name="alpha", port=1),))
    alpha = World(config)
    alpha.simulator = Simulator(config, network=alpha.network, clock=alpha.clock, first_id=5_000)
    await alpha.simulator.start()
    answered = await (await alpha.bound()).send(submit_sm())
    assert answered.message_id == "0000005000"


@pytest.mark.e2e
async def test_a_port_that_is_taken_leaves_no_other_open() -> None:
    async with Simulator(SimulatorConfig(carriers=(CarrierConfig(name="a"),))) as first:
        taken = first["a"].port
        second = Simulator(
            SimulatorConfig(
                carriers=(CarrierConfig(name="free"), CarrierConfig(name="taken", port=taken))
            )
        )
        with pytest.raises(ListenError, match=f"cannot listen on 127.0.0.1:{taken}"):
            await second.start()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", second["free"].port)
