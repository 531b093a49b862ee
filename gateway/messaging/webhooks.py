"""Drives the webhook outbox: starts attempts, waits for the next, records how each ended."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from gateway.clock import Clock, message_sid
from gateway.errors import StoreError
from gateway.events import StatusEvent
from gateway.message import Message
from gateway.messaging.journal import event_of
from gateway.messaging.webhook_delivery import Delivery, WebhookSource
from gateway.messaging.webhook_outbox import Ended, Outbox, OutboxLimits
from gateway.store.interface import Listener, Notified, OnCommit, Owed, OwedKey, Replay, Store
from gateway.webhooks.destination import (
    DestinationError,
    FailureKind,
    parse_destination,
)
from gateway.webhooks.request import Failure, Poster
from gateway.webhooks.wake import Wake

log = logging.getLogger(__name__)

# While the store is down nothing is started, for its outcome could not be noted.
STORE_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """`allow_private` lets webhooks go to loopback and private networks."""

    allow_private: bool = False
    limits: OutboxLimits = field(default_factory=OutboxLimits)


class Webhooks:
    """The one engine of all webhooks, so that a host's limits hold for every kind together.

    `offer` and `recover` may be called before `run`. Each debt is to come here once: what `recover`
    takes from the store must not come by an event as well.
    """

    def __init__(
        self,
        store: Store,
        poster: Poster,
        clock: Clock,
        rng: random.Random,
        settings: WebhookSettings,
    ) -> None:
        self._store = store
        self._poster = poster
        self._clock = clock
        self._allow_private = settings.allow_private
        self._outbox = Outbox(settings.limits, rng.random)
        self._sources: list[WebhookSource] = []
        self._wake = Wake(clock)
        self.delivered = 0
        self.failed_attempts = 0
        self.given_up = 0

    @property
    def pending(self) -> int:
        """Webhooks in memory that are not yet taken or given up."""
        return self._outbox.pending

    @property
    def waiting(self) -> int:
        """Those that are in the store, and in memory by key alone."""
        return self._outbox.waiting

    @property
    def in_flight(self) -> int:
        """Requests under way, of which there are as many as the settings allow at most."""
        return self._outbox.in_flight

    @property
    def open_circuits(self) -> int:
        """Hosts that fail, and get nothing but probes."""
        return self._outbox.open_circuits

    def add_source(self, source: WebhookSource) -> None:
        self._sources.append(source)

    def host(self, message: Message) -> str:
        """Where the message's events go: `name:port`, or nothing where they cannot."""
        for source in self._sources:
            if url := source.url(message):
                try:
                    return parse_destination(url, self._allow_private).host
                except DestinationError:
                    return ""
        return ""

    def offer(self, event: StatusEvent, source: WebhookSource, round_: int = 0) -> None:
        """Tell an event, as soon as its place in the order comes."""
        self._take_up(self._delivery(event, round_, source))

    def recover(self, owed: Owed) -> None:
        """Take up what the store has, and nobody was told of; not what is for an ESME."""
        if owed.transition.listener is Listener.WEBHOOK:
            self._take_up(self._restored(owed))

    def _take_up(self, delivery: Delivery | None) -> None:
        if delivery is not None:
            self._outbox.offer(delivery, self._clock.now())
            self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled. What is under way then stays in the store, to be recovered."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                if not self._store.writable:
                    await asyncio.sleep(STORE_POLL_S)
                    continue
                self._wake.clear()
                now = self._clock.now()
                for delivery in self._outbox.take(now):
                    tasks.create_task(self._attempt(delivery))
                self._record_ended(self._outbox.ended())
                page = self._outbox.page(now)
                if page:
                    tasks.create_task(self._read(page))
                await self._wake.until(self._outbox.next_timer())

    # Attempts

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            await self._deliver(delivery)
        except Exception:
            log.exception("webhook attempt broke", extra={"host": delivery.host})
            self._abandon(delivery, "an error of ours")
        finally:
            self._wake.set()

    async def _deliver(self, delivery: Delivery) -> None:
        event, destination, source = delivery.event, delivery.destination, delivery.source
        request = source.request(event, destination, delivery.instead_of)
        if request is None:
            self._abandon(delivery, "the account is no more")
            return
        answer = await self._poster.post(request)
        if isinstance(answer, Failure):
            self._failed(delivery, answer)
            return
        # What the answer asks for is appended before the record of it, in the same commit.
        again = partial(self._owe_again, delivery.key, event, source)
        outcome = source.answered(event, destination, answer, again)
        if isinstance(outcome, str):
            self._told(delivery, outcome)
        elif outcome.kind is FailureKind.UNUSABLE and delivery.fallback is None:
            self._told(delivery, f"{answer.status}, {outcome}")
        else:
            self._failed(delivery, outcome)

    def _told(self, delivery: Delivery, outcome: str) -> None:
        account = delivery.event.message.account_sid
        was_open = self._outbox.is_open(account, delivery.host)
        self._outbox.succeeded(delivery)
        self._watch(account, delivery.host, was_open)
        self.delivered += 1
        self._record(delivery, outcome)

    def _failed(self, delivery: Delivery, failure: Failure) -> None:
        host, account = delivery.host, delivery.event.message.account_sid
        was_open = self._outbox.is_open(account, host)
        facts = {
            "sid": message_sid(delivery.message_id),
            "host": host,
            "attempts": delivery.attempts,
            "failure": str(failure),
        }
        instead_of = delivery.instead_of
        again = self._outbox.failed(delivery, failure, self._clock.now())
        self._watch(account, host, was_open)
        self.failed_attempts += 1
        if not again:
            log.warning("webhook given up", extra=facts)
            self._record(delivery, f"gave up: {failure}", gave_up=True)
        elif delivery.instead_of is not instead_of:
            log.info("webhook goes to its fallback", extra=facts)
        else:
            log.info("webhook failed", extra=facts)

    def _abandon(self, delivery: Delivery, reason: str) -> None:
        self._outbox.abandoned(delivery)
        self._record(delivery, f"gave up: {reason}", gave_up=True)

    def _watch(self, account: str, host: str, was_open: bool) -> None:
        is_open = self._outbox.is_open(account, host)
        facts = {"account": account, "host": host}
        if is_open and not was_open:
            log.warning("webhook circuit opened", extra=facts)
        if was_open and not is_open:
            log.info("webhook circuit closed", extra=facts)

    # What waits in the store

    async def _read(self, page: Sequence[OwedKey]) -> None:
        """Fetch what is near its turn."""
        try:
            owed = await self._store.read_owed(page)
            restored = [self._restored(each) for each in owed]
        except StoreError as error:
            log.warning("webhooks cannot be read", extra={"cause": str(error)})
            self._outbox.page_failed(self._clock.now())
        except Exception:
            log.exception("reading of webhooks broke")
            self._outbox.page_failed(self._clock.now())
        else:
            self._outbox.paged({each.key: each for each in restored if each is not None})
        finally:
            self._wake.set()

    def _restored(self, owed: Owed) -> Delivery | None:
        event = event_of(owed.message, owed.transition)
        for source in self._sources:
            if source.url(event.message):
                return self._delivery(event, owed.round, source)
        # It has lost its URL: the gateway was reconfigured.
        self._refuse(OwedKey(event.message.id, event.number, owed.round), "there is no URL")
        return None

    def _delivery(self, event: StatusEvent, round_: int, source: WebhookSource) -> Delivery | None:
        try:
            destination = parse_destination(source.url(event.message), self._allow_private)
            fallback_url = source.fallback_url(event.message)
            fallback = (
                parse_destination(fallback_url, self._allow_private) if fallback_url else None
            )
        except DestinationError as error:
            self._refuse(OwedKey(event.message.id, event.number, round_), str(error))
            return None
        return Delivery(event, round_, source, destination, fallback)

    def _owe_again(self, key: OwedKey, event: StatusEvent, source: WebhookSource) -> None:
        """What an answer asked for was not stored after all, and the answer is on record already:
        the server is asked once more, for a debt that is as durable as that record.
        """
        replay = Replay(key.message_id, key.number, key.round + 1, self._clock.now())

        def on_commit(error: StoreError | None) -> None:
            if error is None:
                self.offer(event, source, replay.round)

        log.warning("webhook owed again", extra={"sid": message_sid(key.message_id)})
        self._store.append(replay, on_commit)

    # Records

    def _record(self, delivery: Delivery, outcome: str, gave_up: bool = False) -> None:
        prefix = "fallback: " if delivery.instead_of else ""
        self._note(delivery.key, prefix + outcome, gave_up, self._recorded)

    def _record_ended(self, ended: Sequence[Ended]) -> None:
        """Put on record what was given up without an attempt."""
        counts = Counter((each.host, each.reason) for each in ended)
        for (host, reason), count in counts.items():
            facts = {"host": host, "failure": reason, "count": count}
            log.warning("webhooks given up unattempted", extra=facts)
        for each in ended:
            self._note(each.key, f"gave up: {each.reason}", True, self._recorded)

    def _recorded(self, _error: StoreError | None) -> None:
        self._outbox.recorded()
        if self._outbox.has_overdue:
            self._wake.set()

    def _refuse(self, key: OwedKey, reason: str) -> None:
        log.warning("webhook refused", extra={"reason": reason})
        self._note(key, f"gave up: {reason}", gave_up=True)

    def _note(
        self, key: OwedKey, outcome: str, gave_up: bool, on_commit: OnCommit | None = None
    ) -> None:
        self.given_up += gave_up
        now = self._clock.now()
        self._store.append(
            Notified(key.message_id, key.number, now, outcome, key.round, gave_up), on_commit
        )
