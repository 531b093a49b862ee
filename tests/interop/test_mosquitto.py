"""Events and states at Mosquitto, as a client of it sees them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.clock import message_sid
from gateway.streams.cloud_event import encode
from gateway.streams.state_board import CLEARED, DOWN, RAISED, UP
from tests.e2e.patience import until
from tests.interop.mosquitto import Mosquitto, Subscriber
from tests.interop.streaming import PREFIX, a_site, feed
from tests.store.builders import ACCOUNT
from tests.streams.builders import SOURCE, an_event

pytestmark = pytest.mark.interop

BIND = "binds/alpha/1"
ALARM = "alarms/store_down"


@pytest_asyncio.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with Mosquitto(tmp_path) as broker:
        yield broker


@pytest.mark.parametrize("version", [3, 5])
async def test_every_event_arrives_once_and_in_order(
    broker: Mosquitto, tmp_path: Path, version: int
) -> None:
    async with (
        Subscriber(broker.port) as subscriber,
        a_site(tmp_path, broker.port, version=version) as site,
    ):
        await feed(site.ledger, range(1, 501), 0)
        await site.all_arrive(subscriber)

        assert list(subscriber.ids().elements()) == list(site.ids())


async def test_event_is_a_cloud_event_at_its_topic(broker: Mosquitto, tmp_path: Path) -> None:
    async with (
        Subscriber(broker.port, f"{PREFIX}/accounts/#") as subscriber,
        a_site(tmp_path, broker.port) as site,
    ):
        site.ledger.accepts(1)
        seen = (await subscriber.arrived(1))[0]

    assert seen.topic == f"{PREFIX}/accounts/{ACCOUNT}/messages/accepted"
    assert seen.payload == encode(an_event(1), SOURCE)
    assert (seen.qos, seen.retain) == (1, False)
    assert seen.content_type == "application/cloudevents+json"
    assert json.loads(seen.payload)["subject"] == message_sid(1)


async def test_fewer_are_unanswered_than_the_broker_allows(tmp_path: Path) -> None:
    settings = {"max_inflight_messages": "3"}
    async with (
        Mosquitto(tmp_path, settings) as broker,
        Subscriber(broker.port) as subscriber,
        a_site(tmp_path, broker.port) as site,
    ):
        await feed(site.ledger, range(1, 101), 0)
        await site.all_arrive(subscriber)

        assert site.streams.readings()[0].failures == 0


async def test_states_are_retained(broker: Mosquitto, tmp_path: Path) -> None:
    async with a_site(tmp_path, broker.port) as site:
        site.streams.board.set(BIND, UP, 1.0)
        site.streams.board.set(BIND, DOWN, 2.0)
        site.streams.board.set(ALARM, RAISED, 2.0, "disk full")
        site.ledger.accepts(1)
        await site.caught_up()

        async with Subscriber(broker.port) as latecomer:
            await latecomer.arrived(4)

        assert latecomer.states(f"{PREFIX}/{BIND}") == [DOWN]
        assert latecomer.states(f"{PREFIX}/{ALARM}") == [RAISED]
        assert latecomer.states(f"{PREFIX}/alarms/events_behind_mqtt") == [CLEARED]
        assert latecomer.states(f"{PREFIX}/status") == ["online"]
        assert all(seen.retain for seen in latecomer.seen)


async def test_change_of_a_state_is_told_at_once(broker: Mosquitto, tmp_path: Path) -> None:
    topic = f"{PREFIX}/{BIND}"
    async with (
        Subscriber(broker.port, topic) as subscriber,
        a_site(tmp_path, broker.port) as site,
    ):
        for count, value in enumerate((UP, DOWN, UP), start=1):
            site.streams.board.set(BIND, value, 1.0)
            await subscriber.arrived(count)

        assert subscriber.states(topic) == [UP, DOWN, UP]


async def test_who_stops_in_good_order_says_so(broker: Mosquitto, tmp_path: Path) -> None:
    topic = f"{PREFIX}/status"
    async with Subscriber(broker.port, topic) as subscriber:
        async with a_site(tmp_path, broker.port):
            await subscriber.arrived(1)
        await subscriber.arrived(2)

    assert subscriber.seen[-1].json["detail"] == "stopped"


async def test_who_comes_again_ends_its_own_earlier_connection(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """As after a cable was pulled: the broker still believes in the old connection."""
    topic = f"{PREFIX}/status"
    async with Subscriber(broker.port, topic) as subscriber, a_site(tmp_path, broker.port):
        await subscriber.arrived(1)
        async with a_site(tmp_path, broker.port):
            await subscriber.arrived(3)

            assert subscriber.states(topic)[:3] == ["online", "offline", "online"]


async def test_broker_that_refuses_an_event_has_not_taken_it(tmp_path: Path) -> None:
    """MQTT 5 says so in the PUBACK, and the cursor waits."""
    acl = tmp_path / "acl"
    acl.write_text(f"topic write {PREFIX}/status\ntopic write {PREFIX}/alarms/#\n")
    async with (
        Mosquitto(tmp_path, {"acl_file": str(acl)}) as broker,
        a_site(tmp_path, broker.port) as site,
    ):
        site.ledger.accepts(1)

        async def failures() -> int:
            return site.streams.readings()[0].failures

        await until(failures)

        assert site.ledger.cursor == 0
