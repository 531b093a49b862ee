"""Drives the webhook outbox: starts attempts, waits for the next, records how each ended."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.events import StatusEvent
from gateway.message import Message
from gateway.messaging.journal import event_of
from gateway.messaging.webhook_destination import DestinationError, parse_destination
from gateway.messaging.webhook_outbox import Delivery, Outbox, OutboxLimits, WebhookSource
from gateway.messaging.webhook_request import Answer, Failure, WebhookRequest
from gateway.store.interface import Listener, Notified, OnCommit, Record, Transition

log = logging.getLogger(__name__)

# A refill reads every unnotified transition of the store up to those it looks for, so it must not
# come often, and it lets others run between slices.
REFILL_INTERVAL_S = 5.0
REFILL_SLICE = 200


class Append(Protocol):
    """The store's `append`."""

    def __call__(self, record: Record, on_commit: OnCommit | None = None) -> None: ...


class Poster(Protocol):
    """Makes one request: `WebhookClient`, or a test's endpoint."""

    async def post(self, request: WebhookRequest) -> Answer | Failure: ...


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """`allow_private` lets webhooks go to loopback and private networks."""

    allow_private: bool = False
    limits: OutboxLimits = field(default_factory=OutboxLimits)


class Webhooks:
    """The one engine of all webhooks, so that a host's limits hold for every kind together.

    `unnotified` is the store's `load_unnotified`. `offer` and `recover` may be called before `run`.
    """

    def __init__(
        self,
        append: Append,
        unnotified: Callable[[], Iterator[tuple[Message, Transition]]],
        poster: Poster,
        clock: Clock,
        rng: random.Random,
        settings: WebhookSettings,
    ) -> None:
        self._append = append
        self._unnotified = unnotified
        self._poster = poster
        self._clock = clock
        self._allow_private = settings.allow_private
        self._outbox = Outbox(settings.limits, rng.random, clock.now())
        self._sources: list[WebhookSource] = []
        self._wake = asyncio.Event()
        self._refill_at = 0.0

    @property
    def pending(self) -> int:
        """Webhooks in memory that are not yet taken or given up."""
        return self._outbox.pending

    @property
    def overflowed(self) -> int:
        """Hosts some of whose webhooks are in the store only."""
        return self._outbox.overflowed

    def add_source(self, source: WebhookSource) -> None:
        self._sources.append(source)

    def offer(self, event: StatusEvent, source: WebhookSource) -> None:
        """Tell an event, as soon as its place in the order comes."""
        delivery = self._delivery(event, source)
        if delivery is None:
            return
        overflowed = self._outbox.overflowed
        if not self._outbox.offer(delivery) and self._outbox.overflowed > overflowed:
            log.warning("webhook host overflowed", extra={"host": delivery.destination.host})
        self._wake.set()

    def recover(self, message: Message, transition: Transition) -> None:
        """Take up a transition that the store has, and that nobody was told of."""
        if transition.listener is Listener.WEBHOOK:
            event = event_of(message, transition)
            source = self._source(event)
            if source is not None:
                self.offer(event, source)

    async def run(self) -> None:
        """Deliver until cancelled. What is under way then stays in the store, to be recovered."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._wake.clear()
                now = self._clock.now()
                for delivery in self._outbox.take(now):
                    tasks.create_task(self._attempt(delivery))
                for delivery in self._outbox.given_up():
                    self._record(delivery, "gave up: the server failed for too long")
                if self._outbox.overflowed and now >= self._refill_at:
                    self._refill_at = now + REFILL_INTERVAL_S
                    tasks.create_task(self._refill())
                await self._sleep()

    async def _sleep(self) -> None:
        """Until the next timer, or until something happens."""
        timers = [timer for timer in (self._outbox.next_timer(),) if timer is not None]
        if self._outbox.overflowed:
            timers.append(self._refill_at)
        until = self._clock.to_monotonic(min(timers)) if timers else None
        try:
            async with asyncio.timeout_at(until):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            await self._deliver(delivery)
        except Exception:
            log.exception("webhook attempt broke", extra={"host": delivery.destination.host})
            self._outbox.abandoned(delivery)
            self._record(delivery, "gave up: an error of ours")
        finally:
            self._wake.set()

    async def _deliver(self, delivery: Delivery) -> None:
        event, destination, source = delivery.event, delivery.destination, delivery.source
        request = source.request(event, destination)
        if request is None:
            self._outbox.abandoned(delivery)
            self._record(delivery, "gave up: the account is no more")
            return
        answer = await self._poster.post(request)
        facts = {"host": destination.host, "attempts": delivery.attempts}
        if isinstance(answer, Answer):
            # What the answer asks for is appended before the record of it, in the same commit.
            outcome = source.answered(event, destination, answer)
            self._outbox.succeeded(delivery)
            self._record(delivery, outcome)
        elif self._outbox.failed(delivery, answer.kind, self._clock.now()):
            log.info("webhook failed", extra={**facts, "failure": str(answer)})
        else:
            log.warning("webhook given up", extra={**facts, "failure": str(answer)})
            self._record(delivery, f"gave up: {answer}")

    async def _refill(self) -> None:
        """Fetch from the store what found no room, the oldest first."""
        if not self._outbox.begin_refill():
            return
        complete = False
        try:
            for count, (message, transition) in enumerate(self._unnotified(), start=1):
                if not self._refill_one(message, transition):
                    break
                if count % REFILL_SLICE == 0:
                    await asyncio.sleep(0)
            complete = True
        except StoreError:
            log.warning("webhook refill failed", exc_info=True)
        finally:
            self._outbox.end_refill(complete)
            self._wake.set()

    def _refill_one(self, message: Message, transition: Transition) -> bool:
        if transition.listener is not Listener.WEBHOOK:
            return True
        event = event_of(message, transition)
        source = self._source(event)
        delivery = self._delivery(event, source) if source is not None else None
        return delivery is None or self._outbox.refill(delivery)

    def _source(self, event: StatusEvent) -> WebhookSource | None:
        """Whose webhook it is; an event that has lost its URL (reconfigured) ends here."""
        for source in self._sources:
            if source.url(event.message):
                return source
        self._notify(event, "gave up: there is no URL")
        return None

    def _delivery(self, event: StatusEvent, source: WebhookSource) -> Delivery | None:
        try:
            destination = parse_destination(source.url(event.message), self._allow_private)
        except DestinationError as error:
            log.warning("webhook refused", extra={"reason": str(error)})
            self._notify(event, f"gave up: {error}")
            return None
        return Delivery(event, destination, source)

    def _record(self, delivery: Delivery, outcome: str) -> None:
        self._notify(delivery.event, outcome, lambda error: self._outbox.recorded(delivery))

    def _notify(self, event: StatusEvent, outcome: str, on_commit: OnCommit | None = None) -> None:
        self._append(
            Notified(event.message.id, event.number, self._clock.now(), outcome), on_commit
        )
