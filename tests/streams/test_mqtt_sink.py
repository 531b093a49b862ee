"""Publishing to a broker, in virtual time."""

import asyncio
from random import Random

import pytest

from gateway.clock import message_sid
from gateway.store.interface import StreamEvent
from gateway.streams.mqtt_sink import MqttSink
from gateway.streams.sink import SinkFailed
from gateway.streams.state_board import DOWN, UP, StateBoard
from gateway.streams.topics import Topics
from tests.store.builders import ACCOUNT
from tests.streams.builders import SOURCE, a_clock, a_page, an_event, running
from tests.streams.fake_broker import FakeBroker
from tests.support.virtual_time import virtual_time

ACCEPTED = f"net/accounts/{ACCOUNT}/messages/accepted"
BIND = "net/binds/alpha/1"


class World:
    def __init__(self, in_flight_max: int = 10) -> None:
        self.broker = FakeBroker(in_flight_max)
        self.board = StateBoard()
        self.sink = MqttSink(
            self.broker.connect, Topics("net"), SOURCE, self.board, a_clock(), Random(1)
        )


def events(count: int) -> list[StreamEvent]:
    return [an_event(message_id) for message_id in range(1, count + 1)]


def ids(count: int) -> list[str]:
    return [f"{message_sid(message_id)}-0" for message_id in range(1, count + 1)]


@virtual_time
async def test_page_is_taken_once_every_event_is_answered() -> None:
    world = World()
    async with running(world.sink.run()):
        page = a_page(*events(25), batch=7)
        assert await world.sink.take(page) == page.then
    assert world.broker.ids() == ids(25)


@virtual_time
async def test_many_events_are_unanswered_at_a_time_and_no_more_than_the_bound() -> None:
    world = World(in_flight_max=10)
    async with running(world.sink.run()):
        await world.sink.take(a_page(*events(100)))
        assert world.broker.connections[0].unanswered_peak == 10


@virtual_time
async def test_page_without_events_is_taken_without_a_broker() -> None:
    world = World()
    page = a_page(batch=3)
    assert await world.sink.take(page) == page.then


@virtual_time
async def test_page_waits_for_a_broker_that_is_away() -> None:
    world = World()
    world.broker.up = False
    async with running(world.sink.run()):
        taking = asyncio.create_task(world.sink.take(a_page(*events(1))))
        await asyncio.sleep(3_600)
        assert not taking.done()
        world.broker.up = True
        await taking
    assert world.broker.ids() == ids(1)


@virtual_time
async def test_only_what_was_answered_before_the_loss_is_taken() -> None:
    world = World(in_flight_max=10)
    world.broker.down_after = 16  # Our state is one of them.
    async with running(world.sink.run()):
        with pytest.raises(SinkFailed, match="connection lost") as failure:
            await world.sink.take(a_page(*events(25)))
    assert len(world.broker.ids()) == 15
    assert 15 - 10 <= failure.value.taken < 15


@virtual_time
async def test_event_that_the_broker_refuses_is_not_taken() -> None:
    world = World()
    world.broker.refused = {ACCEPTED}
    async with running(world.sink.run()):
        with pytest.raises(SinkFailed, match="Not authorized") as failure:
            await world.sink.take(a_page(*events(3)))
    assert failure.value.taken == 0


@virtual_time
async def test_broker_that_answers_nothing_is_left() -> None:
    world = World()
    async with running(world.sink.run()):
        await asyncio.sleep(0.1)
        world.broker.silent = True
        with pytest.raises(SinkFailed, match="no PUBACK within 30 s"):
            await world.sink.take(a_page(*events(25)))
        world.broker.silent = False
        await asyncio.sleep(5)
        assert len(world.broker.connections) == 2


@virtual_time
async def test_broker_that_does_not_answer_our_states_is_left() -> None:
    world = World()
    world.broker.silent = True
    async with running(world.sink.run()):
        await asyncio.sleep(31)
        world.broker.silent = False
        await asyncio.sleep(5)
        assert world.broker.states("net/status") == ["online", "online"]


@virtual_time
async def test_states_are_told_before_events_and_then_as_they_change() -> None:
    world = World()
    world.board.set("binds/alpha/1", UP, 1.0)
    async with running(world.sink.run()):
        await world.sink.take(a_page(*events(1)))
        world.board.set("binds/alpha/1", DOWN, 2.0)
        await asyncio.sleep(1)
        topics = [each.topic for each in world.broker.published]
        assert topics == ["net/status", BIND, ACCEPTED, BIND]
    assert world.broker.states(BIND) == [UP, DOWN]


@virtual_time
async def test_states_are_retained_and_events_are_not() -> None:
    world = World()
    world.board.set("binds/alpha/1", UP, 1.0)
    async with running(world.sink.run()):
        await world.sink.take(a_page(*events(1)))
        assert [each.retain for each in world.broker.published] == [True, True, False]


@virtual_time
async def test_all_states_are_told_again_after_a_loss() -> None:
    world = World()
    world.board.set("binds/alpha/1", UP, 1.0)
    async with running(world.sink.run()):
        await asyncio.sleep(1)
        world.broker.go_down()
        world.broker.up = True
        await asyncio.sleep(5)
        assert world.broker.states(BIND) == [UP, UP]
        assert world.broker.states("net/status") == ["online", "online"]


@virtual_time
async def test_we_say_that_we_go() -> None:
    world = World()
    async with running(world.sink.run()):
        await asyncio.sleep(1)
    assert world.broker.states("net/status") == ["online", "offline"]


@virtual_time
async def test_silent_broker_does_not_keep_us_from_going() -> None:
    world = World()
    async with running(world.sink.run()):
        await asyncio.sleep(1)
        world.broker.silent = True
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started <= 2


@virtual_time
async def test_broker_that_is_away_is_asked_less_and_less() -> None:
    world = World()
    world.broker.up = False
    async with running(world.sink.run()):
        await asyncio.sleep(3_600)
    assert 50 < world.broker.attempts < 80
    assert world.sink.failures == world.broker.attempts


@virtual_time
async def test_broker_that_was_lost_after_a_good_while_is_asked_soon() -> None:
    world = World()
    world.broker.up = False
    async with running(world.sink.run()):
        await asyncio.sleep(600)
        world.broker.up = True
        await asyncio.sleep(200)
        world.broker.go_down()
        world.broker.up = True
        await asyncio.sleep(1.3)
        assert world.broker.states("net/status") == ["online", "online"]


@virtual_time
async def test_defect_of_ours_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    defects = [ValueError("a defect")]

    def connect() -> object:
        if defects:
            raise defects.pop()
        return world.broker.connect()

    world.sink._connect = connect  # type: ignore[assignment]
    async with running(world.sink.run()):
        await world.sink.take(a_page(*events(1)))
    assert "event broker broke" in caplog.messages


@virtual_time
async def test_closing_moves_nothing() -> None:
    assert await World().sink.close() is None
