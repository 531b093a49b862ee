"""One event on its way to one server, and the kinds of webhook there are. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.events import StatusEvent
from gateway.message import Message
from gateway.messaging.owed_positions import Position
from gateway.store.interface import OwedKey
from gateway.webhooks.destination import Destination
from gateway.webhooks.request import Answer, Failure, WebhookRequest


@dataclass(frozen=True, slots=True)
class Failed:
    """The URL for which a fallback stands in, and Twilio's code of its last failure."""

    code: int
    url: str


class WebhookSource(Protocol):
    """A kind of webhook: what it sends for an event, and what an answer means."""

    def url(self, message: Message) -> str:
        """Where this message's events go; empty where it is not of this kind."""
        ...

    def fallback_url(self, message: Message) -> str:
        """Where they go if that fails; empty where there is no such URL."""
        ...

    def request(
        self, event: StatusEvent, destination: Destination, instead_of: Failed | None
    ) -> WebhookRequest | None:
        """The request that tells the event; None where its account is no more. `instead_of` is
        given where the destination is the fallback."""
        ...

    def answered(
        self,
        event: StatusEvent,
        destination: Destination,
        answer: Answer,
        again: Callable[[], None],
    ) -> str | Failure:
        """Act on the server's answer, and return the outcome for the record; or why it could not
        be used (`UNUSABLE`) or not acted upon now (`POSTPONED`).

        `again` is called later, and at most once, where the outcome turns out not to be durable:
        the event is then owed once more.
        """
        ...


@dataclass(slots=True, eq=False)
class Delivery:
    """The outbox owns what changes in it.

    `round` is that of the debt (see `OwedKey`), `since` the Unix second from which its four hours
    count. `fallback` is where it goes next if `destination` fails for good. `then` is the next
    event of the same message. `is_late` says that it has waited in the store, and `in_trouble` that
    the attempt under way is one to a host in trouble.
    """

    event: StatusEvent
    round: int
    source: WebhookSource
    destination: Destination
    fallback: Destination | None = None
    instead_of: Failed | None = None
    since: int = 0
    attempts: int = 0
    is_late: bool = False
    in_trouble: bool = False
    then: Delivery | None = None

    @property
    def message_id(self) -> int:
        return self.event.message.id

    @property
    def host(self) -> str:
        return self.destination.host

    @property
    def key(self) -> OwedKey:
        return OwedKey(self.event.message.id, self.event.number, self.round)

    @property
    def position(self) -> Position:
        return Position(*self.key, self.since, self.attempts)

    def divert(self, code: int) -> None:
        """Go to the fallback, as a new request to another server."""
        assert self.fallback is not None
        self.instead_of = Failed(code, self.destination.url)
        self.destination, self.fallback = self.fallback, None
        self.attempts = 0
