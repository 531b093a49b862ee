"""The daemon itself tells Mosquitto and its archive, though each of them is killed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.daemon import Daemon
from tests.e2e.forked_daemon import ForkedDaemon
from tests.e2e.patience import until
from tests.e2e.rest_client import RestClient
from tests.e2e.site import a_site
from tests.interop.mosquitto import Mosquitto, Subscriber
from tests.streams.archives import lines_of

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

EVENTS = """
[events.mqtt]
host = "127.0.0.1"
port = {port}

[events.archive]
target = "archive"
file_s = 1.0
"""
WORKS, FAILS = "9999", "0001"
TEXT = "text of a message"
DELIVERED = ("accepted", "sent", "delivered")


def telling(port: int) -> type[Daemon]:
    """A daemon that tells the broker at this port."""

    class TellingDaemon(ForkedDaemon):
        def __init__(self, config: Path) -> None:
            config.write_text(config.read_text() + EVENTS.format(port=port))
            super().__init__(config)

    return TellingDaemon


@dataclass(frozen=True)
class Site:
    broker: Mosquitto
    daemon: Daemon
    rest: RestClient
    subscriber: Subscriber
    numbers: count[int] = field(default_factory=lambda: count(200))

    async def send(self, suffix: str = WORKS) -> str:
        """The sid of a message that the carrier treats by the suffix of its recipient."""
        return await self.rest.create(f"+1206{next(self.numbers)}{suffix}", TEXT)

    async def told(self, sid: str, statuses: tuple[str, ...]) -> None:
        """Until these have arrived for a message, in the order of their numbers."""
        await self.subscriber.until(lambda: set(statuses) <= set(self.statuses(sid)))
        told = self.statuses(sid)
        assert tuple(status for status in told if status in statuses) == statuses

    def statuses(self, sid: str) -> list[str]:
        events = [seen.json for seen in self.subscriber.seen if "/messages/" in seen.topic]
        steps = {each["data"]["number"]: each["type"] for each in events if each["subject"] == sid}
        return [steps[number].rpartition(".")[2] for number in sorted(steps)]


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with (
        Mosquitto(tmp_path) as broker,
        Subscriber(broker.port) as subscriber,
        a_site(tmp_path / "gateway", kind=telling(broker.port)) as site,
    ):
        yield Site(broker, site.daemon, site.rest, subscriber)


async def test_message_is_told_from_its_acceptance_to_its_end(site: Site) -> None:
    await site.told(await site.send(), DELIVERED)


async def test_text_of_a_message_reaches_no_broker(site: Site) -> None:
    await site.told(await site.send(), DELIVERED)

    assert not any(TEXT.encode() in seen.payload for seen in site.subscriber.seen)


async def test_binds_and_alarms_are_told(site: Site) -> None:
    states = site.subscriber.states
    await site.subscriber.until(lambda: states("supernet/binds/alpha/1")[-1:] == ["up"])
    await site.subscriber.until(lambda: states("supernet/alarms/store")[-1:] == ["cleared"])
    await site.subscriber.until(lambda: states("supernet/status")[-1:] == ["online"])


async def test_message_is_told_though_the_broker_was_killed(site: Site) -> None:
    await site.broker.kill()
    sid = await site.send()
    await site.rest.final(sid)
    await site.broker.start()

    await site.told(sid, DELIVERED)


async def test_message_is_told_though_we_are_killed(site: Site) -> None:
    await site.broker.kill()
    sid = await site.send()
    await site.rest.final(sid)
    await site.daemon.kill()
    await site.broker.start()
    await site.daemon.start()

    await site.told(sid, DELIVERED)


async def test_message_that_failed_is_in_the_archive(site: Site, tmp_path: Path) -> None:
    sid = await site.send(FAILS)
    await site.rest.final(sid)
    await site.told(sid, ("accepted", "sent", "undelivered"))

    async def archived() -> list[Path]:
        return list((tmp_path / "gateway" / "archive").rglob("messages-*.ndjson.zst"))

    [file] = await until(archived)
    await site.daemon.stop()
    [line] = lines_of(file.read_bytes())
    assert (line["sid"], line["body"], line["status"]) == (sid, TEXT, "undelivered")
