"""One timer for whoever keeps deadlines."""

import asyncio

import uvloop

from gateway.clock import Clock
from gateway.net.alarm import Alarm
from tests.support.virtual_time import virtual_time

WALL = 1_700_000_000.0


class Bell:
    """An alarm, and when it rang."""

    def __init__(self) -> None:
        self.clock = Clock(asyncio.get_running_loop().time, WALL)
        self.rang: list[float] = []
        self.alarm = Alarm(self.clock, lambda: self.rang.append(self.clock.now() - WALL))

    def set(self, *seconds: float) -> None:
        for second in seconds:
            self.alarm.set(WALL + second)


@virtual_time
async def test_an_alarm_rings_once_at_its_time() -> None:
    bell = Bell()
    bell.set(5)
    await asyncio.sleep(60)
    assert bell.rang == [5]


@virtual_time
async def test_the_earliest_time_counts() -> None:
    bell = Bell()
    bell.set(5, 3, 4)
    await asyncio.sleep(60)
    assert bell.rang == [3]


@virtual_time
async def test_no_time_changes_nothing() -> None:
    bell = Bell()
    bell.set(5)
    bell.alarm.set(None)
    await asyncio.sleep(60)
    assert bell.rang == [5]


@virtual_time
async def test_an_alarm_that_rang_can_be_set_for_later() -> None:
    bell = Bell()
    bell.set(1)
    await asyncio.sleep(2)
    bell.set(9)
    await asyncio.sleep(60)
    assert bell.rang == [1, 9]


@virtual_time
async def test_an_alarm_can_be_set_while_it_rings() -> None:
    bell = Bell()

    def again() -> None:
        bell.rang.append(bell.clock.now() - WALL)
        if len(bell.rang) < 3:
            bell.set(2 * bell.rang[-1])

    bell.alarm = Alarm(bell.clock, again)
    bell.set(1)
    await asyncio.sleep(60)
    assert bell.rang == [1, 2, 4]


@virtual_time
async def test_a_time_that_has_passed_rings_at_once() -> None:
    bell = Bell()
    bell.set(-10)
    await asyncio.sleep(1)
    assert bell.rang == [0]


@virtual_time
async def test_a_canceled_alarm_is_silent_until_it_is_set_again() -> None:
    bell = Bell()
    bell.set(5)
    bell.alarm.cancel()
    bell.alarm.cancel()
    await asyncio.sleep(6)
    assert bell.rang == []
    bell.set(9)
    await asyncio.sleep(60)
    assert bell.rang == [9]


def test_deadlines_that_have_passed_before_they_are_set_are_met_on_uvloop() -> None:
    """uvloop's handle of such a timer does not know when it is."""

    async def overdue() -> None:
        bell = Bell()
        bell.set(-10, -20)
        await asyncio.sleep(0.05)
        assert len(bell.rang) == 1

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(overdue())
