"""What happened to a message, told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gateway.message import Message, Status


class StatusEvent(msgspec.Struct, frozen=True, gc=False):
    """A message reached a status, and the store has it.

    `number` counts the transitions of one message from 1, so (message.id, number) names the event
    for ever. `error_code` is Twilio's, 0 where there is none. `done_date` is the carrier's own
    `YYMMDDhhmm` where its receipt had one. `carrier_status` is the receipt's stat (DELIVRD …).
    """

    message: Message
    number: int
    status: Status
    at: float
    error_code: int = 0
    bind: str = ""
    done_date: str = ""
    carrier_status: str = ""
    carrier_error: str = ""


class EventBus:
    """Hands each event to each listener, in the order of subscription, at once.

    A listener does its own waiting elsewhere: it takes the event and returns.
    """

    def __init__(self) -> None:
        self._listeners: list[Callable[[StatusEvent], None]] = []

    def subscribe(self, listener: Callable[[StatusEvent], None]) -> None:
        self._listeners.append(listener)

    def publish(self, event: StatusEvent) -> None:
        for listener in self._listeners:
            listener(event)
