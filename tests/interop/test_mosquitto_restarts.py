"""Mosquitto is stopped, killed, restarted, and so are we: each event arrives, none is invented."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.streams import backoff, stream_reader
from tests.e2e.patience import until
from tests.e2e.process import ChildProcess
from tests.interop.mosquitto import Mosquitto, Subscriber
from tests.interop.streaming import PREFIX, a_site, feed
from tests.streams.builders import StreamLedger

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
EVENTS_PUBLISHED = f"{PREFIX}/accounts/#"
STATUS = f"{PREFIX}/status"
PAUSE_S = 0.01
BIND = f"{PREFIX}/binds/alpha/1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """We come back to a broker sooner than in earnest: each time after twice as long."""
    monkeypatch.setattr(backoff, "FIRST_DELAY_S", 0.05)
    monkeypatch.setattr(stream_reader, "CURSOR_INTERVAL_S", 0.1)


@pytest_asyncio.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with Mosquitto(tmp_path) as broker:
        yield broker


def forget_all(directory: Path) -> None:
    """What the broker has retained."""
    for database in directory.glob("mosquitto.db*"):
        database.unlink()


@pytest.mark.parametrize("version", [3, 5])
async def test_every_event_arrives_though_the_broker_is_stopped(
    broker: Mosquitto, tmp_path: Path, version: int
) -> None:
    async with (
        Subscriber(broker.port, EVENTS_PUBLISHED) as subscriber,
        a_site(tmp_path, broker.port, version=version) as site,
    ):
        traffic = asyncio.create_task(feed(site.ledger, range(1, 161), PAUSE_S))
        for _ in range(2):
            await asyncio.sleep(0.4)
            await broker.stop()
            await asyncio.sleep(0.25)
            await broker.start()
        await traffic
        await site.all_arrive(subscriber)

        assert subscriber.ids().keys() == site.ids().keys()


@pytest.mark.parametrize("version", [3, 5])
async def test_every_event_arrives_though_the_broker_is_killed(
    broker: Mosquitto, tmp_path: Path, version: int
) -> None:
    """It is killed with nothing on its way: what it has acknowledged and not saved it forgets."""
    async with (
        Subscriber(broker.port, EVENTS_PUBLISHED) as subscriber,
        a_site(tmp_path, broker.port, version=version) as site,
    ):
        for messages in (range(1, 81), range(81, 161)):
            await broker.kill()
            traffic = asyncio.create_task(feed(site.ledger, messages, PAUSE_S))
            await asyncio.sleep(0.25)
            await broker.start()
            await traffic
            await site.all_arrive(subscriber)

        assert subscriber.ids().keys() == site.ids().keys()


@pytest.mark.parametrize("crash", [False, True], ids=["stopped", "crashed"])
async def test_every_event_arrives_though_we_restart(
    broker: Mosquitto, tmp_path: Path, crash: bool
) -> None:
    """A crash forgets how far we were since the cursor was noted."""
    ledger = StreamLedger()
    async with Subscriber(broker.port, EVENTS_PUBLISHED) as subscriber:
        traffic = asyncio.create_task(feed(ledger, range(1, 161), PAUSE_S))
        while not traffic.done():
            async with a_site(tmp_path, broker.port, ledger, crash=crash):
                await asyncio.sleep(0.2)
        async with a_site(tmp_path, broker.port, ledger) as site:
            await site.all_arrive(subscriber)

            assert subscriber.ids().keys() == site.ids().keys()


async def test_broker_that_hangs_is_left_and_told_later(broker: Mosquitto, tmp_path: Path) -> None:
    async with (
        Subscriber(broker.port, EVENTS_PUBLISHED) as subscriber,
        a_site(tmp_path, broker.port, keepalive_s=1) as site,
    ):
        site.ledger.accepts(1)
        await site.all_arrive(subscriber)
        broker.send_signal(signal.SIGSTOP)
        site.ledger.accepts(2)

        async def failures() -> int:
            return site.streams.readings()[0].failures

        await until(failures)
        broker.send_signal(signal.SIGCONT)
        await site.all_arrive(subscriber)

        assert subscriber.ids().keys() == site.ids().keys()


async def test_broker_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    async with a_site(tmp_path, broker.port) as site:
        site.ledger.accepts(1)
        await asyncio.sleep(0.2)
        async with broker, Subscriber(broker.port, EVENTS_PUBLISHED) as subscriber:
            await site.all_arrive(subscriber)

            assert subscriber.ids() == site.ids()


async def test_states_are_told_again_after_a_restart(broker: Mosquitto, tmp_path: Path) -> None:
    async with a_site(tmp_path, broker.port) as site:
        site.streams.board.set("binds/alpha/1", "up", 1.0)
        async with Subscriber(broker.port) as subscriber:
            await subscriber.until(lambda: subscriber.states(BIND) == ["up"])
        await broker.kill()
        forget_all(tmp_path)
        await broker.start()
        async with Subscriber(broker.port) as subscriber:
            await subscriber.until(lambda: subscriber.states(BIND) == ["up"])
            await subscriber.until(lambda: subscriber.states(STATUS) == ["online"])


async def test_last_will_is_told_when_we_are_killed(broker: Mosquitto, tmp_path: Path) -> None:
    module = "tests.interop.event_stream_process"
    command = (sys.executable, "-m", module, str(broker.port), str(tmp_path))
    async with Subscriber(broker.port) as subscriber:
        async with ChildProcess(*command, directory=ROOT):
            await subscriber.until(lambda: bool(subscriber.ids()))
        await subscriber.until(lambda: subscriber.states(STATUS)[-1] == "offline")
    async with Subscriber(broker.port, STATUS) as latecomer:
        await latecomer.arrived(1)

    assert latecomer.seen[0].json["detail"] == "connection lost"
    assert latecomer.seen[0].retain
