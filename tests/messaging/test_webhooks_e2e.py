"""The whole way of a webhook, over real sockets on loopback."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gateway.clock import system_clock
from gateway.messaging.callbacks import Callbacks
from gateway.messaging.journal import event_of
from gateway.messaging.webhooks import Webhooks, WebhookSettings
from gateway.webhooks.client import (
    WebhookClient,
)
from tests.messaging.web_servers import (
    Seen,
    say_ok,
    serving,
)
from tests.messaging.webhook_world import (
    MemoryStore,
    a_message,
    a_transition,
    accounts_of,
    an_account,
    running,
)

pytestmark = pytest.mark.e2e


class Engine:
    """The whole way: event, outbox, HTTP client, record."""

    def __init__(self, client: WebhookClient) -> None:
        self.store = MemoryStore()
        clock = system_clock(asyncio.get_running_loop().time)
        self.webhooks = Webhooks(
            self.store,
            client,
            clock,
            random.Random(1),
            WebhookSettings(allow_private=True),
        )
        self.callbacks = Callbacks(self.webhooks, accounts_of(an_account()), lambda code: "")

    def tell(self, message_id: int, url: str) -> None:
        message = a_message(message_id, status_callback=url)
        self.callbacks.on_event(event_of(message, a_transition(message)))

    async def told(self, count: int) -> list[int]:
        """The messages told, once there are so many."""
        async with asyncio.timeout(10):
            while len(self.store.notified) < count:
                self.store.grown.clear()
                await self.store.grown.wait()
        return [record.message_id for record in self.store.notified]


@asynccontextmanager
async def an_engine() -> AsyncIterator[Engine]:
    async with WebhookClient(allow_private=True) as client:
        engine = Engine(client)
        async with running(engine.webhooks):
            yield engine


async def test_server_error_is_repeated_until_it_is_gone() -> None:
    seen = Seen()
    async with serving(seen.answering(500, 200)) as url, an_engine() as engine:
        engine.tell(1, url)
        await engine.told(1)
    assert len(seen.paths) == 2
    assert engine.store.outcomes == ["200"]


async def test_slow_server_delays_nobody_else() -> None:
    release = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async with serving(wait) as slow, serving(say_ok) as fast, an_engine() as engine:
        for i in range(200):
            engine.tell(i, slow)
        engine.tell(1_000, fast)
        assert await engine.told(1) == [1_000]
        release.set()
        assert len(await engine.told(201)) == 201
