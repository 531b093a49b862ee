"""The sinks of a configuration, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.config.sections import Archive, Events, EventWebhook, Mqtt
from gateway.events import StatusEvent
from gateway.message import Status
from gateway.streams import event_streams as module
from gateway.streams.event_streams import EventStreams, segment_archive, stream_wanted
from gateway.streams.state_board import CLEARED, RAISED
from gateway.streams.topics import Topics
from tests.e2e.patience import until
from tests.store.builders import NOON, a_message
from tests.streams.builders import StreamLedger, a_clock, running
from tests.streams.fake_broker import FakeBroker
from tests.support.virtual_time import virtual_time

ALARM = "alarms/events_behind_mqtt"
MQTT = Mqtt(host="broker.example")
WEBHOOK = EventWebhook(
    url="http://127.0.0.1:9/", secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", timeout_s=1.0
)


class World:
    """An event stream to a broker in memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **config: Any) -> None:
        self.broker = FakeBroker()
        self.ledger = StreamLedger()
        monkeypatch.setattr("gateway.streams.broker.Broker", lambda *_: self.broker.connect())
        events = Events(mqtt=MQTT, **config)
        self.streams = EventStreams(events, 0, self.ledger, a_clock(), Random(1), Path("unused"))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with running(self.streams.run()):
            yield
        await self.streams.close()

    @property
    def alarm(self) -> str:
        state = self.streams.board.get(ALARM)
        return state.value if state else ""


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        (Events(), False),
        (Events(mqtt=MQTT), True),
        (Events(webhook=WEBHOOK), True),
        (Events(archive=Archive("archive")), True),
    ],
)
def test_stream_is_wanted_where_there_is_a_sink(config: Events, wanted: bool) -> None:
    assert stream_wanted(config) == wanted


@virtual_time
async def test_nothing_is_made_of_an_empty_configuration() -> None:
    streams = EventStreams(Events(), 0, StreamLedger(), a_clock(), Random(1), Path("unused"))
    async with running(streams.run()):
        await asyncio.sleep(10)
    await streams.close()
    assert streams.readings() == []


@virtual_time
async def test_event_of_the_bus_reaches_the_broker_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    async with world.running():
        await asyncio.sleep(0.5)
        world.ledger.accepts(1)
        world.streams.on_event(StatusEvent(a_message(1), 1, Status.SENT, NOON))
        await asyncio.sleep(0.1)
        assert len(world.broker.ids()) == 1


@virtual_time
async def test_broker_that_is_down_for_an_hour_gets_every_event_once_and_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch)
    async with world.running():
        await asyncio.sleep(1)
        world.broker.go_down()
        for message_id in range(1, 3_601):
            world.ledger.accepts(message_id)
            await asyncio.sleep(1)
        world.broker.up = True
        await asyncio.sleep(120)
        assert len(world.broker.ids()) == len(set(world.broker.ids())) == 3_600
        assert world.broker.ids() == sorted(world.broker.ids())


@virtual_time
async def test_cursor_is_never_ahead_of_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    chance = Random(7)
    async with world.running():
        for message_id in range(1, 301):
            world.ledger.accepts(message_id)
            await asyncio.sleep(chance.expovariate(1.0))
            if chance.random() < 0.1:
                world.broker.go_down()
            elif chance.random() < 0.3:
                world.broker.up = True
            assert world.ledger.cursor <= len(set(world.broker.ids()))
        world.broker.up = True
        await asyncio.sleep(200)
    assert world.ledger.cursor == len(set(world.broker.ids())) == 300


@virtual_time
async def test_alarm_is_raised_for_a_sink_that_is_behind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(monkeypatch, behind_alarm_s=60.0)
    world.broker.up = False
    world.ledger.accepts(1, accepted_at=NOON)
    async with world.running():
        await asyncio.sleep(58)
        assert world.alarm == CLEARED
        await asyncio.sleep(4)
        assert world.alarm == RAISED
        assert world.streams.readings()[0].is_behind
    assert caplog.messages.count("event sink is behind") == 1


@virtual_time
async def test_alarm_is_cleared_and_told_once_the_broker_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    world = World(monkeypatch)
    world.broker.up = False
    world.ledger.accepts(1, accepted_at=NOON)
    async with world.running():
        await asyncio.sleep(600)
        world.broker.up = True
        await asyncio.sleep(90)
        assert world.broker.states(f"supernet/{ALARM}") == [RAISED, CLEARED]
    assert "event sink has caught up" in caplog.messages


@virtual_time
async def test_alarm_does_not_flicker_around_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, behind_alarm_s=60.0)
    [reader] = world.streams._readers
    alarms = []
    async with world.running():
        for behind_s in (59.0, 60.0, 59.0, 31.0, 30.0, 31.0):
            monkeypatch.setattr(reader, "behind_s", lambda now, behind_s=behind_s: behind_s)
            await asyncio.sleep(1.1)
            alarms.append(world.alarm)
    assert alarms == [CLEARED, RAISED, RAISED, RAISED, CLEARED, CLEARED]


@virtual_time
async def test_readings_say_how_each_sink_does(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.ledger.accepts(1)
    async with world.running():
        await asyncio.sleep(5)
        [readings] = world.streams.readings()
    assert (readings.sink, readings.events, readings.failures, readings.lost) == ("mqtt", 1, 0, 0)
    assert readings.behind_s == 0
    assert not readings.is_behind


@virtual_time
async def test_each_sink_has_a_cursor_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = World(monkeypatch, archive=Archive(str(tmp_path)))
    world.broker.up = False
    world.ledger.accepts(1)
    async with world.running():
        await asyncio.sleep(5)
    assert world.ledger.load_cursors().keys() == {"archive"}


async def test_webhook_that_is_down_is_a_failure_and_no_more() -> None:
    ledger = StreamLedger()
    ledger.accepts(1)
    streams = EventStreams(Events(webhook=WEBHOOK), 0, ledger, a_clock(), Random(1), Path("unused"))
    async with running(streams.run()) as task:

        async def failures() -> int:
            return streams.readings()[0].failures

        await until(failures)
        assert not task.done()
    assert ledger.cursors == []


def test_client_id_is_that_of_the_prefix_and_node(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = []
    monkeypatch.setattr(
        "gateway.streams.broker.Broker", lambda config, client_id, *_: ids.append(client_id)
    )
    for mqtt in (Mqtt("broker", topic_prefix="site/a"), Mqtt("broker", client_id="mine")):
        module._connect(mqtt, Topics(mqtt.topic_prefix), 7)()
    assert ids == ["site-a-7", "mine"]


def test_segments_are_archived_where_that_is_configured(tmp_path: Path) -> None:
    assert segment_archive(Events(archive=Archive(str(tmp_path), segments=True)), tmp_path)


@pytest.mark.parametrize("archive", [Archive(segments=True), Archive("archive")])
def test_segments_are_not_archived_otherwise(archive: Archive, tmp_path: Path) -> None:
    assert segment_archive(Events(archive=archive), tmp_path) is None
