"""The whole gateway in virtual time: its promises are kept, whatever happens around it.

Five seeds, and fewer in `make test`. `make sim SEED=123` runs another, and `SIM_SEEDS=200` so many.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sim.audit import audit
from tests.sim.evidence import Evidence
from tests.sim.scenario import Scenario
from tests.sim.world import World
from tests.support.virtual_time import virtual_time

FIRST_SEED = int(os.environ.get("SIM_SEED", "1"))
SEEDS = int(os.environ.get("SIM_SEEDS", "5"))
SHOWN_MAX = 20

pytestmark = pytest.mark.sim


async def lived(scenario: Scenario, directory: Path) -> World:
    """The world of a scenario after its end; what it broke fails the test."""
    world = World(scenario, directory)
    try:
        await world.run()
        broken = audit(world)
    except Exception as error:
        error.add_note(f"{scenario}\n{how_to_repeat(scenario)}")
        raise
    if broken:
        shown = "\n".join(broken[:SHOWN_MAX])
        pytest.fail(
            f"{len(broken)} broken promises:\n{shown}\n\n{scenario}\n{how_to_repeat(scenario)}",
            pytrace=False,
        )
    return world


def how_to_repeat(scenario: Scenario) -> str:
    return f"to repeat it: make sim SEED={scenario.seed}"


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
@virtual_time
async def test_all_promises_are_kept(seed: int, tmp_path: Path) -> None:
    await lived(Scenario.drawn(seed), tmp_path)


@virtual_time
async def test_without_trouble_each_part_goes_out_once(tmp_path: Path) -> None:
    world = await lived(Scenario(FIRST_SEED, duration_s=600.0), tmp_path)
    assert Evidence(world).repeated == []


@virtual_time
async def test_restarts_in_good_order_send_nothing_twice(tmp_path: Path) -> None:
    world = await lived(Scenario(FIRST_SEED, duration_s=600.0, restarts=5), tmp_path)
    assert Evidence(world).repeated == []


@virtual_time
async def test_what_carriers_refuse_for_now_they_take_once(tmp_path: Path) -> None:
    scenario = Scenario(FIRST_SEED, duration_s=600.0, throttling=True, inbound=False)
    world = await lived(scenario, tmp_path)
    assert world.simulator.violations == []
    assert any(attempt.status for attempt in world.wiretap.attempts)


def test_a_seed_repeats_to_the_octet(tmp_path: Path) -> None:
    scenario = Scenario(
        FIRST_SEED, duration_s=300.0, crashes=2, cuts=5, jitter=True, lost_answers=True
    )

    @virtual_time
    async def digest(name: str) -> str:
        return (await lived(scenario, tmp_path / name)).wiretap.digest

    assert digest("first") == digest("second")
