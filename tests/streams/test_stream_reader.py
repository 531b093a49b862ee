"""The stream for one sink, in virtual time."""

import asyncio
from random import Random

import pytest

from gateway.errors import StoreError
from gateway.message import Status
from gateway.store.interface import StreamPage, StreamPosition
from gateway.streams.sink import SinkFailed, SinkForgot
from gateway.streams.stream_reader import OLDEST, PAGE, StreamReader
from tests.store.builders import NOON
from tests.streams.builders import NotingSink, StreamLedger, a_clock, running
from tests.support.virtual_time import virtual_time

HOUR = 3_600.0


class World:
    def __init__(self, ledger: StreamLedger | None = None) -> None:
        self.ledger = ledger or StreamLedger()
        self.sink = NotingSink()
        self.clock = a_clock()
        self.reader = StreamReader(
            self.sink,
            self.ledger,
            self.ledger.load_cursors().get("noting", OLDEST),
            self.clock,
            Random(1),
        )

    @property
    def behind_s(self) -> float:
        return self.reader.behind_s(self.clock.now())


@virtual_time
async def test_new_sink_is_told_all_that_the_store_has_in_its_order() -> None:
    world = World()
    world.ledger.accepts(1)
    world.ledger.accepts(2)
    world.ledger.becomes(1, 1)
    async with running(world.reader.run()):
        await asyncio.sleep(1)
    assert world.sink.told == [(1, 0), (2, 0), (1, 1)]


@virtual_time
async def test_event_of_the_bus_is_told_soon() -> None:
    world = World()
    async with running(world.reader.run()):
        await asyncio.sleep(0.5)
        world.ledger.accepts(1)
        world.reader.wake()
        await asyncio.sleep(0.1)
        assert world.sink.told == [(1, 0)]


@virtual_time
async def test_event_that_nobody_tells_of_is_found_within_a_second() -> None:
    world = World()
    async with running(world.reader.run()):
        await asyncio.sleep(0.5)
        world.ledger.accepts(1)
        await asyncio.sleep(1.1)
        assert world.sink.told == [(1, 0)]


@virtual_time
async def test_events_that_come_one_by_one_are_gathered() -> None:
    world = World()
    async with running(world.reader.run()):
        for message_id in range(1, 101):
            world.ledger.accepts(message_id)
            world.reader.wake()
            await asyncio.sleep(0.001)
        await asyncio.sleep(1)
    assert len(world.sink.told) == 100
    assert world.ledger.reads < 10


@virtual_time
async def test_cursor_is_noted_at_most_every_second() -> None:
    world = World()
    async with running(world.reader.run()):
        for message_id in range(1, 101):
            world.ledger.accepts(message_id)
            world.reader.wake()
            await asyncio.sleep(0.1)
    assert 8 <= len(world.ledger.cursors) <= 10


@virtual_time
async def test_cursor_does_not_move_while_nothing_happens() -> None:
    world = World()
    world.ledger.accepts(1)
    async with running(world.reader.run()):
        await asyncio.sleep(HOUR)
    assert len(world.ledger.cursors) == 1


@virtual_time
async def test_cursor_stands_before_a_page_that_is_not_taken() -> None:
    world = World()
    world.ledger.accepts(1)
    async with running(world.reader.run()):
        await asyncio.sleep(2)
        world.ledger.accepts(2)
        world.sink.down = True
        await asyncio.sleep(HOUR)
    await world.reader.close()
    assert world.ledger.cursor == 1


@virtual_time
async def test_last_cursor_is_noted_at_close() -> None:
    world = World()
    world.ledger.accepts(1)
    async with running(world.reader.run()):
        await asyncio.sleep(0.1)
    await world.reader.close()
    assert world.ledger.cursor == 1


@virtual_time
async def test_restart_goes_on_at_the_cursor() -> None:
    world = World()
    world.ledger.accepts(1)
    async with running(world.reader.run()):
        await asyncio.sleep(2)
    again = World(world.ledger)
    world.ledger.accepts(2)
    async with running(again.reader.run()):
        await asyncio.sleep(2)
    assert again.sink.told == [(2, 0)]


@virtual_time
async def test_no_cursor_is_noted_while_the_store_cannot_write() -> None:
    world = World()
    world.ledger.writable = False
    world.ledger.accepts(1)
    async with running(world.reader.run()):
        await asyncio.sleep(60)
        assert world.ledger.cursors == []
        world.ledger.writable = True
        await asyncio.sleep(2)
    assert world.ledger.cursor == 1


@virtual_time
async def test_sink_that_is_down_for_an_hour_is_told_everything_in_order_then() -> None:
    world = World()
    world.sink.down = True
    async with running(world.reader.run()):
        for message_id in range(1, 3_601):
            world.ledger.accepts(message_id)
            world.reader.wake()
            await asyncio.sleep(1)
        assert world.sink.told == []
        world.sink.down = False
        await asyncio.sleep(120)
    assert world.sink.told == world.ledger.names()


@virtual_time
async def test_no_more_than_a_page_is_in_memory_while_a_sink_is_away() -> None:
    world = World()
    world.sink.gate.clear()
    async with running(world.reader.run()):
        for message_id in range(1, 20 * PAGE):
            world.ledger.accepts(message_id)
        await asyncio.sleep(HOUR)
        assert world.ledger.reads == 1
        world.sink.gate.set()
        await asyncio.sleep(5)
    assert max(world.sink.pages) == PAGE
    assert world.sink.told == world.ledger.names()


@virtual_time
async def test_failing_sink_is_left_alone_for_longer_and_longer() -> None:
    world = World()
    world.ledger.accepts(1)
    world.sink.down = True
    async with running(world.reader.run()):
        await asyncio.sleep(HOUR)
    assert 50 < world.reader.failures < 80


@virtual_time
async def test_page_is_told_on_from_where_the_sink_failed() -> None:
    world = World()
    for message_id in (1, 2, 3):
        world.ledger.accepts(message_id)
    world.sink.errors = [SinkFailed("lost", taken=2)]
    async with running(world.reader.run()):
        await asyncio.sleep(5)
    assert world.sink.told == [(1, 0), (2, 0), (3, 0)]
    assert world.reader.events == 3


@virtual_time
async def test_sink_that_forgot_is_told_again_from_where_it_is_safe() -> None:
    world = World()
    world.ledger.accepts(1)

    async def take(page: StreamPage) -> StreamPosition | None:
        safe = await taking(page)
        return None if holds else safe

    taking, holds = world.sink.take, True
    world.sink.take = take  # type: ignore[method-assign]
    async with running(world.reader.run()):
        await asyncio.sleep(1.5)
        world.ledger.accepts(2)
        world.sink.errors = [SinkForgot("disk full")]
        await asyncio.sleep(5)
    assert world.sink.told == [(1, 0), (1, 0), (2, 0)]


@virtual_time
async def test_sink_that_forgets_again_and_again_is_behind_and_left_alone_for_longer() -> None:
    world = World()
    world.ledger.accepts(1)
    world.ledger.accepts(2)

    async def take(page: StreamPage) -> StreamPosition | None:
        if page.events:
            return None
        raise SinkForgot("disk full")

    world.sink.take = take  # type: ignore[method-assign]
    async with running(world.reader.run()):
        await asyncio.sleep(HOUR)
        assert world.behind_s > HOUR - 10
    assert world.reader.failures < 80


@virtual_time
async def test_sink_that_forgot_has_recovered_once_it_is_safe_again() -> None:
    world = World()
    world.ledger.accepts(1)
    world.sink.errors = [SinkForgot("disk full")]
    async with running(world.reader.run()):
        await asyncio.sleep(10)
        assert world.behind_s == 0


@virtual_time
async def test_defect_of_a_sink_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.ledger.accepts(1)
    world.sink.errors = [ValueError("a defect")]
    async with running(world.reader.run()):
        await asyncio.sleep(5)
    assert world.sink.told == [(1, 0)]
    assert "event sink broke" in caplog.messages


@virtual_time
async def test_store_that_cannot_be_read_is_read_later() -> None:
    world = World()
    world.ledger.accepts(1)
    world.ledger.readable = False
    async with running(world.reader.run()):
        await asyncio.sleep(30)
        assert world.behind_s == pytest.approx(30, abs=0.1)
        world.ledger.readable = True
        await asyncio.sleep(60)
    assert world.sink.told == [(1, 0)]
    assert world.behind_s == 0


@virtual_time
async def test_events_of_parts_are_not_told() -> None:
    world = World()
    world.ledger.accepts(1)
    world.ledger.becomes(1, 1, part=1)
    world.ledger.becomes(1, 2, status=Status.SENT)
    async with running(world.reader.run()):
        await asyncio.sleep(1)
    assert world.sink.told == [(1, 0), (1, 2)]


@virtual_time
async def test_how_far_behind_is_the_age_of_the_oldest_event_not_taken() -> None:
    world = World()
    world.sink.gate.clear()
    world.ledger.accepts(1, accepted_at=NOON - 10)
    async with running(world.reader.run()):
        await asyncio.sleep(50)
        assert world.behind_s == pytest.approx(60)


@virtual_time
async def test_who_has_caught_up_is_not_behind() -> None:
    world = World()
    world.ledger.accepts(1)
    async with running(world.reader.run()):
        await asyncio.sleep(HOUR)
        assert world.behind_s == 0


class ForgetfulLedger(StreamLedger):
    """Its oldest segment is gone."""

    async def read_stream(self, position: StreamPosition, limit: int) -> StreamPage:
        if position.segment < 2:
            return StreamPage((), StreamPosition(2, 0), lost=True)
        return await super().read_stream(position, limit)


@virtual_time
async def test_what_the_store_has_dropped_is_counted_as_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(ForgetfulLedger())
    reader = StreamReader(world.sink, world.ledger, StreamPosition(1, 7), world.clock, Random(1))
    async with running(reader.run()):
        await asyncio.sleep(5)
    assert reader.lost == 1
    assert "events lost to a sink" in caplog.messages


@virtual_time
async def test_new_sink_has_lost_nothing() -> None:
    world = World(ForgetfulLedger())
    async with running(world.reader.run()):
        await asyncio.sleep(5)
    assert world.reader.lost == 0


@virtual_time
async def test_failures_of_the_sink_itself_count() -> None:
    world = World()
    world.sink.failures = 3
    assert world.reader.failures == 3


@virtual_time
async def test_store_error_within_a_sink_is_a_failure_like_any() -> None:
    world = World()
    world.ledger.accepts(1)
    world.sink.errors = [StoreError("too many reads")]
    async with running(world.reader.run()):
        await asyncio.sleep(5)
    assert world.sink.told == [(1, 0)]
    assert world.reader.failures == 1
