"""The journal moves messages from status to status: by the table, into the store, to the bus.

It owns every message that is under way. Nobody else changes a status, so that what the store
holds, what the customer hears and what the queues do cannot differ.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.events import EventBus, StatusEvent
from gateway.message import FINAL, TRANSITIONS, Direction, Message, Origin, Receipts, Status
from gateway.messaging.doubts import Copy, Doubts
from gateway.messaging.open_message import OpenMessage, last_words, restore, strays
from gateway.store.interface import (
    WHOLE,
    Accepted,
    Attempt,
    AttemptOutcome,
    Listener,
    OnCommit,
    Released,
    Replaced,
    Store,
    StoredMessage,
    Transition,
)

log = logging.getLogger(__name__)

# Reading a member through its Enum costs 80 ns on CPython 3.11, a global 5.
QUEUED, SENDING, SENT, DELIVERED = (
    Status.QUEUED,
    Status.SENDING,
    Status.SENT,
    Status.DELIVERED,
)
WRITTEN, REFUSED = AttemptOutcome.WRITTEN, AttemptOutcome.REFUSED
NOBODY, WEBHOOK, ESME = Listener
FAILURE, SUCCESS = Receipts.FAILURE, Receipts.SUCCESS
INBOUND, SMPP = Direction.INBOUND, Origin.SMPP


class Journal:
    """Keeps what is under way, and in `doubts` which parts carriers have not answered, for as long
    as receipts are waited for."""

    def __init__(self, store: Store, clock: Clock, bus: EventBus, receipt_wait_s: float) -> None:
        self._store = store
        self._clock = clock
        self._bus = bus
        self._open: dict[int, OpenMessage] = {}
        self.doubts = Doubts(receipt_wait_s)

    def __len__(self) -> int:
        """How many messages are under way."""
        return len(self._open)

    def find(self, message_id: int) -> OpenMessage | None:
        """The message, if it is under way."""
        return self._open.get(message_id)

    def accept(
        self,
        message: Message,
        on_accepted: Callable[[OpenMessage | None], None],
        key: bytes = b"",
        fingerprint: bytes = b"",
    ) -> None:
        """Write a new message; `on_accepted` gets it once it is durable, or None if it never is.
        `key` and `fingerprint` are those of the customer's idempotency key (see `Accepted`).

        Raises:
            StoreError: the store takes no messages now.
        """
        self._store.append(
            Accepted(message, key, fingerprint), partial(self._accepted, message, on_accepted)
        )

    def _accepted(
        self,
        message: Message,
        on_accepted: Callable[[OpenMessage | None], None],
        error: StoreError | None,
    ) -> None:
        if error:
            on_accepted(None)
            return
        opened = self._open[message.id] = OpenMessage(message)
        on_accepted(opened)

    def receive(
        self, message: Message, on_received: Callable[[Message, Transition | None], None]
    ) -> None:
        """Write an inbound message; `on_received` gets its one transition once both are durable,
        or None if they never are.

        Raises:
            StoreError: the store takes no messages now.
        """
        transition = Transition(
            message.id,
            1,
            Status.RECEIVED,
            message.accepted_at,
            bind=message.carrier,
            listener=listener_of(message, Status.RECEIVED),
        )

        refused: list[StoreError] = []

        def on_accepted(error: StoreError | None) -> None:
            if error:
                refused.append(error)

        def on_transition(error: StoreError | None) -> None:
            if error or refused:
                on_received(message, None)
                return
            on_received(message, transition)
            self._bus.publish(
                StatusEvent(message, 1, Status.RECEIVED, transition.at, bind=transition.bind)
            )

        self._store.append(Accepted(message), on_accepted)
        self._store.append(transition, on_transition)

    def restore(self, stored: StoredMessage) -> OpenMessage:
        """Take up a message with a history: of an earlier run, or set aside since. One in a final
        state is under way no more, but receipts of its parts may still come.
        """
        opened = restore(stored)
        if opened.status in FINAL:
            return opened
        self._open[stored.message.id] = opened
        for last in last_words(stored):
            if last.outcome is not AttemptOutcome.REFUSED:
                self.doubts.add(opened, last.part, last.bind, last.at)
        if opened.status is Status.QUEUED and opened.sent == opened.total:
            # The gateway stopped between its last part and itself.
            opened.status = Status.SENDING
            self.advance(opened, Status.SENT, bind=opened.pinned)
        return opened

    def restore_strays(self, stored: StoredMessage) -> None:
        """Know of the copies of a message that an earlier run wrote, and heard no answer to."""
        now = self._clock.now()
        for attempt in strays(stored):
            self.doubts.restore(stored.message, Copy(attempt.bind, attempt.at), now)

    def take_up(self, message: Message, scheduled: bool) -> OpenMessage:
        """Take up a queued message that waited in the store, untouched by any carrier. `scheduled`:
        it has been, and its one transition is that it has come due.
        """
        opened = self._open[message.id] = OpenMessage(message)
        opened.status = Status.QUEUED
        opened.number = opened.durable = 1 if scheduled else 0
        return opened

    def set_aside(self, opened: OpenMessage) -> None:
        """Forget the message for now: it waits in the store, and is taken up again from there."""
        self._open.pop(opened.message.id, None)

    def advance(
        self,
        opened: OpenMessage,
        status: Status,
        error_code: int = 0,
        bind: str = "",
        carrier_id: str = "",
        done_date: str = "",
        carrier_status: str = "",
        carrier_error: str = "",
        on_commit: OnCommit | None = None,
    ) -> None:
        """Move the message to `status`; the event is published once the store has it."""
        assert status in TRANSITIONS[opened.status], f"{opened.status} -> {status}"
        message = opened.message
        opened.status = status
        opened.number += 1
        now = self._clock.now()
        if status is SENT:
            opened.taken_at = opened.taken_at or now
            if opened.segments == 1:
                self.doubts.discard(opened, 1)
            else:
                in_parts = opened.total == opened.segments
                for part in range(1, opened.segments + 1) if in_parts else (WHOLE,):
                    self.doubts.discard(opened, part)
        elif status in FINAL:
            del self._open[message.id]
            self.end_doubts(opened)
        event = StatusEvent(
            message,
            opened.number,
            status,
            now,
            error_code,
            bind,
            done_date,
            carrier_status,
            carrier_error,
        )
        transition = Transition(
            message.id,
            opened.number,
            status,
            now,
            0,
            error_code,
            bind,
            carrier_id,
            done_date,
            carrier_status,
            carrier_error,
            listener_of(message, status),
        )
        self._store.append(transition, partial(self._published, opened, event, on_commit))

    def _published(
        self,
        opened: OpenMessage,
        event: StatusEvent,
        on_commit: OnCommit | None,
        error: StoreError | None,
    ) -> None:
        if error is None:
            self._bus.publish(event)
            opened.durable = event.number
        if on_commit:
            on_commit(error)

    def _written(
        self,
        opened: OpenMessage,
        number: int,
        on_commit: OnCommit | None,
        error: StoreError | None,
    ) -> None:
        if error is None:
            opened.durable = number
        if on_commit:
            on_commit(error)

    def begin(self, opened: OpenMessage) -> None:
        """The message leaves its queue. Stored and told only where somebody is to be told, and
        then once: `sending` says nothing that survives a restart.
        """
        if opened.status is QUEUED:
            if opened.message.status_callback and not opened.attempts:
                self.advance(opened, SENDING)
            else:
                opened.status = SENDING

    def requeue(self, opened: OpenMessage) -> None:
        """The message is back in its queue; nobody is told."""
        if opened.status is Status.SENDING and opened.untouched:
            opened.status = Status.QUEUED

    def note_part(
        self,
        opened: OpenMessage,
        part: int,
        status: Status,
        bind: str,
        carrier_id: str = "",
        error_code: int = 0,
        done_date: str = "",
        carrier_status: str = "",
        carrier_error: str = "",
        on_commit: OnCommit | None = None,
    ) -> None:
        """Write what became of one part of several."""
        opened.number += 1
        now = self._clock.now()
        if status is Status.SENT:
            opened.taken_at = opened.taken_at or now
            self.doubts.discard(opened, part)
        self._store.append(
            Transition(
                opened.message.id,
                opened.number,
                status,
                now,
                part,
                error_code,
                bind,
                carrier_id,
                done_date,
                carrier_status,
                carrier_error,
            ),
            partial(self._written, opened, opened.number, on_commit),
        )

    def replace(self, message: Message, on_commit: OnCommit) -> None:
        """Write that the message of this id, of which no carrier knows, is another one now."""
        self._store.append(Replaced(message), on_commit)

    def attempt(
        self,
        opened: OpenMessage,
        part: int,
        outcome: AttemptOutcome,
        bind: str,
        command_status: int = 0,
        on_commit: OnCommit | None = None,
    ) -> None:
        """Write how far an attempt to hand a part to a carrier got; nobody is told."""
        now = self._clock.now()
        if outcome is WRITTEN:
            self.doubts.add(opened, part, bind, now)
        elif outcome is REFUSED:
            self.doubts.discard(opened, part)
        self._store.append(
            Attempt(opened.message.id, part, now, outcome, bind, command_status), on_commit
        )

    def end_doubts(self, opened: OpenMessage) -> None:
        """Leave to receipts what is not known of a message that has ended, once no answer to any
        part of it can come."""
        if not opened.in_flight and opened.status in FINAL:
            self.doubts.end(opened, self._clock.now())

    def release(self, opened: OpenMessage) -> None:
        """Keep no longer a message that stays `sent`, not even after a restart: its carrier gives
        no receipts."""
        if self._open.pop(opened.message.id, None):
            self.release_aside(opened.message.id)

    def release_aside(self, message_id: int) -> None:
        """The same for a message that is not at hand."""
        self._store.append(Released(message_id))


def listener_of(message: Message, status: Status) -> Listener:
    """Who is to be told that the message reached this status, besides the event stream."""
    if message.direction is INBOUND:
        return WEBHOOK if message.status_callback else ESME
    if message.status_callback:
        return WEBHOOK
    if message.receipts and message.origin is SMPP and status in FINAL:
        if message.receipts is (FAILURE if status is DELIVERED else SUCCESS):
            return NOBODY
        return ESME
    return NOBODY


def event_of(message: Message, transition: Transition) -> StatusEvent:
    """The event that the journal published, or would have, for a transition."""
    return StatusEvent(
        message=message,
        number=transition.number,
        status=transition.status,
        at=transition.at,
        error_code=transition.error_code,
        bind=transition.bind,
        done_date=transition.done_date,
        carrier_status=transition.carrier_status,
        carrier_error=transition.carrier_error,
    )
