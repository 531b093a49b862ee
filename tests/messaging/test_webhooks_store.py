"""The outbox over the embedded store: what waits there comes back, also after a restart."""

import asyncio
import random
from collections import defaultdict
from functools import partial
from pathlib import Path

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.message import Message
from gateway.messaging.callbacks import Callbacks
from gateway.messaging.journal import event_of
from gateway.messaging.undelivered import Replayed, Undelivered
from gateway.messaging.webhook_outbox import OutboxLimits
from gateway.messaging.webhooks import Webhooks, WebhookSettings
from gateway.store.inline import InlineStore
from gateway.store.interface import Accepted, Transition
from gateway.webhooks.destination import FailureKind
from gateway.webhooks.request import Failure
from tests.messaging.webhook_world import (
    ACCOUNT_SID,
    WALL_START,
    Endpoints,
    a_message,
    a_transition,
    accounts_of,
    an_account,
    running,
)
from tests.support.virtual_time import virtual_time

HOST = "hooks.example.com"
HOUR = 3_600
DOWN = Failure(FailureKind.CONNECT, 11205, "cannot connect")
TIGHT = OutboxLimits(host_pending_max=20)


class Run:
    """One life of the engine, over the files that the one before has left."""

    def __init__(self, path: Path, *, host_is_up: bool) -> None:
        self.clock = Clock(asyncio.get_running_loop().time, WALL_START)
        self.store = InlineStore(path, lambda: 0.002)
        self.endpoints = Endpoints()
        if not host_is_up:
            self.endpoints.scripts[HOST] = lambda request: DOWN
        self.webhooks = Webhooks(
            self.store, self.endpoints, self.clock, random.Random(1), WebhookSettings(limits=TIGHT)
        )
        self.callbacks = Callbacks(self.webhooks, accounts_of(an_account()), lambda code: "")
        for owed in self.store.load_owed():
            self.webhooks.recover(owed)

    async def tell(self, count: int, fragment: str = "") -> None:
        """So many messages with two events each, as the journal does."""
        for message_id in range(1, count + 1):
            message = a_message(message_id, status_callback=f"https://{HOST}/{fragment}")
            self.store.append(Accepted(message))
            for number in (1, 2):
                step = a_transition(message, number, at=self.clock.now())
                self.store.append(step, partial(self._committed, message, step))
            await asyncio.sleep(0.01)

    def _committed(self, message: Message, step: Transition, error: StoreError | None) -> None:
        assert error is None
        self.callbacks.on_event(event_of(message, step))


@virtual_time
async def test_backlog_of_a_dead_host_is_told_in_order_by_the_next_run(tmp_path: Path) -> None:
    first = Run(tmp_path, host_is_up=False)
    async with running(first.webhooks):
        await first.tell(300)
        await asyncio.sleep(60)
        assert first.webhooks.waiting > 500
    await first.store.close()
    second = Run(tmp_path, host_is_up=True)
    async with running(second.webhooks):
        await asyncio.sleep(60)
    assert list(second.store.load_owed()) == []
    tokens = [each.headers["I-Twilio-Idempotency-Token"] for _, each in second.endpoints.requests]
    told = defaultdict(list)
    for token in tokens:
        sid, _, number = token.partition("-")
        told[sid].append(number)
    assert len(told) == 300
    assert all(numbers == ["1", "2"] for numbers in told.values())
    await second.store.close()


@virtual_time
async def test_what_a_dead_host_was_never_told_can_be_replayed(tmp_path: Path) -> None:
    run = Run(tmp_path, host_is_up=False)
    undelivered = Undelivered(run.store, run.webhooks.host, run.webhooks.recover, run.clock)
    async with running(run.webhooks):
        await run.tell(100)
        await asyncio.sleep(4.2 * HOUR)
        assert (run.webhooks.given_up, list(run.store.load_owed())) == (200, [])
        run.endpoints.scripts.clear()
        assert await undelivered.replay_account(ACCOUNT_SID, None) == Replayed(200)
        await asyncio.sleep(0.1 * HOUR)
    assert run.webhooks.delivered == 200
    assert (await undelivered.page("", 10, None)).undelivered == ()
    await run.store.close()
