"""Batches of events at a server of the operator's, which checks them as the page says."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from gateway.clock import message_sid
from gateway.config.sections import Events, EventWebhook
from gateway.streams.event_streams import EventStreams
from tests.e2e.patience import until
from tests.streams.builders import SOURCE, StreamLedger, a_clock, running

pytestmark = pytest.mark.e2e

SECRET = "whsec_" + base64.b64encode(b"a key of at least 24 octets").decode()


class Operator:
    """Takes batches on loopback; `statuses` are its next answers, and then 204."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.requests = 0
        self.url = ""

    async def on_batch(self, request: web.Request) -> web.Response:
        self.requests += 1
        body = await request.read()
        assert request.headers["Content-Type"] == "application/cloudevents-batch+json"
        assert is_ours(dict(request.headers), body)
        status = self.statuses.pop(0) if self.statuses else 204
        if status == 204:
            self.events += json.loads(body)
        return web.Response(status=status, headers={"Location": self.url})


def is_ours(headers: dict[str, str], body: bytes) -> bool:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return hmac.compare_digest(f"v1,{digest}", headers["webhook-signature"])


@pytest_asyncio.fixture
async def operator() -> AsyncIterator[Operator]:
    operator = Operator()
    app = web.Application()
    app.router.add_post("/events", operator.on_batch)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    operator.url = f"http://127.0.0.1:{runner.addresses[0][1]}/events"
    yield operator
    await runner.cleanup()


def streams_to(operator: Operator, ledger: StreamLedger) -> EventStreams:
    config = Events(source=SOURCE, webhook=EventWebhook(operator.url, SECRET, batch_max=10))
    return EventStreams(config, 0, ledger, a_clock(), Random(1), Path("unused"))


async def all_came(operator: Operator, ledger: StreamLedger) -> None:
    async def events() -> int:
        return len(operator.events)

    await until(events, lambda events: events >= len(ledger.names()))


async def test_every_event_comes_once_in_order_and_signed(operator: Operator) -> None:
    ledger = StreamLedger()
    for message_id in range(1, 26):
        ledger.accepts(message_id)
    async with running(streams_to(operator, ledger).run()):
        await all_came(operator, ledger)
    assert operator.requests == 3
    assert [event["subject"] for event in operator.events] == [
        message_sid(message_id) for message_id in range(1, 26)
    ]


@pytest.mark.parametrize("status", [302, 400, 410, 500])
async def test_batch_that_is_not_taken_comes_again(operator: Operator, status: int) -> None:
    ledger = StreamLedger()
    ledger.accepts(1)
    operator.statuses = [status]
    async with running(streams_to(operator, ledger).run()):
        await all_came(operator, ledger)
    assert operator.requests == 2
