"""A town around the whole engine: `Webhooks` and `Callbacks` as they are, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from urllib.parse import parse_qs

from gateway.clock import Clock, message_id_of
from gateway.message import Message
from gateway.messaging.callbacks import Callbacks
from gateway.messaging.journal import event_of
from gateway.messaging.webhook_outbox import OutboxLimits
from gateway.messaging.webhooks import Webhooks, WebhookSettings
from gateway.store.interface import Notified, OnCommit, Owed, OwedKey, Record, Transition
from gateway.webhooks.request import IDEMPOTENCY_HEADER, Answer, Failure, WebhookRequest
from tests.messaging.ledger import Ledger
from tests.messaging.town.plan import (
    STORE_READ_S,
    TIMED_OUT,
    TIMEOUT_S,
    Census,
    Figures,
    Town,
    service_s,
)
from tests.messaging.webhook_world import (
    WALL_START,
    a_message,
    a_transition,
    accounts_of,
    an_account,
    running,
)

LOOK_S = 1.0
TOOK = Answer(200)


class TownStore(Ledger):
    """Knows each message by its id, and forgets what it is told."""

    def __init__(self, town: Town) -> None:
        super().__init__()
        self._town = town
        self.given_up_count = 0

    def message(self, message_id: int) -> Message:
        place = self._town.place(message_id)
        return a_message(message_id, status_callback=f"https://h{place}.example/status")

    def append(self, record: Record, on_commit: OnCommit | None = None) -> None:
        assert isinstance(record, Notified)
        self.given_up_count += record.gave_up
        if on_commit:
            asyncio.get_running_loop().call_soon(on_commit, None)

    async def read_owed(self, keys: Sequence[OwedKey]) -> Sequence[Owed]:
        await asyncio.sleep(STORE_READ_S)
        return [Owed(*self.owed(key.message_id, key.number), key.round) for key in keys]

    def owed(self, message_id: int, number: int) -> tuple[Message, Transition]:
        message = self.message(message_id)
        return message, a_transition(message, number)


class EngineLife:
    """Made on the loop in whose time it runs."""

    def __init__(self, town: Town, limits: OutboxLimits) -> None:
        self._town = town
        self._loop = asyncio.get_running_loop()
        self._random = Random(1)
        self._census = Census(town)
        self._all_are_offered = False
        self._store = TownStore(town)
        clock = Clock(self._loop.time, WALL_START)
        self._webhooks = Webhooks(
            self._store, self, clock, self._random, WebhookSettings(limits=limits)
        )
        self._callbacks = Callbacks(self._webhooks, accounts_of(an_account()), lambda code: "")

    async def run(self) -> Figures:
        """Until all is told."""
        async with running(self._webhooks):
            looking = asyncio.create_task(self._look())
            for at, message_id, number in self._town.events():
                if at > self._loop.time():
                    await asyncio.sleep(at - self._loop.time())
                self._census.offered(message_id, number, at)
                self._callbacks.on_event(event_of(*self._store.owed(message_id, number)))
            self._all_are_offered = True
            await looking
        assert not self._store.given_up_count
        return self._census.figures()

    async def post(self, request: WebhookRequest) -> Answer | Failure:
        sid, _, number = request.headers[IDEMPOTENCY_HEADER].partition("-")
        message_id = message_id_of(sid)
        assert message_id is not None
        assert parse_qs(request.body.decode())["MessageSid"] == [sid]
        if self._town.is_dead(message_id, self._loop.time()):
            await asyncio.sleep(TIMEOUT_S)
            self._census.attempts_in_vain += 1
            return TIMED_OUT
        await asyncio.sleep(service_s(self._random))
        self._census.told(message_id, int(number), self._loop.time())
        return TOOK

    async def _look(self) -> None:
        """Until there is nothing more to tell."""
        webhooks = self._webhooks
        while webhooks.pending or webhooks.waiting or not self._all_are_offered:
            self._census.look(webhooks.pending, webhooks.waiting, webhooks.open_circuits)
            await asyncio.sleep(LOOK_S)
