"""An event stream of ours towards a broker that is not, over a store in memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from gateway.clock import message_sid
from gateway.config.sections import Events, Mqtt
from gateway.streams.event_streams import EventStreams
from tests.e2e.patience import until
from tests.interop.mosquitto import Subscriber
from tests.streams.builders import SOURCE, StreamLedger, a_clock, running

PREFIX = "supernet"


class Site:
    def __init__(self, directory: Path, port: int, ledger: StreamLedger, **mqtt: Any) -> None:
        self.ledger = ledger
        fields: dict[str, Any] = {"host": "127.0.0.1", "port": port, "keepalive_s": 5}
        config = Events(source=SOURCE, mqtt=Mqtt(**(fields | mqtt)))
        self.streams = EventStreams(config, 0, ledger, a_clock(), Random(1), directory)

    def ids(self) -> Counter[str]:
        """Every event of the store, once."""
        return Counter(
            f"{message_sid(message)}-{number}" for message, number in self.ledger.names()
        )

    async def caught_up(self) -> None:
        """Until the cursor is noted behind the last event."""

        async def cursor() -> int:
            return self.ledger.cursor

        await until(cursor, lambda cursor: cursor == len(self.ledger.records))

    async def all_arrive(self, subscriber: Subscriber) -> None:
        await self.caught_up()
        await subscriber.until(lambda: subscriber.ids().keys() >= self.ids().keys())


@asynccontextmanager
async def a_site(
    directory: Path,
    port: int,
    ledger: StreamLedger | None = None,
    crash: bool = False,
    **mqtt: Any,
) -> AsyncIterator[Site]:
    """Running, and closed in good order at the end, unless it is to `crash`."""
    site = Site(directory, port, ledger or StreamLedger(), **mqtt)
    async with running(site.streams.run()):
        yield site
    if not crash:
        await site.streams.close()


async def feed(ledger: StreamLedger, messages: range, pause_s: float) -> None:
    """Messages that are accepted and sent, one after another."""
    for message_id in messages:
        ledger.accepts(message_id)
        ledger.becomes(message_id, 1)
        await asyncio.sleep(pause_s)
