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
from gateway.messaging.open_message import OpenMessage, restore
from gateway.store.interface import (
    Accepted,
    Listener,
    OnCommit,
    Store,
    StoredMessage,
    Transition,
)

log = logging.getLogger(__name__)


class Journal:
    def __init__(self, store: Store, clock: Clock, bus: EventBus) -> None:
        self._store = store
        self._clock = clock
        self._bus = bus
        self._open: dict[int, OpenMessage] = {}

    def __len__(self) -> int:
        """How many messages are under way."""
        return len(self._open)

    def find(self, message_id: int) -> OpenMessage | None:
        """The message, if it is under way."""
        return self._open.get(message_id)

    def accept(self, message: Message, on_accepted: Callable[[OpenMessage | None], None]) -> None:
        """Write a new message; `on_accepted` gets it once it is durable, or None if it never is.

        Raises:
            StoreError: the store takes no messages now.
        """
        self._store.append(Accepted(message), partial(self._accepted, message, on_accepted))

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
        """Take up a message of an earlier run."""
        opened = self._open[stored.message.id] = restore(stored)
        if opened.status is Status.QUEUED and opened.sent == opened.segments:
            # The gateway stopped between its last part and itself.
            opened.status = Status.SENDING
            self.advance(opened, Status.SENT, bind=opened.pinned)
        return opened

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
        if status in FINAL:
            del self._open[message.id]
        now = self._clock.now()
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
        self._store.append(transition, partial(self._published, event, on_commit))

    def _published(
        self, event: StatusEvent, on_commit: OnCommit | None, error: StoreError | None
    ) -> None:
        if error is None:
            self._bus.publish(event)
        if on_commit:
            on_commit(error)

    def begin(self, opened: OpenMessage) -> None:
        """The message leaves its queue. Stored and told only where somebody is to be told, and
        then once: `sending` says nothing that survives a restart.
        """
        if opened.status is Status.QUEUED:
            if opened.message.status_callback and not opened.attempts:
                self.advance(opened, Status.SENDING)
            else:
                opened.status = Status.SENDING

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
        self._store.append(
            Transition(
                opened.message.id,
                opened.number,
                status,
                self._clock.now(),
                part,
                error_code,
                bind,
                carrier_id,
                done_date,
                carrier_status,
                carrier_error,
            ),
            on_commit,
        )

    def release(self, opened: OpenMessage) -> None:
        """Keep no longer a message that stays `sent`: its carrier gives no receipts."""
        self._open.pop(opened.message.id, None)


def listener_of(message: Message, status: Status) -> Listener:
    """Who is to be told that the message reached this status, besides the event stream."""
    if message.direction is Direction.INBOUND:
        return Listener.WEBHOOK if message.status_callback else Listener.ESME
    if message.status_callback:
        return Listener.WEBHOOK
    if message.origin is Origin.SMPP and status in FINAL and message.receipts:
        if message.receipts is Receipts.FAILURE and status is Status.DELIVERED:
            return Listener.NONE
        return Listener.ESME
    return Listener.NONE


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
