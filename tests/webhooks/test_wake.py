"""Until a deadline, or until something happens."""

import asyncio

from gateway.clock import Clock
from gateway.webhooks.wake import Wake
from tests.support.virtual_time import virtual_time


def a_wake() -> tuple[Wake, Clock]:
    clock = Clock(asyncio.get_running_loop().time, 1_000.0)
    return Wake(clock), clock


@virtual_time
async def test_the_deadline_ends_the_wait() -> None:
    wake, clock = a_wake()
    await wake.until(1_005.0)
    assert clock.now() == 1_005.0


@virtual_time
async def test_what_happens_ends_it_before() -> None:
    wake, clock = a_wake()
    asyncio.get_running_loop().call_later(2, wake.set)
    await wake.until(1_005.0)
    assert clock.now() == 1_002.0


@virtual_time
async def test_without_a_deadline_only_what_happens_ends_it() -> None:
    wake, clock = a_wake()
    asyncio.get_running_loop().call_later(3_600, wake.set)
    await wake.until(None)
    assert clock.now() == 4_600.0


@virtual_time
async def test_what_has_happened_before_counts_until_it_is_cleared() -> None:
    wake, clock = a_wake()
    wake.set()
    await wake.until(1_005.0)
    assert clock.now() == 1_000.0
    wake.clear()
    await wake.until(1_005.0)
    assert clock.now() == 1_005.0
